"""The loops over all distances, against counting one by one."""

import numpy as np
import pytest

from reid.evaluation.scanning import scan_rows


@pytest.mark.parametrize("matches", [1, 3, 32, 33, 70])
@pytest.mark.parametrize("columns", [1, 2047, 2048, 5000])
def test_rows_are_counted_as_one_by_one(matches: int, columns: int) -> None:
    """With few matches and many, bands that overlap, images that do not count, rows without matches."""
    draw = np.random.Generator(np.random.Philox(matches))
    block = draw.integers(0, 50, (3, columns)).astype(np.float32)
    block[:, ::7] = np.inf
    low = np.sort(draw.integers(0, 50, (2, matches)), axis=1).astype(np.float32).ravel()
    first = np.array([0, matches, matches, 2 * matches])
    below, within = np.zeros(2 * matches, np.int64), np.zeros(2 * matches, np.int64)
    pairs = scan_rows(block[:, : columns // 3], (0, 3), first, (low, low + 2), (below, within), 1)
    rest = scan_rows(block[:, columns // 3 :], (0, 3), first, (low, low + 2), (below, within), 1)
    rest[:, 1] += columns // 3
    pairs = np.concatenate([pairs, rest])

    rows = np.repeat([0, 2], matches)
    assert below.tolist() == [(block[row] < at).sum() for row, at in zip(rows, low, strict=True)]
    near = [np.flatnonzero((block[row] >= at) & (block[row] <= at + 2)) for row, at in zip(rows, low, strict=True)]
    assert within.tolist() == [len(some) for some in near]
    listed = sorted((match, column) for match, some in enumerate(near) for column in some.tolist())
    assert sorted(map(tuple, pairs.tolist())) == listed


def test_dense_rows_list_nothing() -> None:
    """Where more than a share of the row is near, the counts stand and nothing is listed; or nothing ever, if so asked."""
    block = np.zeros((2, 4000), dtype=np.float32)
    block[1, 5:] = 1
    first, zeros = np.array([0, 1, 2]), np.zeros(2, dtype=np.float32)
    for dense, expected in ((16, [(1, column) for column in range(5)]), (0, [])):
        below, within = np.zeros(2, np.int64), np.zeros(2, np.int64)
        pairs = scan_rows(block, (0, 2), first, (zeros, zeros), (below, within), dense)
        assert [tuple(pair) for pair in pairs.tolist()] == expected
        assert (below.tolist(), within.tolist()) == ([0, 0], [4000, 5])
