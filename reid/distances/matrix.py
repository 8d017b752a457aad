"""Distances that stand in a matrix already."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.distances.checks import refuse_odd_rows
from reid.errors import ShapeError
from reid.records import Floats


class MatrixDistances:
    """Distances that were computed before, such as those of another program or of a re-ranking.

    Args:
        matrix: (Q, G) numbers; may be memory-mapped. They are compared as float32.

    Raises:
        ShapeError: not a matrix.
    """

    def __init__(self, matrix: NDArray[Any]) -> None:
        if matrix.ndim != 2:
            raise ShapeError(f"a distance matrix has two axes, queries x gallery; got shape {matrix.shape}")
        self._matrix = matrix

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of queries and gallery images."""
        return self._matrix.shape[0], self._matrix.shape[1]

    def rows(self, start: int, stop: int) -> Floats:
        """Rows start..stop-1 as float32.

        Raises:
            ShapeError: a row holds NaN or infinity; the first five are named.
        """
        block = np.array(self._matrix[start:stop], dtype=np.float32, order="C")
        refuse_odd_rows(start + np.flatnonzero(~np.isfinite(block).all(axis=1)), self.shape[0], "rows of distances")
        return block
