"""Distances that stand in a matrix."""

import numpy as np
import pytest

from reid.distances import MatrixDistances
from reid.errors import ShapeError


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape).astype(np.float32)


def test_matrix_rows_are_fresh_copies():
    """The scan may write into what it gets; the matrix stays, also as read-only memory map."""
    matrix = normal(1, 4, 3)
    matrix.flags.writeable = False
    rows = MatrixDistances(matrix).rows(1, 3)
    rows[:] = 0

    assert (MatrixDistances(matrix).rows(1, 3) == matrix[1:3]).all()


def test_non_finite_matrix_rows_are_refused():
    """The row of the whole matrix is named, not that of the block."""
    matrix = normal(1, 6, 3)
    matrix[4, 1] = np.nan

    with pytest.raises(ShapeError, match="row 4"):
        MatrixDistances(matrix).rows(3, 6)
    with pytest.raises(ShapeError, match="two axes"):
        MatrixDistances(matrix[0])
