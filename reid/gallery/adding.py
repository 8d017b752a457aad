"""Images into a gallery: read once, embedded where their content is new, and kept batch by batch.

Whatever ends it, each batch is in the gallery whole or not at all, and adding the same source again goes on where it
was: content that is there is neither decoded nor embedded again.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from reid.data.loader import Loader, default_workers
from reid.embed import BATCH, Embedder, Inference, transform
from reid.errors import GalleryError, LoaderError, MissingInputError, ReidError
from reid.gallery.blocks import Crop, Pixels, unpack
from reid.gallery.checks import check_vectors
from reid.gallery.crops import CropReader, Digests, sorted_digests, tasks
from reid.gallery.entries import Entry
from reid.gallery.filters import Where
from reid.gallery.listing import Listing
from reid.gallery.pictures import THUMBNAIL
from reid.gallery.store import About, Store
from reid.records import Floats

_SHOWN = 20
_CHECKED = 10_000
_SOURCES = 100


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


def add(
    store: Store,
    embedder: Embedder | None,
    entries: Sequence[Entry],
    *,
    batch: int = 1000,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
    thumbnail: int = THUMBNAIL,
    on_bad_image: Literal["error", "skip"] = "error",
) -> Added:
    """Add images to a gallery.

    An image whose content (its file's bytes, and its box) is there already is a duplicate, whatever its path. Vectors
    of an embeddings folder are taken as they are; where an image of theirs is not on this machine, its content is its
    vector and its path, and it has no thumbnail.

    Args:
        store: the gallery.
        embedder: the gallery's model; None will do where `entries` is a listing with vectors.
        entries: the images; best a listing of `reid.gallery.sources`, or else with boxes of one frame side by side,
            for it to be decoded once.
        batch: images that are put into the gallery at once, about so many: a killed process loses no more.
        workers: loader processes; None chooses by the number of cores.
        progress: called with the number of images that have been dealt with since the last call.
        thumbnail: longer side of thumbnails in pixels; 0 keeps none, and leaves images that have vectors undecoded.
        on_bad_image: "error" stops at the first image that cannot be used, with all before it in the gallery; "skip"
            leaves such images out and counts them.

    Raises:
        GalleryError: the model, or the length of the vectors, is not the gallery's; nothing was added.
        DataError: an image cannot be read, or its box lies outside the frame.
        LoaderError: a process that reads images died or hangs.
        InUseError, ArtefactError: of the store.
    """
    given = entries if isinstance(entries, Listing) and entries.vectors is not None else None
    _check(store.about, embedder, given)
    every = list(tasks(entries, max(1, min(BATCH, batch))))
    embed = None if given is not None else embedder
    device = torch.device("cpu") if embed is None else embed.device
    reader = CropReader(
        entries,
        None if embed is None else transform(embed.description),
        thumbnail,
        _known(store, entries),
        **({} if embedder is None else {"max_megapixels": embedder.max_megapixels}),
    )
    adding = _Adding(store, entries, embed, batch, strict=on_bad_image == "error")
    if embed is not None:
        embed.network.eval()
    workers = default_workers(device.type) if workers is None else workers
    with Loader(reader, workers=min(workers, len(every)), pin=device.type == "cuda") as loader:
        try:
            for task, block in loader.batches(every):
                adding.take(task.rows.tolist(), *unpack(block.numpy()))
                if progress is not None:
                    progress(len(task.rows))
        except LoaderError:
            adding.put()
            raise
    adding.put()
    return adding.done


class _Adding:
    """Images on their way: some wait to be embedded, some embedded ones to be put into the gallery."""

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
        """Take in what was found out about some entries."""
        if self._given is not None:
            crops = [self._without_file(self._given[row], row, crop) for row, crop in zip(rows, crops, strict=True)]
        bad = next((place for place, crop in enumerate(crops) if crop.problem is not None), None)
        if bad is not None and self._strict:
            self.take(rows[:bad], crops[:bad], pictures)
            self.put()
            raise self._problem(rows[bad], crops[bad])
        known = self._store.known([crop.sha256 for crop in crops if crop.problem is None])
        chosen: list[int] = []
        seen = 0
        for row, crop in zip(rows, crops, strict=True):
            if crop.problem is not None:
                self._skip(row, crop)
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
        """Put all that waits into the gallery."""
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
        on_device = torch.from_numpy(pictures).to(self._embedder.device, non_blocking=True)
        self._vectors.append(Inference()(self._embedder.network, on_device))

    def _without_file(self, vector: Floats, row: int, crop: Crop) -> Crop:
        if not isinstance(crop.problem, MissingInputError):
            return crop
        entry = self._entries[row]
        content = hashlib.sha256(vector.tobytes())
        content.update(f"\n{entry.path}\n{entry.box}".encode("utf-8", "surrogateescape"))
        return Crop(content.hexdigest(), entry.box)

    def _skip(self, row: int, crop: Crop) -> None:
        self.done += Added(skipped=1, problems=(str(self._problem(row, crop)),))

    def _problem(self, row: int, crop: Crop) -> ReidError:
        place = self._entries.place(row) if isinstance(self._entries, Listing) else ""
        kind = ReidError if crop.problem is None else type(crop.problem)
        return kind(f"{place}: {crop.problem}" if place else str(crop.problem))


def check_model(about: About, embedder: Embedder) -> None:
    """Refuse a model that is not the gallery's.

    Raises:
        GalleryError: its fingerprint, or the length of its vectors, differs.
    """
    _same_model(about, embedder.fingerprint, "vectors of the model that was given")
    if embedder.network.architecture.dimension != about.dimension:
        raise GalleryError(
            f"the model makes vectors of {embedder.network.architecture.dimension} numbers, those of the gallery have "
            f"{about.dimension}"
        )


def _check(about: About, embedder: Embedder | None, given: Listing | None) -> None:
    if given is not None and given.vectors is not None:
        _same_model(about, given.model, "the vectors of the embeddings folder")
        for start in range(0, len(given), _CHECKED):
            part = slice(start, start + _CHECKED)
            check_vectors(given[part], given.vectors[part], about.dimension)
    elif embedder is None:
        raise GalleryError("images need a model to be added; only vectors of an embeddings folder come without one")
    else:
        check_model(about, embedder)


def _same_model(about: About, model: str, what: str) -> None:
    if model != about.model:
        raise GalleryError(
            f"{what} are those of model {model[:12] or 'unknown'}, but the gallery's are those of model "
            f"{about.model[:12] or 'unknown'}, and cannot be compared with them; take that model, or embed the gallery "
            "again (reid-gallery migrate); nothing was added"
        )


def _known(store: Store, entries: Sequence[Entry]) -> Digests | None:
    """Content that is there from the same sources already, for it not to be decoded: of no more images than are added."""
    sources = {entry.source for entry in entries}
    if not 0 < len(sources) <= _SOURCES:
        return None
    there = store.entries(Where(sources=tuple(sorted(sources))), limit=len(entries))
    return sorted_digests(image.sha256 for image in there)
