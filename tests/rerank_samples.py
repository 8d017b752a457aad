"""Vectors to re-rank."""

import numpy as np


def clusters(seed: int, rows: int, dimension: int = 16, each: int = 6) -> np.ndarray:
    """Vectors around centres, in mixed order, (rows, dimension) float32."""
    random = np.random.Generator(np.random.Philox(seed))
    centres = random.standard_normal((1 + rows // each, dimension))
    vectors = centres[np.arange(rows) // each] + random.standard_normal((rows, dimension))
    return random.permutation(vectors).astype(np.float32)
