"""Sets of slots against Python's own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reid.gallery.index import bits


@given(st.integers(1, 300).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)))))
def test_packing(case):
    """What is packed is set, and nothing else, whichever way one asks."""
    size, slots = case
    packed = bits.packed(np.array(sorted(slots), dtype=np.int64), size)

    assert set(np.flatnonzero(bits.unpacked(packed, size))) == slots
    assert bits.are_set(packed, np.arange(size)).tolist() == [slot in slots for slot in range(size)]


@given(st.sets(st.integers(0, 199)), st.sets(st.integers(0, 199)))
def test_more_slots_make_a_new_set(before, more):
    """The set that is there stays as it is: others may be looking at it."""
    old = bits.packed(np.array(sorted(before), dtype=np.int64), 200)
    copy = old.copy()
    new = bits.with_set(old, np.array(sorted(more), dtype=np.int64))

    assert np.array_equal(old, copy)
    assert set(np.flatnonzero(bits.unpacked(new, 200))) == before | more


def test_room():
    """A set becomes longer when there are more slots, and holds the same ones."""
    old = bits.with_set(bits.empty(64), np.array([3, 63]))

    assert bits.widened(old, 64) is old
    assert np.flatnonzero(bits.unpacked(bits.widened(old, 65), 65)).tolist() == [3, 63]
