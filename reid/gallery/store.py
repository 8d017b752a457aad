"""Where a gallery's images are kept: what every place for them can do, be it a folder or a distributed database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from reid.gallery.entries import Entry, Stored
from reid.gallery.filters import Where
from reid.records import Floats

MAX_HITS = 10_000
"""Hits of one search at most, in every store."""


@dataclass(frozen=True)
class About:
    """What holds for a gallery as a whole, from its making on.

    Attributes:
        dimension: length of the vectors.
        model: fingerprint (sha256) of the model that makes its vectors; "" where vectors come from elsewhere.
        prepared: how that model prepares images, for people: `{"input": [256, 128], "normalise": "slices", ...}`.
        precision: "float32" or "float16", of the stored vectors.
        uuid: of this gallery, hexadecimal.
        created: date and time, ISO 8601, UTC.
    """

    dimension: int
    model: str
    prepared: dict[str, Any]
    precision: str = "float32"
    uuid: str = ""
    created: str = ""


class Store(Protocol):
    """Images with their vectors. Every change is whole or not at all, and lasts when the call returns.

    Vectors are float32 and of unit length in every call; a store may keep them with less precision. Any number of
    threads may call it at once.
    """

    @property
    def about(self) -> About:
        """What holds for the gallery as a whole."""
        ...

    def add(self, entries: Sequence[Entry], vectors: Floats, thumbnails: Sequence[bytes | None]) -> list[int | None]:
        """Add a batch of images; None stands for one whose sha256 is there already (or twice in the batch: the later one).

        Raises:
            GalleryError: a vector has the wrong length, or is NaN, infinite or zero; the image is named.
            InUseError: others have been writing for too long.
            ArtefactError: the disk is full or failed; nothing of the batch is in the gallery.
        """
        ...

    def known(self, digests: Sequence[str]) -> set[str]:
        """Those sha256 that images of the gallery have."""
        ...

    def remove(self, where: Where) -> int:
        """Remove images; how many."""
        ...

    def label(self, where: Where, identity: str | None) -> int:
        """Give images an identity, or take it away; how many."""
        ...

    def entries(self, where: Where, *, limit: int | None = None) -> Iterator[Stored]:
        """Images, by id."""
        ...

    def nearest(self, queries: Floats, count: int, where: Where) -> list[list[tuple[Stored, float]]]:
        """The `count` most similar images of each query (Q, D), with the cosine similarity, best first, then by id."""
        ...

    def vectors(self, ids: Sequence[int]) -> Floats:
        """(N, D) float32.

        Raises:
            GalleryError: there is no such image; it is named.
        """
        ...

    def thumbnail(self, image: int) -> bytes | None:
        """A small JPEG of an image; None where there is none."""
        ...

    def counts(self, *, roughly: bool = False) -> dict[str, int]:
        """Numbers of "images", "identities", "unlabelled" images and "cameras"; "bytes" on disk, 0 if not known.

        Args:
            roughly: where counting means to read every row, the numbers may be those of an earlier moment, when there
                were from nine to eleven tenths as many images.
        """
        ...

    def setting(self, name: str) -> Any:
        """A value kept with the gallery, such as the threshold for "unknown"; None where it was never set."""
        ...

    def set(self, name: str, value: Any) -> None:
        """Keep a value (as JSON) with the gallery."""
        ...

    def search_on(self, device: str) -> None:
        """Search on a torch device, such as "cuda:0", from now on, where the store can; what is found is the best there is."""
        ...

    def settle(self) -> None:
        """Do what makes searches quick after a large change; it may take a minute, and changes nothing that is found."""
        ...

    def close(self) -> None:
        """Let go of files and connections; nothing is lost without it."""
        ...
