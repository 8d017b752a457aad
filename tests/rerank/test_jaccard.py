"""Jaccard distances of sparse rows, against full ones."""

import numpy as np
import pytest

from reid.rerank.jaccard import Encoded, blend_pairs, blend_rows


def encoded(weight: float, largest: float = 2.0) -> tuple[Encoded, np.ndarray, np.ndarray]:
    """Three queries and four gallery images over five images, and their full rows."""
    random = np.random.Generator(np.random.Philox(1))
    rows = random.uniform(0, 1, (7, 5)) * (random.uniform(0, 1, (7, 5)) < 0.6) + 0.01
    rows = (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)
    every = np.arange(5, dtype=np.int32)
    made = Encoded(
        *(np.arange(0, 16, 5), np.tile(every, 3), rows[:3].ravel()),
        *(np.arange(0, 21, 4), np.tile(every[:4], 5), np.ascontiguousarray(rows[3:].T).ravel()),
        *(np.array([0.1, 0, 0]), np.array([0, 0.2, 0, 0]), np.full(3, largest), weight),
    )
    return made, rows[:3].astype(float), rows[3:].astype(float)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_rows_and_pairs(weight: float) -> None:
    """Of some queries and images in any order; pairs and rows agree to the last bit."""
    made, query, gallery = encoded(weight)
    cosine = np.random.Generator(np.random.Philox(2)).uniform(0.3, 2, (3, 4))
    shared = np.minimum(query[:, None], gallery).sum(axis=2)
    vectors = (cosine - (made.own[:, None] + made.others) / 2) / 2
    expected = (1 - weight) * (1 - shared / (2 - shared)) + weight * vectors
    queries, images = np.array([2, 0]), np.array([3, 1, 0])
    block = cosine[np.ix_(queries, images)].copy()
    blend_rows(made, queries, images, block, 0, 2)
    left, right = np.repeat(queries, 3), np.tile(images, 2)
    pairs = cosine[left, right].copy()
    blend_pairs(made, left, right, pairs, 0, 6)

    assert np.allclose(block, expected[np.ix_(queries, images)], atol=1e-9)
    assert (pairs == block.ravel()).all()


def test_where_all_are_equal() -> None:
    """A query whose distances are all 0 keeps them, and nothing is divided by 0."""
    made, _, _ = encoded(1.0, largest=0.0)
    block = np.full((3, 4), 0.5)
    blend_rows(made, np.arange(3), np.arange(4), block, 0, 3)

    assert (block == 0).all()
