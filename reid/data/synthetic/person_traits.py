"""What makes one person different from the next: build, hair, clothes, shoes, bags."""

from dataclasses import dataclass

import numpy as np

from reid.data.synthetic.mesh import Colour
from reid.data.synthetic.paints import Pool, jittered, weighted
from reid.rng import generator

_TOPS: Pool = (
    ((34, 34, 37), 26), ((214, 214, 210), 15), ((116, 118, 122), 17), ((36, 46, 78), 13), ((64, 96, 156), 8),
    ((158, 40, 44), 5), ((64, 92, 66), 4), ((182, 164, 132), 4), ((206, 138, 154), 2), ((216, 180, 66), 1),
    ((98, 70, 52), 2), ((110, 76, 136), 1), ((210, 110, 48), 1), ((70, 142, 148), 1),
)  # fmt: skip
_BOTTOMS: Pool = (
    ((44, 54, 82), 30), ((34, 34, 37), 32), ((88, 112, 150), 14), ((98, 98, 102), 11), ((176, 158, 126), 6),
    ((88, 66, 50), 2), ((208, 206, 200), 2), ((70, 78, 58), 2), ((128, 40, 52), 1),
)  # fmt: skip
_SHOES: Pool = (
    ((30, 30, 32), 40),
    ((214, 214, 212), 28),
    ((96, 66, 46), 16),
    ((150, 44, 46), 6),
    ((70, 92, 150), 6),
)
_BAGS: Pool = (
    ((30, 30, 33), 36), ((66, 70, 78), 14), ((112, 72, 46), 14), ((42, 58, 104), 12), ((156, 42, 48), 8),
    ((190, 170, 136), 6), ((66, 104, 78), 5), ((214, 176, 60), 3),
)  # fmt: skip
_HAIR: Pool = (
    ((30, 24, 22), 42),
    ((70, 48, 34), 26),
    ((126, 90, 56), 12),
    ((196, 164, 106), 9),
    ((152, 148, 146), 9),
    ((138, 62, 36), 3),
)
_SKIN: Pool = (((232, 190, 164), 40), ((206, 158, 128), 26), ((160, 112, 82), 18), ((106, 72, 54), 16))

PATTERNS = ("plain", "stripes", "block", "print", "open", "checks")
_PATTERN_SHARES = (0.66, 0.07, 0.06, 0.08, 0.10, 0.03)
BAGS = ("none", "backpack", "shoulder", "handbag", "suitcase")
_BAG_SHARES = (0.60, 0.19, 0.12, 0.07, 0.02)
HATS = ("none", "cap", "beanie", "hood")
_HAT_SHARES = (0.82, 0.08, 0.05, 0.05)
HAIRSTYLES = ("short", "long", "bob", "bun", "bald")
_HAIRSTYLE_SHARES = (0.50, 0.22, 0.13, 0.09, 0.06)
LOWER = ("trousers", "shorts", "skirt", "dress", "coat")
_LOWER_SHARES = (0.70, 0.09, 0.06, 0.05, 0.10)


@dataclass(frozen=True)
class Person:
    """One person.

    Attributes:
        height: in metres.
        girth: factor on all widths.
        skin: of face and bare limbs.
        hair: colour of the hair.
        hairstyle: one of `HAIRSTYLES`.
        beard: whether there is one.
        hat: one of `HATS`.
        hat_colour: of hat or hood.
        top: of shirt or jacket.
        accent: second colour of the pattern; what is under an open jacket.
        pattern: one of `PATTERNS`.
        pattern_at: where stripe, block or print sits, 0..1 from hem to collar.
        pattern_size: how broad it is, 0..1.
        sleeve: share of the arm that is covered.
        lower: one of `LOWER`.
        bottom: of trousers, skirt or dress; a coat has the colour of the top.
        hem: how far a skirt or coat reaches down, 0..1 from hip to ankle; of shorts too.
        piping: stripe along the trouser legs, None for none.
        shoes: their colour.
        bag: one of `BAGS`.
        bag_colour: of the bag.
        bag_side: +1 left, -1 right.
        bag_size: factor on its size.
    """

    height: float
    girth: float
    skin: Colour
    hair: Colour
    hairstyle: str
    beard: bool
    hat: str
    hat_colour: Colour
    top: Colour
    accent: Colour
    pattern: str
    pattern_at: float
    pattern_size: float
    sleeve: float
    lower: str
    bottom: Colour
    hem: float
    piping: Colour | None
    shoes: Colour
    bag: str
    bag_colour: Colour
    bag_side: float
    bag_size: float

    @property
    def cloth(self) -> Colour:
        """Colour of shirt, jacket or the upper half of a dress."""
        return self.bottom if self.lower == "dress" else self.top


def draw_person(seed: int, identity: int) -> Person:
    """The person that is `identity` in the town of `seed`."""
    random = generator(seed, "person", identity)
    lower = _choose(random, LOWER, _LOWER_SHARES)
    hem = {"shorts": random.uniform(0.30, 0.50), "skirt": random.uniform(0.30, 0.75)}.get(
        lower, random.uniform(0.35, 0.8)
    )
    return Person(
        height=float(np.clip(random.normal(1.72, 0.085), 1.48, 1.98)),
        girth=float(np.clip(random.normal(1.02, 0.11), 0.8, 1.4)),
        skin=_colour(random, _SKIN),
        hair=_colour(random, _HAIR),
        hairstyle=_choose(random, HAIRSTYLES, _HAIRSTYLE_SHARES),
        beard=bool(random.random() < 0.12),
        hat=_choose(random, HATS, _HAT_SHARES),
        hat_colour=_colour(random, _TOPS),
        top=_colour(random, _TOPS),
        accent=_colour(random, _TOPS),
        pattern=_choose(random, PATTERNS, _PATTERN_SHARES),
        pattern_at=float(random.uniform(0.25, 0.8)),
        pattern_size=float(random.uniform(0.15, 1.0)),
        sleeve=float(random.choice((0.0, 0.42, 0.42, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0))) if lower != "coat" else 1.0,
        lower=lower,
        bottom=_colour(random, _BOTTOMS if lower != "dress" else _TOPS),
        hem=float(hem),
        piping=_colour(random, _TOPS) if random.random() < 0.08 else None,
        shoes=_colour(random, _SHOES),
        bag=_choose(random, BAGS, _BAG_SHARES),
        bag_colour=_colour(random, _BAGS),
        bag_side=float(random.choice((-1.0, 1.0))),
        bag_size=float(random.uniform(0.75, 1.25)),
    )


def _choose(random: np.random.Generator, names: tuple[str, ...], shares: tuple[float, ...]) -> str:
    return names[int(random.choice(len(names), p=np.array(shares) / sum(shares)))]


def _colour(random: np.random.Generator, wardrobe: Pool) -> Colour:
    return jittered(random, weighted(random, wardrobe), 5.0)
