"""Counting what ranks before a match, on distances taken as they are and on rounded ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.distances import CosineDistances
from reid.evaluation import counting
from reid.evaluation.blocks import Matched
from reid.evaluation.counting import RoundedCount, count_given

SPECIAL = np.array([-3e38, -2.5, -1e-40, -0.0, 0.0, 1e-40, 1e-7, 1.0, 1 + 2**-23, 2.0, 3e38], dtype=np.float32)


def plain(block, rows, near):
    before = [int((block[r] <= d).sum()) for r, d in zip(rows, near, strict=True)]
    tied = [int((block[r] == d).sum()) for r, d in zip(rows, near, strict=True)]
    return before, tied


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 9))
def test_given_distances_are_counted_as_they_are(seed, queries, images):
    """Negative, denormal, huge and equal float32 values keep their order; -0 equals 0."""
    generator = np.random.Generator(np.random.Philox(seed))
    block = generator.choice(SPECIAL, (queries, images))
    rows = np.sort(generator.integers(0, queries, 7))
    near = generator.choice(SPECIAL, 7)
    matched = Matched(rows, generator.integers(0, images, 7), near)
    expected = plain(block, rows, near)
    counts = count_given(block, matched)

    assert (counts.before.tolist(), counts.tied.tolist()) == expected


@pytest.mark.parametrize("spread", [0.0, 1e-7, 1e-5, 1e-3, 1.0])
@pytest.mark.parametrize("always", ["sparse", "dense"])
def test_rounded_distances_are_decided_exactly(monkeypatch, spread, always):
    """From equal to far apart vectors, comparing few or all distances exactly, the counts are those of exact ones."""
    monkeypatch.setattr(counting, "_DENSE", 2**40 if always == "dense" else 1)  # 64 are always listed
    generator = np.random.Generator(np.random.Philox(5))
    vectors = (np.ones(16) + spread * generator.standard_normal((90, 16)))[generator.integers(0, 90, 90)]
    distances = CosineDistances(vectors.astype(np.float32), vectors.astype(np.float32))
    rows, columns = np.repeat(np.arange(20), 3), generator.integers(0, 90, 60)
    rows = np.sort(np.concatenate([rows, np.full(12, 7)]))  # one with many matches
    columns = np.concatenate([columns, generator.integers(0, 90, 12)])
    exact = distances.exact(np.arange(20, 40), np.arange(90)).astype(object)
    own = exact[rows, columns].copy()
    count = RoundedCount(distances, 20, 20, rows, columns)
    for first in range(0, 90, 40):
        tile = np.empty((20, min(40, 90 - first)), dtype=np.float32)
        distances.fill(20, tile, first)
        inside = (columns >= first) & (columns < first + 40)
        tile[rows[inside], columns[inside] - first] = np.inf
        tile[:, np.array([5, 50]) % 40 if first == 0 else []] = np.inf
        count.add(tile, first)
    exact[rows, columns] = 2**60
    exact[:, [5, 10]] = 2**60
    counts = count.finish((rows, columns), np.array([5, 10]))

    assert (counts.before.tolist(), counts.tied.tolist()) == plain(exact, rows, own)


def test_no_matches():
    """A block without matches counts nothing."""
    empty = np.zeros(0, np.int64)
    vectors = np.ones((3, 2), dtype=np.float32)
    distances = CosineDistances(vectors, vectors)
    count = RoundedCount(distances, 0, 3, empty, empty)
    count.add(distances.rows(0, 3), 0)

    assert len(count.finish((empty, empty), empty).before) == 0
    assert len(count_given(distances.rows(0, 3), Matched(empty, empty, empty.astype(np.float32))).before) == 0
