"""Tracklets and re-ranking of the best images."""

from functools import partial

import numpy as np
import pytest
from found_images import stored
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.distances import CosineDistances, MatrixDistances
from reid.errors import ShapeError
from reid.gallery.queries import one_query, rerank_top
from reid.rerank import k_reciprocal


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 9), st.booleans())
def test_mean_by_hand(seed, number, weighted):
    """Of unit vectors, weighted, of unit length again; the scale of vectors and of weights does not matter."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(number, 5)).astype(np.float32) + 2
    weights = random.random(number) + 0.1 if weighted else None
    total = [0.0] * 5
    for row in range(number):
        length = sum(float(x) ** 2 for x in vectors[row]) ** 0.5
        for place in range(5):
            total[place] += (1 if weights is None else weights[row]) * float(vectors[row, place]) / length
    length = sum(x * x for x in total) ** 0.5
    found = one_query(vectors, weights)

    assert found.dtype == np.float32
    assert found == pytest.approx([x / length for x in total], abs=1e-6)
    scaled = one_query(vectors * random.uniform(1e-3, 1e3, (number, 1)), None if weights is None else 1e30 * weights)
    assert scaled == pytest.approx(found, abs=1e-6)


def test_a_single_crop_stays():
    """To the last bit, nearly; a weight of 0 leaves a crop out."""
    vectors = np.eye(3, dtype=np.float32)

    assert one_query(vectors[:1]).tolist() == [1, 0, 0]
    assert one_query(vectors, [0, 2, 0]).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("vectors", "weights", "message"),
    [
        (np.zeros((0, 3)), None, "one vector or more"),
        ([[1, 0], [0, 0]], None, "vector 1 of a query is zero"),
        ([[1, 0], [np.nan, 0]], None, "NaN or infinity"),
        ([[1, 0], [-1, 0]], None, "cancel each other"),
        ([[1, 0], [-1, 1e-7]], None, "cancel each other"),
        ([[1, 0], [0, 1]], [1], "need as many weights"),
        ([[1, 0], [0, 1]], [1, -1], "0 or more"),
        ([[1, 0], [0, 1]], [0, 0], "not all 0"),
        ([[1, 0], [0, 1]], [1, np.inf], "0 or more"),
        ([1, 0], None, "needs a matrix"),
    ],
)
def test_refused(vectors, weights, message):
    """What has no direction, and weights that weigh nothing."""
    with pytest.raises(ShapeError, match=message):
        one_query(np.array(vectors, dtype=np.float32), weights)


METHODS = {
    "k-reciprocal": partial(k_reciprocal, k1=5, k2=2),
    "plain": CosineDistances,
}


@settings(deadline=None, max_examples=12)
@given(st.sampled_from(sorted(METHODS)), st.integers(0, 10**6), st.integers(0, 12), st.integers(0, 3))
def test_top_in_the_order_of_the_method(method, seed, top, rest):
    """By the method's distances among the query and the top, then by id; the rest follows, and scores stay."""
    random = np.random.default_rng(seed)
    vectors = random.integers(-1, 2, (top + 1, 3)).astype(np.float32)
    vectors[:, 0] += 3  # no zeros, and many equal vectors
    ids = random.permutation(top + rest).tolist()
    found = [(stored(number + 1, None), float(random.random())) for number in ids]
    ranked = rerank_top(vectors[0], found, vectors[1:], METHODS[method])

    assert ranked[top:] == found[top:]
    assert sorted(ranked[:top], key=lambda p: p[0].id) == sorted(found[:top], key=lambda p: p[0].id)
    if top > 1:
        distances = METHODS[method](vectors[:1], vectors[1:])
        exact = distances.exact(np.array([0]), np.arange(top))[0].tolist()
        order = sorted(range(top), key=lambda place: (exact[place], found[place][0].id))
        assert [image.id for image, _ in ranked[:top]] == [found[place][0].id for place in order]


def test_distances_without_exact_ones():
    """Are compared as they are."""
    found = [(stored(number, None), 0.5) for number in (3, 1, 2)]

    def given_distances(query, gallery):
        return MatrixDistances(np.array([[0.5, 0.25, 0.5]]))

    ranked = rerank_top(np.ones(2, np.float32), found, np.ones((3, 2), np.float32), given_distances)
    assert [image.id for image, _ in ranked] == [1, 2, 3]
    with pytest.raises(ShapeError, match="4 vectors were given for 3 images"):
        rerank_top(np.ones(2, np.float32), found, np.ones((4, 2), np.float32), CosineDistances)
