"""Distances: what they are, how far the quick ones may be off, what is refused."""

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.distances import EXACT_BITS, CosineDistances, unit_rows
from reid.errors import ShapeError


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("dimension", [1, 3, 128, 256, 257, 700, 2048])
def test_rows_are_within_the_stated_bound(dimension):
    """The quick distance differs from the exact one by less than `rounding`, for any width."""
    distances = CosineDistances(normal(1, 7, dimension), normal(2, 9, dimension))
    quick = distances.rows(0, 7).astype(np.float64)
    exact = (distances.exact(np.arange(7), np.arange(9)) - 2**52) / 2**52

    assert np.abs(quick - exact).max() <= distances.rounding
    assert distances.rounding < 4e-5


@pytest.mark.parametrize("dimension", [1, 3, 257, 2048])
def test_tiles_are_within_the_stated_bound(dimension):
    """Quick similarities differ from the exact ones by less than `tile_rounding`, for any width."""
    distances = CosineDistances(normal(1, 7, dimension), normal(2, 9, dimension))
    quick = distances.tile(slice(2, 7), slice(1, 6)).astype(np.float64)
    exact = 1 - (distances.exact(np.arange(2, 7), np.arange(1, 6)) - 2**52) / 2**52

    assert np.abs(quick - exact).max() <= distances.tile_rounding
    assert distances.rounding <= distances.tile_rounding < 2e-4


def test_exact_distances_are_one_minus_cosine():
    """Up to the grid, exact distances are those of plain float64 arithmetic."""
    query, gallery = normal(1, 5, 64), normal(2, 8, 64)
    lengths = np.outer(np.linalg.norm(query.astype(float), axis=1), np.linalg.norm(gallery.astype(float), axis=1))
    expected = 1 - query.astype(float) @ gallery.astype(float).T / lengths
    distances = CosineDistances(query, gallery)
    found = distances.numbers(distances.exact(np.arange(5), np.arange(8)))

    assert np.allclose(found, expected, rtol=0, atol=1e-7)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 9), st.sampled_from([1e-20, 1.0, 7.0, 1e20]))
def test_exact_distances_equal_whole_number_arithmetic(seed, dimension, scale):
    """Exact distances equal those of Python's integers, bit for bit, whatever the length of the vectors."""
    query, gallery = normal(seed, 3, dimension) * np.float32(scale), normal(seed + 1, 4, dimension)
    gallery[0] = 0
    gallery[1] = query[0]
    found = CosineDistances(query, gallery).exact(np.arange(3), np.arange(4)) - 2**52

    assert found.tolist() == oracles.cosine_distances(query.tolist(), gallery.tolist())


def test_exact_distances_do_not_depend_on_their_surroundings():
    """Alone, in a block, in another order: an exact distance is the same, and lies in its range."""
    distances = CosineDistances(normal(1, 40, 300), normal(2, 50, 300))
    whole = distances.exact(np.arange(40), np.arange(50))
    order = np.random.Generator(np.random.Philox(3)).permutation(50)

    assert (distances.exact(np.array([17]), np.array([23])) == whole[17, 23]).all()
    assert (distances.exact(np.arange(40), order) == whole[:, order]).all()
    rows, columns = np.repeat(np.arange(40), 50), np.tile(order, 40)
    assert (distances.exact_pairs(rows, columns) == whole[rows, columns]).all()
    assert distances.exact_pairs(rows[:0], columns[:0]).shape == (0,)
    assert whole.min() >= 0
    assert whole.max() < 2**EXACT_BITS


def test_unit_rows_are_not_copied():
    """Vectors of unit length in float32 are used where they lie."""
    vectors = unit_rows(normal(1, 20, 32), "test")

    assert unit_rows(vectors, "test") is vectors


def test_a_row_does_not_depend_on_others():
    """Whether other rows need scaling does not change a row that is of unit length already."""
    unit = unit_rows(normal(1, 20, 32), "test")
    mixed = np.concatenate([unit, 3 * unit[:1]])

    assert (unit_rows(mixed, "test")[:20] == unit).all()


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int32])
def test_other_types_are_accepted(kind):
    """Half, single and double precision and whole numbers with the same values have the same distances."""
    values = np.random.Generator(np.random.Philox(1)).integers(-8, 9, (6, 5))
    reference = CosineDistances(values.astype(np.float32), values.astype(np.float32))
    other = CosineDistances(values.astype(kind), values.astype(kind))

    assert (other.exact(np.arange(6), np.arange(6)) == reference.exact(np.arange(6), np.arange(6))).all()


def test_zero_vectors_are_at_distance_one():
    """A vector without direction is as far from everything as a right angle."""
    gallery = np.array([[0, 0], [1, 0]], dtype=np.float32)

    assert CosineDistances(gallery[1:], gallery).rows(0, 1).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_vectors_are_refused(value):
    """The message names the set and the rows."""
    gallery = normal(1, 9, 4)
    gallery[[2, 5]] = value

    with pytest.raises(ShapeError, match=r"2 of 9 gallery vectors hold NaN or infinity: row 2, 5;"):
        CosineDistances(normal(2, 3, 4), gallery)


def test_different_dimensions_are_refused():
    """Both widths are named."""
    with pytest.raises(ShapeError, match="query vectors have 4 dimensions and gallery vectors 5"):
        CosineDistances(normal(1, 3, 4), normal(2, 3, 5))


@pytest.mark.parametrize("shape", [(3,), (3, 0), (2, 2, 2)])
def test_what_is_no_matrix_is_refused(shape):
    """Vectors are rows of a matrix with columns."""
    with pytest.raises(ShapeError, match="must be a matrix"):
        unit_rows(np.zeros(shape, dtype=np.float32), "test")


def test_selected_gallery():
    """Selecting columns gives the distances of these columns."""
    distances = CosineDistances(normal(1, 3, 8), normal(2, 6, 8))
    some = distances.select_gallery(np.array([4, 0]))

    assert some.shape == (3, 2)
    assert np.allclose(some.rows(0, 3), distances.rows(0, 3)[:, [4, 0]], rtol=0, atol=1e-6)


def test_among_all():
    """Queries first, then the gallery; the same object where both are one set."""
    query, gallery = normal(1, 3, 8), normal(2, 6, 8)
    every = CosineDistances(query, gallery).among_all()
    alone = CosineDistances(gallery, gallery)

    assert every.symmetric
    assert every.shape == (9, 9)
    assert (
        every.exact(np.arange(3), np.arange(3, 9)) == CosineDistances(query, gallery).exact(*map(np.arange, (3, 6)))
    ).all()
    assert alone.symmetric
    assert alone.among_all() is alone
    assert not CosineDistances(gallery, gallery.copy()).symmetric
    assert not alone.select_gallery(np.arange(6)).symmetric


def test_unit_vectors_can_be_read():
    """As they are compared."""
    found = CosineDistances(3 * normal(1, 3, 8), normal(2, 6, 8)).vectors

    assert [vectors.shape for vectors in found] == [(3, 8), (6, 8)]
    assert np.allclose(np.linalg.norm(found[0], axis=1), 1)
