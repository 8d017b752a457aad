"""Inner products of sparse rows, against full matrices."""

import numpy as np
import pytest

from reid.rerank.products import ProductDistances
from reid.rerank.sparse import SparseRows


def sparse(matrix: np.ndarray) -> SparseRows:
    rows, columns = np.nonzero(matrix)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(matrix)))])
    return SparseRows(starts, columns.astype(np.int32), matrix[rows, columns].astype(np.float32), matrix.shape[1])


@pytest.mark.parametrize("threads", ["1", "3"])
def test_shifts_less_products(monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    """In blocks of any size the same to the last bit, and no rows beyond the last."""
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    random = np.random.Generator(np.random.Philox(1))
    query, gallery = (random.uniform(0, 1, (rows, 30)) * (random.uniform(0, 1, (rows, 30)) < 0.3) for rows in (11, 17))
    left, right = random.uniform(0, 1, 11), random.uniform(0, 1, 17)
    distances = ProductDistances(sparse(query), sparse(gallery), left, right)
    whole = distances.rows(0, 99)

    assert distances.shape == whole.shape == (11, 17)
    assert whole.dtype == np.float32
    assert np.allclose(whole, left[:, None] + right - query @ gallery.T, atol=1e-6)
    assert (np.concatenate([distances.rows(start, start + 3) for start in range(0, 11, 3)]) == whole).all()
