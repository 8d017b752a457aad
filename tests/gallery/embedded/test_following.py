"""The index of a gallery in memory, and the part of it that is kept."""

import galleries
import numpy as np
import pytest

from reid.errors import ArtefactError
from reid.gallery.embedded.following import INDEX
from reid.gallery.embedded.store import EmbeddedStore
from reid.gallery.filters import Where
from reid.gallery.index import vector_index


@pytest.fixture
def clustered(tmp_path, monkeypatch):
    """A gallery of two thousand images with lists, closed."""
    monkeypatch.setattr(vector_index, "CLUSTERED_FROM", 1000)
    store = EmbeddedStore.create(tmp_path / "g", galleries.about(16))
    store.add(galleries.entries(2000), galleries.unit(2000, 16))
    store.settle()
    store.close()
    return tmp_path / "g"


def found(folder):
    """The nearest of some queries."""
    store = EmbeddedStore(folder)
    hits = store.nearest(galleries.unit(5, 16, seed=9), 10, Where())
    store.close()
    return [[image.id for image, _ in one] for one in hits]


def recall(ids):
    """Share of the true nearest."""
    scores = galleries.unit(5, 16, seed=9).astype(float) @ galleries.unit(2000, 16).astype(float).T
    return np.mean([len(set(np.argsort(-row)[:10] + 1) & set(one)) for row, one in zip(scores, ids, strict=True)]) / 10


def test_lists_are_kept_and_used(clustered, monkeypatch):
    """The next process has them without making them."""
    assert (clustered / INDEX).is_file()
    monkeypatch.setattr(vector_index.VectorIndex, "cluster", None)
    store = EmbeddedStore(clustered)
    store.nearest(galleries.unit(1, 16), 1, Where())
    assert store._following._view.index.clusters is not None
    store.settle()
    store.close()

    assert recall(found(clustered)) > 0.9


@pytest.mark.parametrize("damage", ["gone", "cut", "flipped", "anothers"])
def test_lists_are_derived(clustered, tmp_path, damage):
    """Where they are missing, damaged or another gallery's, everything is found without them."""
    path = clustered / INDEX
    content = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    else:
        store = EmbeddedStore.create(tmp_path / "other", galleries.about(16))
        store.add(galleries.entries(2000), galleries.unit(2000, 16, seed=3))
        store.settle()
        store.close()
        path.write_bytes((tmp_path / "other" / INDEX).read_bytes())

    assert recall(found(clustered)) == 1


def test_later_and_removed_images(clustered):
    """Images that came after the lists were made are found, removed ones are not; also by a process that comes later."""
    store = EmbeddedStore(clustered)
    query = galleries.unit(1, 16, seed=77)
    store.nearest(query, 1, Where())
    (new,) = store.add([galleries.entries(1, 5000)[0]], query)
    store.remove(Where(ids=(1, 2)))
    for opened in (store, EmbeddedStore(clustered)):
        hits = [image.id for image, _ in opened.nearest(query, 2000, Where())[0]]
        assert hits[0] == new
        assert not {1, 2} & set(hits)
        opened.close()


def test_compaction_makes_lists_stale(clustered):
    """Slots have other numbers then."""
    store = EmbeddedStore(clustered)
    store.remove(Where(ids=tuple(range(1, 1001))))
    store.compact()
    hits = store.nearest(galleries.unit(2000, 16)[1500:1501], 3, Where())[0]

    assert hits[0][0].id == 1501
    assert not (clustered / INDEX).exists()
    store.settle()
    assert (clustered / INDEX).exists()
    store.close()


def test_searches_on_a_device(clustered):
    """Nothing is missed there, also after changes, after the gallery was compacted, and beside one that has it not."""
    store = EmbeddedStore(clustered)
    store.search_on("cpu")
    queries = galleries.unit(5, 16, seed=9)
    assert recall([[image.id for image, _ in one] for one in store.nearest(queries, 10, Where())]) == 1
    store.remove(Where(ids=tuple(range(1, 500))))
    before = store.nearest(queries, 10, Where())
    store.compact()
    exact = EmbeddedStore(clustered)  # compacting made its lists stale: all is looked at
    assert store.nearest(queries, 10, Where()) == before == exact.nearest(queries, 10, Where())
    assert store._following._view.index._device is not None
    store.close()
    exact.close()


def test_damage_in_what_others_added(tmp_path):
    """A search that meets it says so each time, names the image, and goes on once it is gone; blocks before it are not lost."""
    store = EmbeddedStore.create(tmp_path / "g", galleries.about(512))
    store.add(galleries.entries(100), galleries.unit(100, 512))
    store.nearest(galleries.unit(1, 512), 1, Where())
    other = EmbeddedStore(tmp_path / "g")
    other.add(galleries.entries(1500, 100), galleries.unit(1500, 512, seed=1))
    other.close()
    path = tmp_path / "g" / "vectors-000001.bin"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)

    for _ in range(2):
        with pytest.raises(ArtefactError, match="among them those of images 1600:"):
            store.nearest(galleries.unit(1, 512), 1, Where())
    store.remove(Where(ids=(1600,)))
    hits = store.nearest(galleries.unit(1500, 512, seed=1)[[0, 1498]], 1, Where())
    assert [image.id for ((image, _),) in hits] == [101, 1599]
    store.close()
