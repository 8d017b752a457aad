"""Counting what ranks before a match, on distances taken as they are and on rounded ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.distances import CosineDistances, MatrixDistances
from reid.evaluation import counting
from reid.evaluation.blocks import Matched
from reid.evaluation.counting import count_before

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
    counts = count_before(MatrixDistances(block), 0, block, matched)

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
    block = distances.rows(20, 40)
    matched = Matched(rows, columns, block[rows, columns])
    own = exact[rows, columns].copy()
    block[rows, columns] = np.inf
    exact[rows, columns] = 2**60
    counts = count_before(distances, 20, block, matched)

    assert (counts.before.tolist(), counts.tied.tolist()) == plain(exact, rows, own)


def test_no_matches():
    """A block without matches counts nothing."""
    empty = Matched(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    vectors = np.ones((3, 2), dtype=np.float32)
    distances = CosineDistances(vectors, vectors)

    assert len(count_before(distances, 0, distances.rows(0, 3), empty).before) == 0
