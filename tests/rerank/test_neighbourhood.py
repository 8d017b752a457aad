"""All images and their neighbours."""

import numpy as np
import pytest

from reid.distances import CosineDistances
from reid.errors import ConfigError, ShapeError
from reid.rerank.neighbourhood import look_around, positive, similarities


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape).astype(np.float32)


def test_itself_comes_first():
    """Also among equal vectors, more of them than neighbours are asked for."""
    vectors = np.repeat(normal(1, 2, 4), [9, 3], axis=0)
    around = look_around(vectors, vectors, 4, 2**20)

    assert around.indices[:, 0].tolist() == list(range(12))
    assert around.indices[0].tolist() == [0, 1, 2, 3]
    assert around.indices[8].tolist() == [8, 0, 1, 2]
    assert around.indices[10].tolist()[:3] == [10, 9, 11]
    assert around.gallery_start == 0


def test_queries_stand_before_the_gallery():
    """Numbers of queries come first; every image is among all."""
    query, gallery = normal(1, 3, 6), normal(2, 5, 6)
    around = look_around(query, gallery, 100, 2**20)

    assert around.gallery_start == 3
    assert np.sort(around.indices, axis=1).tolist() == [list(range(8))] * 8
    nearest = np.linalg.norm(np.concatenate([query, gallery])[:, None] - query[1], axis=2)[:, 0]
    assert around.distances.shape == (3, 5)
    assert len(nearest) == 8


@pytest.mark.parametrize(("queries", "images", "name"), [(0, 4, "query"), (4, 0, "gallery")])
def test_empty_sets_are_refused(queries, images, name):
    """Which of the two is named."""
    with pytest.raises(ShapeError, match=f"the {name} set is empty"):
        look_around(normal(1, queries, 4), normal(1, images, 4), 3, 2**20)


def test_settings_that_count_are_positive():
    """The first that is not is named, with its value."""
    positive(k1=1, k2=3)
    with pytest.raises(ConfigError, match="k2 must be 1 or more, got 0"):
        positive(k1=1, k2=0)


def test_similarities_are_cosines():
    """Of each query with the images chosen for it, in their order."""
    query, gallery = normal(1, 3, 6), normal(2, 5, 6)
    chosen = np.array([[4, 0], [1, 1], [2, 3]], dtype=np.int32)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (query, gallery)]
    expected = np.einsum("qd,qkd->qk", unit[0], unit[1][chosen])

    assert np.allclose(similarities(CosineDistances(query, gallery), chosen), expected, rtol=0, atol=1e-6)
