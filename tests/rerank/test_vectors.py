"""Sums of vectors."""

import numpy as np

from reid.rerank.vectors import add_weighted


def test_weighted_sums() -> None:
    """Are added to what stands there; rows may be chosen again and again."""
    random = np.random.Generator(np.random.Philox(1))
    vectors, sums = random.uniform(-1, 1, (9, 5)).astype(np.float32), np.ones((4, 5), dtype=np.float32)
    chosen, weights = random.integers(9, size=(4, 7)).astype(np.int32), random.uniform(0, 1, (4, 7))
    add_weighted(sums, vectors, chosen, weights)

    assert np.allclose(sums, 1 + (vectors[chosen] * weights[:, :, None]).sum(axis=1), rtol=1e-5)
