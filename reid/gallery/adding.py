"""Images into a gallery: read once, embedded where their content is new, and kept batch by batch.

Whatever ends it, each batch is in the gallery whole or not at all, and adding the same source again goes on where it
was: content that is there is neither decoded nor embedded again.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from reid.data.images import MAX_MEGAPIXELS
from reid.data.loader import Loader, default_workers
from reid.data.thumbnails import THUMBNAIL
from reid.embed import BATCH, Embedder, transform
from reid.errors import GalleryError, LoaderError
from reid.gallery.blocks import unpack
from reid.gallery.checks import check_vectors
from reid.gallery.crops import CropReader, Digests, readers, sorted_digests, tasks
from reid.gallery.entries import Entry
from reid.gallery.filters import Where
from reid.gallery.intake import Added, Intake
from reid.gallery.listing import Listing
from reid.gallery.store import About, Store

__all__ = ["Added", "add", "check_model"]

_CHECKED = 10_000
_SOURCES = 100


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
    maker = embedder if given is None else None
    every = list(tasks(entries, max(1, min(BATCH, batch))))
    reader = CropReader(
        entries,
        None if maker is None else transform(maker.description),
        thumbnail,
        _known(store, entries),
        MAX_MEGAPIXELS if embedder is None else embedder.max_megapixels,
    )
    device = "cpu" if maker is None else maker.device.type
    workers = default_workers(device) if workers is None else workers
    intake = Intake(store, entries, maker, batch, strict=on_bad_image == "error")
    with Loader(reader, **readers(entries, min(workers, len(every)), device), pin=device == "cuda") as loader:
        try:
            for task, block in loader.batches(every):
                intake.take(task.rows.tolist(), *unpack(block.numpy()))
                if progress is not None:
                    progress(len(task.rows))
        except LoaderError:
            intake.put()
            raise
    intake.put()
    return intake.done


def check_model(about: About, embedder: Embedder) -> None:
    """Refuse a model that is not the gallery's.

    Raises:
        GalleryError: its fingerprint, or the length of its vectors, differs.
    """
    _same_model(about, embedder.fingerprint, "vectors of the model that was given")
    if embedder.dimension != about.dimension:
        raise GalleryError(
            f"the model makes vectors of {embedder.dimension} numbers, those of the gallery have {about.dimension}"
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
