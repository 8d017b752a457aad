"""Exact scores of what is listed, against plain sums and sorting."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_search import random, ranking, score

from reid.gallery.index.refining import NOTHING, best, scores, settle
from reid.gallery.index.table import shortlist


@given(st.integers(0, 10**6), st.integers(1, 40))
@settings(deadline=None, max_examples=30)
def test_scores(seed, dimension):
    """Bit for bit those of the plain sum, wherever the rows stand."""
    rows = random(seed).standard_normal((9, dimension)).astype(np.float32)
    query = random(seed + 1).standard_normal(dimension).astype(np.float32)

    assert scores(rows, query).tolist() == [score(row, query) for row in rows]
    assert scores(np.asfortranarray(rows)[::2], query).tolist() == scores(rows, query)[::2].tolist()


def test_best():
    """Highest first, of equal ones the lowest slot."""
    found = best(np.array([7, 3, 5, 1]), np.array([0.5, 0.5, 0.9, 0.1]), 3)

    assert found.slots.tolist() == [5, 3, 7]
    assert found.scores.tolist() == [0.9, 0.5, 0.5]


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(0, 4000), st.integers(1, 5))
@settings(deadline=None, max_examples=40)
def test_settling(seed, count, size, distinct):
    """The best of what is listed is found among many equal rows, with loose bounds, in several turns; no row is read twice."""
    numbers = random(seed)
    rows = numbers.integers(-1, 2, (distinct * 50, 8)).astype(np.float32)
    query = numbers.integers(-1, 2, 8).astype(np.float32)
    slots = numbers.permutation(len(rows))[:size]
    listed, read = shortlist(count), []

    def reading(wanted):
        read.extend(wanted.tolist())
        return rows[wanted]

    found = NOTHING
    for part in np.array_split(slots, 3):
        for slot in part:
            listed.slots[listed.sizes[1]] = slot
            listed.upper[listed.sizes[1]] = score(rows[slot], query) + numbers.random() * 3
            listed.sizes[1] += 1
        found = settle(reading, query, listed, found)

    expected = ranking(rows, query, count, slots.tolist())
    assert list(zip(found.slots.tolist(), found.scores.tolist(), strict=True)) == expected
    assert len(set(read)) == len(read)
    assert sorted(listed.best[: listed.sizes[0]].tolist(), reverse=True) == [value for _, value in expected]


def test_rows_that_cannot_matter_are_not_read():
    """Of ten thousand rows with tight bounds a few hundred at most."""
    rows = random(3).standard_normal((4000, 8)).astype(np.float32)
    query, read = rows[0], []
    listed = shortlist(3)
    listed.slots[:4000] = np.arange(4000)
    listed.upper[:4000] = scores(rows, query) + 0.01
    listed.sizes[1] = 4000

    def reading(wanted):
        read.extend(wanted.tolist())
        return rows[wanted]

    settle(reading, query, listed, NOTHING)
    assert len(read) < 100
