"""The loops over all distances, against counting one by one."""

import numpy as np
import pytest

from reid.evaluation.scanning import scan_rows, scan_trials


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


@pytest.mark.parametrize("collect", [True, False])
def test_trials_are_counted_as_one_by_one(collect: bool) -> None:
    """Of each row and trial that is asked, over two tiles; the match itself is not counted, and distances stay."""
    draw = np.random.Generator(np.random.Philox(5))
    block = draw.integers(0, 20, (4, 30)).astype(np.float32)
    columns = np.stack([np.sort(draw.choice(30, 12, replace=False)) for _ in range(3)])
    rows, trials = np.nonzero(draw.random((4, 3)) < 0.7)
    first, places = np.searchsorted(rows, np.arange(5)), draw.integers(0, 12, len(rows))
    low = draw.integers(0, 20, len(rows)).astype(np.float32)
    below, within = np.zeros((2, len(rows)), dtype=np.int64)
    listed = []
    for begin, end in ((0, 7), (7, 30)):
        tile = block[:, begin:end].copy()
        inside = np.stack([np.searchsorted(some, (begin, end)) for some in columns])
        local = (columns - begin).astype(np.uint32)
        pairs = scan_trials(tile, (first, trials, places), local, inside, (low, low + 2), (below, within), collect)
        listed += [tuple(pair) for pair in pairs.tolist()]
        assert (tile == block[:, begin:end]).all()

    expected = []
    for question, (row, trial, place) in enumerate(zip(rows, trials, places, strict=True)):
        distances = block[row, columns[trial]]
        distances[place] = np.inf
        assert below[question] == (distances < low[question]).sum()
        near = np.flatnonzero((distances >= low[question]) & (distances <= low[question] + 2)).tolist()
        assert within[question] == len(near)
        expected += [(question, other) for other in near]
    assert sorted(listed) == (expected if collect else [])
