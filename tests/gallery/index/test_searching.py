"""Searches of one query against plain ones."""

import numpy as np
import pytest
from plain_search import identities, index_of, random, ranking

from reid.gallery.index import bits
from reid.gallery.index.refining import NOTHING
from reid.gallery.index.searching import search_exactly, search_lists
from reid.gallery.index.table import Visible

ROWS = identities(1, 2000, 24, 0.6)


def visible(rows, *removed):
    """All but the removed."""
    return Visible(rows, bits.packed(np.array(removed, dtype=np.int64), rows), bits.empty(0))


@pytest.mark.parametrize("count", [1, 10, 3000])
def test_exact_search(count):
    """All that is asked for, and no more than there is."""
    state = index_of(ROWS)._state
    found = search_exactly(state.table, lambda slots: ROWS[slots], ROWS[9], count, visible(2000, 9, 11))

    expected = ranking(ROWS, ROWS[9], count, [slot for slot in range(2000) if slot not in {9, 11}])
    assert list(zip(found.slots.tolist(), found.scores.tolist(), strict=True)) == expected


def test_several_threads_find_the_same(monkeypatch):
    """Parts of the rows are scanned at once where it is worth it."""
    state = index_of(ROWS)._state
    alone = search_exactly(state.table, lambda slots: ROWS[slots], ROWS[9], 50, visible(2000))
    monkeypatch.setattr("reid.gallery.index.searching._WORTH_A_THREAD", 0)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    together = search_exactly(state.table, lambda slots: ROWS[slots], ROWS[9], 50, visible(2000))

    assert np.array_equal(alone.slots, together.slots)
    assert np.array_equal(alone.scores, together.scores)


def test_lists_find_what_an_exact_search_finds():
    """Nearly always, with the very same scores."""
    index = index_of(ROWS)
    index.cluster(0)
    state, hits = index._state, 0
    for slot in range(0, 2000, 20):
        exact = search_exactly(state.table, lambda slots: ROWS[slots], ROWS[slot], 10, visible(2000))
        args = (state.table, state.lists, state.turning, lambda slots: ROWS[slots], ROWS[slot], 10, visible(2000))
        quick = search_lists(*args)
        hits += len(np.intersect1d(exact.slots, quick.slots))
        scores = dict(zip(*map(np.ndarray.tolist, exact), strict=True))
        assert all(scores.get(one, score) == score for one, score in zip(*map(np.ndarray.tolist, quick), strict=True))
    assert hits >= 985


def test_too_many_rows_alike():
    """Lists give up; an exact search does not."""
    rows = np.ones((9000, 8), dtype=np.float32) + (random(2).random((9000, 1)) < 0.5).astype(np.float32) * 1e-7
    index = index_of(rows)
    index.cluster(0)
    state = index._state
    args = (lambda slots: rows[slots], rows[0], 5, visible(9000))

    assert search_lists(state.table, state.lists, state.turning, *args) is None
    found = search_exactly(state.table, *args)
    assert list(zip(found.slots.tolist(), found.scores.tolist(), strict=True)) == ranking(rows, rows[0], 5, range(9000))


def test_nothing_to_be_found():
    """No rows, no hits."""
    state = index_of(ROWS[:0])._state
    found = search_exactly(state.table, lambda slots: ROWS[slots], ROWS[9], 5, visible(0))

    assert [len(part) for part in found] == [len(part) for part in NOTHING] == [0, 0]
