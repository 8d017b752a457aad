"""Batches of a store's images, also of those that are no longer there."""

import numpy as np
import pytest
from memory_store import MemoryStore

from reid.gallery.batches import parts, with_vectors
from reid.gallery.entries import Entry
from reid.gallery.filters import Where


@pytest.mark.parametrize(
    ("size", "wanted"), [(2, [[1, 2], [3, 4], [5]]), (5, [[1, 2, 3, 4, 5]]), (0, [[1], [2], [3], [4], [5]])]
)
def test_parts(size, wanted):
    """All in order, so many at a time; nothing of nothing."""
    assert list(parts(iter([1, 2, 3, 4, 5]), size)) == wanted
    assert list(parts(iter([]), size)) == []


def test_vectors_of_those_still_there():
    """In the order asked for; images that were removed are left out."""
    store = MemoryStore(3)
    store.add([Entry(f"/{row}") for row in range(3)], np.eye(3, dtype=np.float32), [None] * 3)
    images = list(store.entries(Where()))[::-1]

    kept, vectors = with_vectors(store, images)
    assert kept == images
    assert vectors.tolist() == np.eye(3)[::-1].tolist()
    store.remove(Where(ids=(2,)))
    kept, vectors = with_vectors(store, images)
    assert [image.id for image in kept] == [3, 1]
    assert vectors.tolist() == [[0, 0, 1], [1, 0, 0]]
    store.remove(Where())
    assert with_vectors(store, images)[0] == []
