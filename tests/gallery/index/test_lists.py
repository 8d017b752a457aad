"""Tables of rows in lists against plain ones."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_search import random

from reid.gallery.index.codes import quantise, restore
from reid.gallery.index.lists import (
    NOWHERE,
    assignment_of,
    capacity,
    in_lists,
    move_rows,
    positions_of,
    sketch_rows,
    table_of,
    with_room,
)
from reid.gallery.index.sketches import rotation


def filled(assignment, lists, rows):
    """A table with the rows of all slots, sketched relative to 0."""
    room = int((assignment >= 0).sum()) + max(0, len(rows) - len(assignment))
    table = table_of(assignment, lists, room, rows.shape[1], 64)
    positions = positions_of(table, np.arange(len(rows)))
    quantise(rows[positions >= 0], positions[positions >= 0], table.codes)
    turned = np.zeros((lists + 1, 64), dtype=np.float32)
    sketch_rows(table, positions[positions >= 0], turned, rotation(rows.shape[1]))
    return table


@given(st.lists(st.integers(-1, 4), max_size=60))
@settings(deadline=None)
def test_places(numbers):
    """Rows stand list by list, by slot within one; the assignment is what it was."""
    assignment = np.array(numbers, dtype=np.int32)
    table = table_of(assignment, 5, len(numbers), 3, 64)

    assert table.slots.tolist() == [slot for one in range(5) for slot, number in enumerate(numbers) if number == one]
    assert in_lists(table).tolist() == sorted(number for number in numbers if number >= 0)
    assert assignment_of(table).tolist() == numbers
    assert np.diff(table.starts).tolist() == [numbers.count(one) for one in range(5)]
    later = positions_of(table, np.arange(len(numbers) + 2))
    assert all(table.slots[place] == slot for slot, place in enumerate(later[:-2]) if place != NOWHERE)
    assert (later[:-2] == NOWHERE).tolist() == (assignment == NOWHERE).tolist()
    assert later[-2:].tolist() == [len(table.slots), len(table.slots) + 1]


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=20)
def test_moving(seed):
    """Rows keep their codes and sketches wherever they go, and those that go nowhere are gone."""
    numbers = random(seed)
    rows = numbers.standard_normal((90, 5)).astype(np.float32)
    old = filled(numbers.integers(-1, 3, 60).astype(np.int32), 3, rows)
    assignment = numbers.integers(-1, 4, 90).astype(np.int32)
    assignment[:60][assignment_of(old) == NOWHERE] = NOWHERE
    new = table_of(assignment, 4, 100, 5, 64)
    move_rows(old, new, 90, sketched=True)

    slots = np.flatnonzero(assignment >= 0)
    there, here = positions_of(new, slots), positions_of(old, slots)
    assert np.array_equal(restore(new.codes, there, 5), restore(old.codes, here, 5))
    assert np.array_equal(new.codes.residuals[there], old.codes.residuals[here])
    assert np.array_equal(new.sketches.words[:, there], old.sketches.words[:, here])
    assert np.array_equal(new.sketches.factors[there], old.sketches.factors[here])


def test_room():
    """A table with room for more holds the same; one that has enough stays; the next time there is more to spare."""
    rows = random(5).standard_normal((10, 5)).astype(np.float32)
    table = filled(np.array([0, 1, 0], dtype=np.int32), 2, rows)
    wider = with_room(table, 40)

    assert with_room(table, 10) is table
    assert capacity(wider) == 60
    assert capacity(with_room(table_of(np.empty(0, dtype=np.int32), 0, 0, 5, 0), 70)) == 70
    assert np.array_equal(restore(wider.codes, np.arange(10), 5), restore(table.codes, np.arange(10), 5))
    assert np.array_equal(wider.sketches.words[:, :10], table.sketches.words)
    assert np.array_equal(wider.sketches.factors[:10], table.sketches.factors)


def test_rows_are_sketched_for_their_lists():
    """Of two equal rows in two lists each is sketched relative to its own centre, and a later row relative to 0."""
    rows = np.ones((3, 5), dtype=np.float32)
    table = filled(np.array([1, 0], dtype=np.int32), 3, rows)
    same = table.sketches.factors.copy()
    turned = random(1).standard_normal((4, 64)).astype(np.float32) * np.array([[1], [9], [5], [0]], dtype=np.float32)
    sketch_rows(table, np.arange(3), turned, rotation(5))

    assert len(set(same.tolist())) == 1
    assert table.sketches.factors[1] > 2 * table.sketches.factors[0] > 2 * same[2]
    assert table.sketches.factors[2] == same[2]
