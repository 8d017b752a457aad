"""Which pictures a set has: of whom, by which camera, when, and in which split."""

from collections.abc import Sequence
from dataclasses import dataclass

from reid.data.synthetic.crops import Shot
from reid.data.synthetic.subjects import KINDS
from reid.rng import generator

FRAMES_PER_SECOND = 25
_FRAMES = 200_000  # in one recording


@dataclass(frozen=True)
class Picture:
    """One picture of the set.

    Attributes:
        shot: what to draw.
        split: "train", "query" or "gallery".
        frame: when, in frames of the camera's recording; no two pictures of one identity and camera share it.
    """

    shot: Shot
    split: str
    frame: int


@dataclass(frozen=True)
class Plan:
    """All pictures of a set.

    Attributes:
        seed: of everything.
        kind: "vehicle" or "person".
        identities: how many; identity 1 is the first.
        training: how many of them train: identities 1 to `training`.
        cameras: how many.
        pictures: in order of identity.
    """

    seed: int
    kind: str
    identities: int
    training: int
    cameras: int
    pictures: Sequence[Picture]

    def category(self, identity: int) -> str:
        """The sort of object an identity is: body type of a vehicle, what a person wears below."""
        return KINDS[self.kind].category(self.seed, identity)

    def extras(self, count: int, first: int, *, misframed: bool) -> list[Picture]:
        """`count` gallery pictures of further identities, from number `first` after the last on, one of each."""
        start = self.identities + first
        return [
            Picture(Shot(identity, 0, 1 + identity % self.cameras, misframed), "gallery", 7 * identity % _FRAMES)
            for identity in range(start, start + count)
        ]


def make_plan(seed: int, kind: str, *, identities: int, training: int, images: int, cameras: int) -> Plan:
    """The plan of a set: every identity passes cameras in an order of its own, again and again until it has `images`.

    At most half of a test identity's pictures are queries, one per camera: the first that it took. Everything else is
    gallery, so that with two cameras or more every query has a right answer from another camera.
    """
    pictures: list[Picture] = []
    for identity in range(1, identities + 1):
        order = generator(seed, f"{kind} itinerary", identity).permutation(cameras) + 1
        for number in range(images):
            camera = int(order[number % cameras])
            asks = number < min(cameras, images // 2)
            split = "train" if identity <= training else "query" if asks else "gallery"
            pictures.append(
                Picture(Shot(identity, number, camera), split, _frame(seed, kind, identity, camera, number // cameras))
            )
    return Plan(seed, kind, identities, training, cameras, pictures)


def _frame(seed: int, kind: str, identity: int, camera: int, turn: int) -> int:
    passing = generator(seed, f"{kind} timetable", identity, camera)
    start, step = passing.integers(_FRAMES), passing.integers(3, 26)
    return int((start + turn * step) % _FRAMES)
