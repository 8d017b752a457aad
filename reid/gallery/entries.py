"""What a gallery knows of an image, and what a search found."""

from dataclasses import dataclass, fields
from pathlib import Path

from reid.data.boxes import Box

__all__ = ["Box", "Entry", "Hit", "Stored"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One image on its way into a gallery.

    Attributes:
        path: of the image file, or of the frame that it is a crop of; absolute unless it is no file of this machine.
        identity: its name; None where it is not known.
        camera: number, 0 or more; None where it is not known.
        time: seconds since 1970-01-01 UTC, or a frame number; None where it is not known.
        source: what it was added from, such as a folder or a list.
        box: the crop within the frame; None is the whole image.
        sha256: hexadecimal, of the content it was embedded from (the file's bytes, and the box); "" where no file was
            read. No two images of a gallery have the same, unless it is "".
    """

    path: str
    identity: str | None = None
    camera: int | None = None
    time: float | None = None
    source: str = ""
    box: Box | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Stored(Entry):
    """One image in a gallery.

    Attributes:
        id: from 1; never given to another image, not even when this one is removed.
    """

    id: int = 0


_new = Stored.__new__
_path, _identity, _camera, _time, _source, _box, _sha256, _id = (
    getattr(Stored, field.name).__set__ for field in fields(Stored)
)


def stored(
    path: str,
    identity: str | None,
    camera: int | None,
    time: float | None,
    source: str,
    box: Box | None,
    sha256: str,
    number: int,
) -> Stored:
    """`Stored` of these values, made in half the time its own constructor takes, which every search waits for ten times."""
    image = _new(Stored)
    _path(image, path)
    _identity(image, identity)
    _camera(image, camera)
    _time(image, time)
    _source(image, source)
    _box(image, box)
    _sha256(image, sha256)
    _id(image, number)
    return image


@dataclass(frozen=True, slots=True)
class Hit:
    """One image found.

    Attributes:
        rank: from 1, best first.
        score: cosine similarity with the query, -1..1.
        image: what was found.
        probability: that it shows the query's identity, 0..1; None where the model was not calibrated.
    """

    rank: int
    score: float
    image: Stored
    probability: float | None = None

    @property
    def identity(self) -> str | None:
        """Name of the identity; None where it is not known."""
        return self.image.identity

    @property
    def camera(self) -> int | None:
        """Number of the camera; None where it is not known."""
        return self.image.camera

    @property
    def path(self) -> Path:
        """Of the image file."""
        return Path(self.image.path)

    def to_dict(self) -> dict[str, object]:
        """The hit as plain values for JSON."""
        image = self.image
        return {
            "rank": self.rank,
            "identity": image.identity,
            "score": self.score,
            "path": image.path,
            "camera": image.camera,
            "time": image.time,
            "source": image.source,
            "box": None if image.box is None else list(image.box),
            "id": image.id,
            **({} if self.probability is None else {"probability": self.probability}),
        }
