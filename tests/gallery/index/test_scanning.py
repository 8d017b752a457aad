"""Scans against plain ones: nothing that may matter is left out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_search import random, score, unit

from reid.gallery.index import bits
from reid.gallery.index.codes import empty_codes, quantise, quantise_query
from reid.gallery.index.lists import positions_of, sketch_rows, table_of
from reid.gallery.index.scanning import cut, probe, scan
from reid.gallery.index.searching import prepared
from reid.gallery.index.sketches import rotation, sketch_query
from reid.gallery.index.table import Ranked, Visible, shortlist

ALL = np.empty(0, dtype=np.int64)


def table(rows, assignment, centroids):
    """All rows, those after the assignment in no list."""
    turning = rotation(rows.shape[1])
    lists = prepared(centroids, 0.0, 0.0, len(rows), turning)
    made = table_of(assignment, len(centroids), len(rows), rows.shape[1], len(turning.signs))
    positions = positions_of(made, np.arange(len(rows)))
    present = positions >= 0
    quantise(rows[present], positions[present], made.codes)
    sketch_rows(made, positions[present], lists.turned, turning)
    return made


def seen(rows, removed=(), allowed=None):
    """The visible of so many rows."""
    gone = bits.packed(np.array(removed, dtype=np.int64), rows)
    return Visible(rows, gone, bits.empty(0) if allowed is None else bits.packed(np.array(allowed), rows))


def case(seed, *, rows=300, dimension=24):
    """Rows, a query and a table with lists of a part of the rows, one of which is gone."""
    numbers = random(seed)
    vectors = unit(numbers.standard_normal((rows, dimension)))
    assignment = numbers.integers(0, 6, rows * 2 // 3).astype(np.int32)
    assignment[5] = -1
    centroids = unit(numbers.standard_normal((6, dimension))) * np.float32(0.2)
    return vectors, vectors[0] + vectors[1], table(vectors, assignment, centroids), centroids


@given(st.integers(0, 10**6), st.integers(1, 20), st.booleans())
@settings(deadline=None, max_examples=30)
def test_scan(seed, count, filtered):
    """What is listed holds the best visible rows, with bounds that hold, and not all rows."""
    rows, query, made, _ = case(seed)
    removed, allowed = [3, 200], list(range(0, 300, 2)) if filtered else None
    listed, visible = shortlist(count), seen(300, removed, allowed)
    assert scan(made, ALL, 0, 299, quantise_query(query), visible, listed) == 299
    cut(listed)

    kept = dict(zip(listed.slots[: listed.sizes[1]].tolist(), listed.upper.tolist(), strict=False))
    slots = [slot for slot in (allowed or range(300)) if slot not in {3, 5, 200}]
    scores = {slot: score(rows[slot], query) for slot in slots}
    assert set(sorted(slots, key=scores.__getitem__)[-count:]) <= kept.keys() <= set(slots)
    assert all(scores[slot] <= upper for slot, upper in kept.items())
    assert len(kept) < count + 60


def test_scan_of_chosen_rows():
    """Only the rows at the chosen positions are listed."""
    _, query, made, _ = case(1)
    chosen = positions_of(made, np.array([7, 40, 250, 299]))
    listed = shortlist(10)
    scan(made, chosen, 0, 4, quantise_query(query), seen(300, [40]), listed)

    assert sorted(listed.slots[: listed.sizes[1]].tolist()) == [7, 250, 299]


def test_a_scan_stops_when_its_list_is_full():
    """Of equal rows all may matter; it says where to go on, and has listed each row before that."""
    codes = empty_codes(6000, 4)
    quantise(np.ones((6000, 4), dtype=np.float32), np.arange(6000), codes)
    made = table_of(np.empty(0, dtype=np.int32), 0, 0, 4, 0)._replace(codes=codes)
    listed = shortlist(2)
    stopped = scan(made, ALL, 0, 6000, quantise_query(np.ones(4, dtype=np.float32)), seen(6000), listed)

    assert stopped == len(listed.slots) == listed.sizes[1] < 6000
    assert listed.slots.tolist() == list(range(stopped))


@given(st.integers(0, 10**6), st.integers(1, 10))
@settings(deadline=None, max_examples=20)
def test_probe_of_all_lists(seed, count):
    """With wide margins nearly all of the best are listed, in whichever order lists are looked at, and rows in no list too."""
    rows, query, made, centroids = case(seed)
    products = centroids @ query
    order = random(seed).permutation(6)
    listed = shortlist(count)
    ranked = Ranked(products, products - np.float32(0.02), order)
    asked = quantise_query(query), sketch_query(query, rotation(24))
    assert probe(made, ranked, *asked, np.inf, np.inf, seen(300, [3]), listed)
    cut(listed)

    best = sorted(set(range(300)) - {3, 5}, key=lambda slot: score(rows[slot], query))[-count:]
    assert len(set(best) & set(listed.slots[: listed.sizes[1]].tolist())) >= count - 1


def test_probe_leaves_lists():
    """When the next list's rank is too far from the first's, or from what was found; not before enough was found."""
    _, query, made, _ = case(2)
    sizes = np.diff(made.starts)
    ranked = Ranked(*(np.array([1, 0.9, 0.8, 0.7, 0.6, 0.5], dtype=np.float32),) * 2, np.arange(6))
    asked = quantise_query(query), sketch_query(query, rotation(24))
    visible = seen(200)  # none of the rows in no list

    def looked_at(count, near, reach):
        listed = shortlist(count)
        probe(made, ranked, *asked, near, reach, visible, listed)
        lists = np.searchsorted(made.starts, positions_of(made, listed.slots[: listed.sizes[1]]), side="right")
        return set((lists - 1).tolist())

    assert looked_at(1, 0.0, np.inf) == {0}
    assert looked_at(int(sizes[0]) + 1, 0.0, np.inf) == {0, 1}
    assert looked_at(int(sizes[0]) + 1, 0.15, np.inf) == {0, 1, 2}
    assert looked_at(200, np.inf, 0.0) == {0, 1, 2, 3, 4, 5}
    assert looked_at(1, np.inf, -5.0) == {0}


def test_probe_says_when_too_many_are_alike():
    """Then what it lists would not be all."""
    rows = np.ones((9000, 4), dtype=np.float32)
    made = table(rows, np.zeros(9000, dtype=np.int32), rows[:1])
    ranked = Ranked(*(np.full(1, 4, dtype=np.float32),) * 2, np.zeros(1, dtype=np.int64))
    asked = quantise_query(rows[0]), sketch_query(rows[0], rotation(4))

    assert not probe(made, ranked, *asked, np.inf, np.inf, seen(9000), shortlist(2))
