"""What is refused before vectors are compared."""

import numpy as np
import pytest

from reid.distances.checks import refuse_odd_rows
from reid.errors import ShapeError


def test_rows_are_named() -> None:
    """Five of them, and how many there are."""
    refuse_odd_rows(np.zeros(0, dtype=np.int64), 9, "rows")
    with pytest.raises(ShapeError, match=r"7 of 9 rows hold NaN or infinity: row 0, 1, 2, 3, 4, \.\.\.;"):
        refuse_odd_rows(np.arange(7), 9, "rows")
