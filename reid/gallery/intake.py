"""Images on their way into a gallery, between being read and being kept."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reid.embed import BATCH, Embedder
from reid.errors import MissingInputError
from reid.gallery.blocks import Crop, Pixels
from reid.gallery.entries import Entry
from reid.gallery.listing import Listing, placed
from reid.gallery.store import Store
from reid.records import Floats

_SHOWN = 20


@dataclass(frozen=True)
class Added:
    """What became of the images of a source.

    Attributes:
        added: images that are in the gallery now and were not before.
        duplicates: images whose content was there already, or came before in the same source.
        skipped: images that could not be used.
        clipped: images added whose box reached over the edge of the frame and was cut there.
        problems: what was wrong with the first 20 that were skipped.
    """

    added: int = 0
    duplicates: int = 0
    skipped: int = 0
    clipped: int = 0
    problems: tuple[str, ...] = ()

    def __add__(self, other: "Added") -> "Added":
        return Added(
            self.added + other.added,
            self.duplicates + other.duplicates,
            self.skipped + other.skipped,
            self.clipped + other.clipped,
            (self.problems + other.problems)[:_SHOWN],
        )


class Intake:
    """Images on their way: some wait to be embedded, some embedded ones to be put into the gallery.

    Args:
        store: the gallery.
        entries: all images that may come, as rows are counted; a listing with vectors brings its own.
        embedder: makes the vectors otherwise.
        batch: images that are put into the gallery at once, about so many.
        strict: whether an image that cannot be used ends it.

    Attributes:
        done: what became of the images so far.
    """

    def __init__(
        self, store: Store, entries: Sequence[Entry], embedder: Embedder | None, batch: int, *, strict: bool
    ) -> None:
        self.done = Added()
        self._store, self._entries, self._embedder = store, entries, embedder
        self._given = entries.vectors if isinstance(entries, Listing) else None
        self._batch, self._strict = batch, strict
        self._pictures: list[Pixels] = []
        self._waiting: list[tuple[Entry, bytes | None]] = []
        self._digests: set[str] = set()
        self._vectors: list[Floats] = []

    def take(self, rows: Sequence[int], crops: Sequence[Crop], pictures: Pixels) -> None:
        """Take in what was found out about some entries.

        Args:
            rows: of the entries.
            crops: what was found out about each.
            pictures: of those that are pictured, (P, height, width, 3) uint8.

        Raises:
            DataError: one cannot be used, and `strict`; those before it are in the gallery.
            InUseError, ArtefactError: of the store.
        """
        if self._given is not None:
            crops = [self._without_file(self._given[row], row, crop) for row, crop in zip(rows, crops, strict=True)]
        bad, problem = next(((n, crop.problem) for n, crop in enumerate(crops) if crop.problem is not None), (0, None))
        if problem is not None and self._strict:
            self.take(rows[:bad], crops[:bad], pictures)
            self.put()
            raise placed(self._entries, rows[bad], problem)
        known = self._store.known([crop.sha256 for crop in crops if crop.problem is None])
        chosen: list[int] = []
        seen = 0
        for row, crop in zip(rows, crops, strict=True):
            if crop.problem is not None:
                self.done += Added(skipped=1, problems=(str(placed(self._entries, row, crop.problem)),))
            elif crop.sha256 in known or crop.sha256 in self._digests or not (crop.pictured or self._given is not None):
                self.done += Added(duplicates=1)
            else:
                self._wait(row, crop)
                chosen.append(row if self._given is not None else seen)
            seen += crop.pictured
        self._choose(pictures, chosen)
        if len(self._waiting) >= self._batch:
            self.put()

    def put(self) -> None:
        """Put all that waits into the gallery.

        Raises:
            InUseError, ArtefactError: of the store.
        """
        self._embed()
        if not self._waiting:
            return
        entries, thumbnails = zip(*self._waiting, strict=True)
        ids = self._store.add(entries, np.concatenate(self._vectors), thumbnails)
        self.done += Added(added=len(ids) - ids.count(None), duplicates=ids.count(None))
        self._waiting, self._vectors = [], []
        self._digests.clear()

    def _wait(self, row: int, crop: Crop) -> None:
        entry = replace(self._entries[row], box=crop.box, sha256=crop.sha256)
        self._waiting.append((entry, crop.thumbnail))
        self._digests.add(crop.sha256)
        self.done += Added(clipped=int(crop.clipped))

    def _choose(self, pictures: Pixels, chosen: list[int]) -> None:
        if self._given is not None:
            self._vectors.append(self._given[chosen])
        elif chosen:
            self._pictures.append(pictures if len(chosen) == len(pictures) else pictures[chosen])
            if sum(map(len, self._pictures)) >= BATCH:
                self._embed()

    def _embed(self) -> None:
        if self._embedder is None or not self._pictures:
            return
        pictures = self._pictures[0] if len(self._pictures) == 1 else np.concatenate(self._pictures)
        self._pictures.clear()
        self._vectors.append(self._embedder.model.pictures(pictures))

    def _without_file(self, vector: Floats, row: int, crop: Crop) -> Crop:
        if not isinstance(crop.problem, MissingInputError):
            return crop
        entry = self._entries[row]
        content = hashlib.sha256(vector.tobytes())
        content.update(f"\n{entry.path}\n{entry.box}".encode("utf-8", "surrogateescape"))
        return Crop(content.hexdigest(), entry.box)
