"""What can be scored, and what can be asked for exact distances."""

import numpy as np

from reid.distances import CosineDistances, MatrixDistances, RoundedDistances, TiledDistances


def test_who_knows_exact_distances() -> None:
    """Those of vectors are rounded and can be asked; those of a matrix are what they are."""
    matrix = np.eye(3, dtype=np.float32)

    assert isinstance(CosineDistances(matrix, matrix), RoundedDistances)
    assert isinstance(CosineDistances(matrix, matrix), TiledDistances)
    assert not isinstance(MatrixDistances(matrix), RoundedDistances)
