"""A gallery's images into another gallery, wherever either is kept."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from reid.errors import GalleryError
from reid.gallery.batches import parts, with_vectors
from reid.gallery.entries import Entry, Stored
from reid.gallery.filters import Where
from reid.gallery.store import About, Store

_FIELDS = tuple(field.name for field in dataclasses.fields(Entry))


def copy(
    source: Store,
    destination: Store,
    *,
    batch: int = 1000,
    settings: Iterable[str] = (),
    progress: Callable[[int], None] | None = None,
) -> int:
    """Copy the images of a gallery that another one lacks, with vectors and thumbnails.

    Ids may change, their order stays. What was copied stays in the destination when the copying is stopped, however it
    is, and copying again goes on from there: images whose sha256 is there are passed over, and images without one are
    copied once, which a setting of the destination keeps track of. Nothing in the destination is changed or removed.

    Args:
        source: the gallery to copy from; images that are added or removed meanwhile may be copied or not.
        destination: the gallery to copy to, of the same model.
        batch: images that are copied at once.
        settings: names of settings to copy as well, where the source has them.
        progress: called with the number of images that have been looked at since the last call.

    Returns:
        How many images were copied.

    Raises:
        GalleryError: the galleries are of different models, their vectors of different lengths, or both are the same.
        InUseError, ArtefactError: of the stores.
    """
    if source is destination or source.about.uuid == destination.about.uuid:
        raise GalleryError("a gallery cannot be copied to itself; name another one")
    _refuse_other(source.about, destination.about)
    for name in settings:
        if (value := source.setting(name)) is not None:
            destination.set(name, value)
    track = _Track(source, destination)
    copied = 0
    for images in parts(source.entries(Where()), batch):
        known = destination.known([image.sha256 for image in images if image.sha256])
        fresh = [image for image in images if (image.sha256 not in known if image.sha256 else track.lacks(image))]
        fresh, vectors = with_vectors(source, fresh)
        if fresh:
            thumbnails = [_thumbnail(source, image) for image in fresh]
            track.begin(fresh)
            added = destination.add([_entry(image) for image in fresh], vectors, thumbnails)
            track.end(fresh)
            copied += sum(number is not None for number in added)
        if progress is not None:
            progress(len(images))
    return copied


class _Track:
    """Which images without sha256 were copied: all up to an id of the source, kept as a setting of the destination.

    The setting also names the first such image of the batch under way. Where copying was stopped in it, the batch is in
    the destination if that image is, as often as it is among the images of the source up to it.
    """

    def __init__(self, source: Store, destination: Store) -> None:
        self._destination = destination
        self._name = f"copied from {source.about.uuid}"
        kept = destination.setting(self._name) or {"done": 0, "doing": None}
        self._done: int = kept["done"]
        if kept["doing"] is not None:
            first, last = kept["doing"]
            for image in source.entries(Where(ids=(first,))):
                before = [one for one in _alike(source, image) if one.id <= first]
                self._done = last if len(_alike(destination, image)) >= len(before) else self._done

    def lacks(self, image: Stored) -> bool:
        """Whether an image without sha256 was not copied."""
        return image.id > self._done

    def begin(self, images: Sequence[Stored]) -> None:
        """Say what will be copied now."""
        if bare := [image.id for image in images if not image.sha256]:
            self._destination.set(self._name, {"done": self._done, "doing": [bare[0], bare[-1]]})

    def end(self, images: Sequence[Stored]) -> None:
        """Say that it was."""
        if bare := [image.id for image in images if not image.sha256]:
            self._done = bare[-1]
            self._destination.set(self._name, {"done": self._done, "doing": None})


def _alike(store: Store, image: Stored) -> list[Stored]:
    return [one for one in store.entries(Where(paths=(image.path,))) if _entry(one) == _entry(image)]


def _thumbnail(store: Store, image: Stored) -> bytes | None:
    try:
        return store.thumbnail(image.id)
    except GalleryError:  # removed meanwhile
        return None


def _entry(image: Stored) -> Entry:
    return Entry(**{name: getattr(image, name) for name in _FIELDS})


def _refuse_other(source: About, destination: About) -> None:
    if source.model != destination.model:
        raise GalleryError(
            f"the gallery's vectors were made by model {source.model[:12] or 'unknown'}, those of the one to copy to by "
            f"{destination.model[:12] or 'unknown'}; create one of the same model, or embed the images anew"
        )
    if source.dimension != destination.dimension:
        raise GalleryError(
            f"the gallery's vectors have {source.dimension} numbers, those of the one to copy to {destination.dimension}"
        )
