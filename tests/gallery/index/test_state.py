"""One moment of an index after another."""

import numpy as np
import pytest
from plain_search import identities, index_of, unit

from reid.gallery.index import state as states
from reid.gallery.index.lists import assignment_of, capacity, positions_of, sketch_rows
from reid.gallery.index.sketches import rotation
from reid.gallery.index.state import appended, clustered, empty, expecting, kept, merged

ROWS = identities(3, 1500, 16, 0.4)


@pytest.fixture(scope="module")
def grouped():
    """A state with 1,500 rows in lists."""
    start = empty(16, rotation(16))
    return clustered(appended(start, ROWS), 0)


def test_a_state_is_not_changed_by_the_next():
    """Rows that are added are not among the rows of the state before."""
    first = appended(empty(16, rotation(16)), ROWS[:100])
    second = appended(first, ROWS[100:130])

    assert (first.rows, second.rows) == (100, 130)
    assert first.alive().tolist() == list(range(100))
    assert np.abs(second.vectors(np.arange(130)) - ROWS[:130]).max() < 0.01


def test_room_grows_in_large_steps():
    """A thousand small batches copy what is there a few times only."""
    state = empty(16, rotation(16))
    rooms = set()
    for _ in range(1000):
        state = appended(state, ROWS[:5])
        rooms.add(capacity(state.table))
    assert len(rooms) < 20


def test_lists_hold_all_rows(grouped):
    """Every row is in a list, near its centre, and what was stored of it is the same."""
    table = grouped.table
    assert sorted(table.slots.tolist()) == list(range(1500))
    apart = ROWS - grouped.lists.centroids[assignment_of(table)]
    assert np.linalg.norm(apart, axis=1).mean() < 0.8 * np.linalg.norm(ROWS - ROWS.mean(axis=0), axis=1).mean()
    assert np.abs(grouped.vectors(positions_of(table, np.arange(1500))) - ROWS).max() < 0.01


def test_merging_gives_the_same_as_building(grouped):
    """Rows that came later, then into lists: the table that a new index of these lists has."""
    more = merged(appended(grouped, ROWS[:200]))
    again = expecting(kept(more, more.lists), rotation(16))
    again = appended(again, np.concatenate([ROWS, ROWS[:200]]))
    same = slice(0, 1700)

    assert len(more.table.slots) == 1700
    assert np.array_equal(assignment_of(more.table)[:200], assignment_of(more.table)[1500:])
    assert np.array_equal(more.table.slots, again.table.slots)
    for one, other in zip(more.table.codes, again.table.codes, strict=True):
        assert np.array_equal(one[same], other[same])
    assert np.array_equal(more.table.sketches.words[:, same], again.table.sketches.words[:, same])
    assert np.array_equal(more.table.sketches.factors[same], again.table.sketches.factors[same])
    sketch_rows(again.table, np.arange(1700), more.lists.turned, rotation(16))
    assert np.array_equal(more.table.sketches.words[:, same], again.table.sketches.words[:, same])


def test_later_rows_are_merged_when_they_are_many(grouped, monkeypatch):
    """Not at once, and then all of them."""
    monkeypatch.setattr(states, "_LATER", 50)
    few = appended(grouped, ROWS[:40])
    many = appended(few, ROWS[:40])

    assert len(few.table.slots) == 1500
    assert len(many.table.slots) == 1580


def test_removed_rows_leave_when_lists_are_made():
    """They take no room any more; their slots stay theirs."""
    index = index_of(ROWS)
    index.forget(np.arange(0, 1500, 3))
    index.cluster(0)
    state = index._state

    assert len(state.table.slots) == 1000
    assert (state.rows, state.gone) == (1500, 500)
    assert (assignment_of(state.table)[::3] == -1).all()


def test_one_row_needs_no_list():
    """Nothing is done."""
    state = appended(empty(4, rotation(4)), unit(np.ones((1, 4))))

    assert clustered(state, 0) is state
    assert merged(state) is state
