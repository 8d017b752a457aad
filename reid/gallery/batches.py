"""The images of a store batch by batch, while others may remove some."""

from collections.abc import Iterator, Sequence
from itertools import islice

from reid.errors import GalleryError
from reid.gallery.entries import Stored
from reid.gallery.filters import Where
from reid.gallery.store import Store
from reid.records import Floats


def parts(images: Iterator[Stored], size: int) -> Iterator[list[Stored]]:
    """`size` images at a time, at least one."""
    while part := list(islice(images, max(1, size))):
        yield part


def with_vectors(store: Store, images: Sequence[Stored]) -> tuple[list[Stored], Floats]:
    """Those of some images that are still in a gallery, and their vectors."""
    try:
        return list(images), store.vectors([image.id for image in images])
    except GalleryError:  # one was removed meanwhile
        there = {image.id for image in store.entries(Where(ids=tuple(image.id for image in images)))}
        images = [image for image in images if image.id in there]
        return images, store.vectors([image.id for image in images])
