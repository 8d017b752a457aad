"""Compaction: what it gives back, and what a kill in the middle leaves."""

import galleries
import pytest

from reid.gallery.embedded.compacting import compact
from reid.gallery.embedded.store import EmbeddedStore
from reid.gallery.filters import Where


def test_nothing_to_give_back(tmp_path):
    """Then nothing is written."""
    store = galleries.filled(tmp_path / "g")
    before = sorted(path.name for path in store.folder.iterdir())

    assert store.compact() == 0
    assert sorted(path.name for path in store.folder.iterdir()) == before
    store.close()


def test_slots_are_given_back_and_all_else_stays(tmp_path):
    """Once more after further changes: generation by generation; progress tells of every slot."""
    store, told = galleries.filled(tmp_path / "g", 40), list[int]()
    for camera in (1, 2):
        gone = store.remove(Where(cameras=(camera,)))
        before = galleries.content(store)
        assert store.compact(told.append) == gone
        assert galleries.content(store) == before
        assert store.nearest(galleries.unit(1), 1, Where())[0][0][0].id == 1
    assert sorted(p.name for p in store.folder.glob("vectors*")) == ["vectors-000003.bin"]
    assert sum(told) == 40 + 35
    assert store.check() == []
    store.close()


def test_broken_off_before_its_commit(tmp_path):
    """The file of the generation that never came is no trouble, and goes with the next compaction."""
    store = galleries.filled(tmp_path / "g")
    store.remove(Where(cameras=(1,)))
    before = galleries.content(store)

    def broken_off():
        with store._connections.writing() as connection:
            compact(connection, store.folder)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    assert len(list(store.folder.glob("vectors*"))) == 2
    store.close()
    again = EmbeddedStore(store.folder)

    assert galleries.content(again) == before
    assert again.compact() == 4
    assert [p.name for p in store.folder.glob("vectors*")] == ["vectors-000002.bin"]
    assert galleries.content(again) == before
    again.close()
