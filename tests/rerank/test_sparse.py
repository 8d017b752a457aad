"""Sparse rows, against full matrices."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.rerank.sparse import SparseRows


def sparse(seed: int, rows: int, width: int) -> tuple[SparseRows, np.ndarray]:
    """Some rows, in mixed order, and the same as a full matrix."""
    random = np.random.Generator(np.random.Philox(seed))
    columns = [random.permutation(width)[: random.integers(width + 1)] for _ in range(rows)]
    values = [random.uniform(0.1, 1, len(row)).astype(np.float32) for row in columns]
    full = np.zeros((rows, width))
    for row in range(rows):
        full[row, columns[row]] = values[row]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in columns])]).astype(np.int64)
    return SparseRows(starts, np.concatenate(columns).astype(np.int32), np.concatenate(values), width), full


def full(rows: SparseRows) -> np.ndarray:
    matrix = np.zeros((len(rows), rows.width))
    owners = np.repeat(np.arange(len(rows)), np.diff(rows.starts))
    np.add.at(matrix, (owners, rows.columns), rows.values)
    return matrix


sizes = st.integers(1, 12)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), sizes, sizes)
def test_parts_columns_and_stacks(seed, rows, width):
    """Some rows, all columns as rows, and two matrices above each other are those of the full matrices."""
    matrix, expected = sparse(seed, rows, width)
    below, expected_below = sparse(seed + 1, 3, width)

    assert (full(matrix.part(rows // 2, rows)) == expected[rows // 2 :]).all()
    assert (full(matrix.transposed()) == expected.T).all()
    assert (full(matrix.stacked(below)) == np.concatenate([expected, expected_below])).all()
    aside, expected_aside = sparse(seed + 2, rows, 4)
    assert (full(matrix.beside(aside)) == np.concatenate([expected, expected_aside], axis=1)).all()
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(full(matrix.unit()), expected / np.where(lengths > 0, lengths, 1), rtol=1e-6)
    assert all(
        (np.diff(matrix.transposed().columns[start:stop]) > 0).all()
        for start, stop in zip(matrix.transposed().starts, matrix.transposed().starts[1:], strict=False)
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), sizes, sizes, st.integers(1, 4), st.sampled_from(["1", "3"]))
def test_weighted_sums(seed, rows, width, terms, threads):
    """Each element once, summed as in the full matrix, with any number of threads."""
    import os

    matrix, expected = sparse(seed, rows, width)
    random = np.random.Generator(np.random.Philox(seed))
    chosen, weights = random.integers(rows, size=(7, terms)).astype(np.int32), random.uniform(0, 1, (7, terms))
    before = os.environ["OMP_NUM_THREADS"]
    os.environ["OMP_NUM_THREADS"] = threads
    found = matrix.combined(chosen, weights)
    os.environ["OMP_NUM_THREADS"] = before

    assert np.allclose(full(found), (expected[chosen] * weights[:, :, np.newaxis]).sum(axis=1), rtol=1e-6)
    for start, stop in zip(found.starts, found.starts[1:], strict=False):
        assert len(set(found.columns[start:stop].tolist())) == stop - start
    assert found.bytes() == found.starts.nbytes + 8 * len(found.columns)
