"""Grouping by identity against plain loops, and when enough was fetched against whole galleries."""

import numpy as np
import pytest
from found_images import NAMES, plain_groups, scored, sorted_found, stored
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_store import MemoryStore

from reid.errors import GalleryError
from reid.gallery.entries import Entry
from reid.gallery.filters import Where
from reid.gallery.grouping import enough, fetch_identities, grouped, joined, mean_of_best, ordered, unsettled


@settings(deadline=None, max_examples=40)
@given(scored, st.integers(1, 4))
def test_groups_equal_plain_loops(pairs, m):
    """Each identity once with all its images; images without one alone; by score, then by the lowest best id."""
    found = sorted_found(pairs)
    groups = ordered(found, grouped(found), m)

    assert [
        (mean_of_best(found, places, m), found[places[0]][0].identity, [found[p][0].id for p in places])
        for places in groups
    ] == [(pytest.approx(score), identity, ids) for score, identity, ids in plain_groups(found, m)]


@settings(deadline=None, max_examples=40)
@given(scored, st.integers(0, 40), st.integers(0, 40))
def test_joining_keeps_each_image_once(pairs, first, second):
    """Two parts of what can be found, in the order of the whole."""
    found = sorted_found(pairs)
    one, other = found[:first], found[second:]

    assert joined(one, other) == [pair for pair in found if pair in one or pair in other]


@settings(deadline=None, max_examples=150)
@given(scored, st.integers(1, 5), st.integers(1, 4), st.integers(1, 40))
def test_enough_is_final(pairs, k, m, count):
    """Whatever was not fetched: identities, order and scores of the first k are those of the whole gallery."""
    whole = sorted_found(pairs)
    found, exhausted = whole[:count], count > len(whole)
    extra = []
    for _ in NAMES:
        names = unsettled(found, k, m=m, extra=extra)
        extra += [p for name in names for p in [q for q in whole if q[0].identity == name][:m]]
    if enough(found, k, m=m, exhausted=exhausted, extra=extra):
        parts = [(score, name) for score, name, _ in plain_groups(joined(found, extra), m)[:k]]
        assert parts == [(score, name) for score, name, _ in plain_groups(whole, m)[:k]]
    assert enough(whole, k, m=m, exhausted=True)
    assert exhausted or not enough(found[:0], k, m=m)


def test_enough_says_when_more_are_needed():
    """Too few identities; a mean that images not fetched could still beat; one that they could still lower."""
    found = sorted_found([("a", 8), ("a", 7), ("b", 6), ("b", 2), (None, 1)])

    assert [enough(found[:count], 2) for count in (1, 2, 3)] == [False, False, True]
    assert not enough(found[:3], 2, m=2)
    assert unsettled(found[:3], 2, m=2) == ["b"]
    assert enough(found[:4], 1, m=2)
    assert not enough(found[:4], 3, m=2)
    low = sorted_found([("a", 8), ("a", 0), ("b", 7)])
    assert unsettled(low[:2], 1, m=2) == ["a"]
    assert not enough(low[:2], 1, m=2, extra=[low[0], low[2]])  # a comes to 4, and an identity not seen could have 7


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 60), st.integers(1, 6), st.integers(1, 4))
def test_fetching_equals_the_whole_gallery(seed, size, k, m):
    """Over a store, fetching as it goes: the same as grouping all its images."""
    random = np.random.default_rng(seed)
    store, query = MemoryStore(3), np.array([[1, 0, 0]], np.float32)
    if size:
        cosines = random.integers(-6, 7, size) / 8
        vectors = np.stack([cosines, np.sqrt(1 - cosines**2), np.zeros(size)], axis=1).astype(np.float32)
        names = random.choice(["a", "b", "c", "d", "e", "f", None], size, p=[0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.1])
        store.add([Entry(f"/{row}", name) for row, name in enumerate(names)], vectors, [None] * size)
    fetched = fetch_identities(
        lambda count: store.nearest(query, count, Where())[0],
        lambda name: store.nearest(query, m, Where(identities=(name,)))[0],
        k,
        m=m,
    )
    whole = store.nearest(query, 1000, Where())[0]

    assert [(score, name) for score, name, _ in plain_groups(fetched, m)[:k]] == [
        (score, name) for score, name, _ in plain_groups(whole, m)[:k]
    ]


def test_fetching_ends_at_the_most():
    """Where so many images show too few identities, what was fetched is what there is."""
    asked = []

    def best(count):
        asked.append(count)
        return [(stored(number, "a"), 0.5) for number in range(1, count + 1)]

    assert len(fetch_identities(best, lambda name: [], 2, most=100)) == 100
    assert asked == [8, 32, 100]


@pytest.mark.parametrize(("k", "m"), [(0, 1), (1, 0), (-1, 1)])
def test_numbers_below_one(k, m):
    """Nothing is asked for."""
    for call in (lambda: enough([], k, m=m), lambda: unsettled([], k, m=m)):
        with pytest.raises(GalleryError, match="at least 1"):
            call()
