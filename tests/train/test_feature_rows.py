"""Features worked on in place and in blocks, equal to what plain formulas give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from reid.errors import ShapeError
from reid.train import feature_rows
from reid.train.feature_rows import centres, distances_to, projections, reorder, unit_rows


@pytest.fixture(autouse=True, params=[2**21, 12])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything in one block, and in blocks of a few rows."""
    monkeypatch.setattr(feature_rows, "_BLOCK", request.param)


def _normal(rows: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((rows, width)).astype(np.float32)


def test_rows_are_scaled_to_unit_length_where_they_stand() -> None:
    """Unit rows, zeros staying zeros, in the array that was given; what has unit length stays to the last bit."""
    rows = np.array([[3.0, 4.0], [0.0, 0.0], [1e15 * 0.9, 0.0], [-1e-42, 0.0]], dtype=np.float32)
    unit = unit_rows(rows)

    assert unit is rows
    assert unit == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]]))
    many = unit_rows(_normal(50, 7))
    assert (unit_rows(many.copy()) == many).all()


@pytest.mark.parametrize(
    "given_as",
    [
        lambda rows: rows.astype(np.float64),
        np.asfortranarray,
        lambda rows: np.repeat(rows, 2, axis=0)[::2],
        lambda rows: np.frombuffer(rows.tobytes(), dtype=np.float32).reshape(rows.shape),
    ],
)
def test_other_arrays_stay_as_they_are(given_as) -> None:
    """What is not float32 in C order, or cannot be written to, is copied, with the same result."""
    rows = given_as(_normal(9, 4))
    before = rows.copy()
    unit = unit_rows(rows)

    assert (rows == before).all()
    assert (unit == unit_rows(_normal(9, 4))).all()
    assert unit.dtype == np.float32


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e16, -1e30, 3e38])
def test_odd_values_are_named(value: float) -> None:
    """F1, F2: by row, or by the names given; beyond five they are counted."""
    rows = _normal(40, 5)
    rows[[3, 17], 2] = value
    with pytest.raises(ShapeError, match=r"features of 2 of 40 images hold NaN, infinity .*1e\+15: row 3, row 17; "):
        unit_rows(rows.copy())
    with pytest.raises(ShapeError, match=r"images hold .*: a3, a17; "):
        unit_rows(rows.copy(), [f"a{row}" for row in range(40)])
    rows[20:, 0] = value
    with pytest.raises(ShapeError, match=r"of 22 of 40 images .*: row 3, row 17, row 20, row 21, row 22 and 17 more; "):
        unit_rows(rows)


def test_only_a_matrix_has_rows() -> None:
    """An array of another shape is refused with it."""
    with pytest.raises(ShapeError, match=r"features must be a matrix, one row per image; got shape \(3, 2, 2\)"):
        unit_rows(np.ones((3, 2, 2), dtype=np.float32))


def test_values_that_float32_cannot_hold_are_named() -> None:
    """Wider numbers become infinite, and are refused as such."""
    with pytest.raises(ShapeError, match="row 1;"):
        unit_rows(np.array([[1.0], [1e300]]))  # type: ignore[arg-type]


def test_projections_depend_on_nothing_but_the_row() -> None:
    """Equal rows have equal numbers wherever they stand, others different ones, and near rows near numbers."""
    rows = unit_rows(_normal(300, 33))
    order = np.random.default_rng(1).permutation(300)
    found = projections(rows)

    assert (projections(rows[order]) == found[order]).all()
    assert len(set(found.tolist())) == 300
    assert (projections(np.repeat(rows[:1], 30, axis=0)) == found[0]).all()
    near = projections(rows + np.float32(1e-7)) - found
    assert np.abs(near).max() < 1e-4 * np.ptp(found)


@settings(deadline=None, max_examples=60)
@given(st.permutations(range(11)))
def test_rows_are_put_in_any_order(order: list[int]) -> None:
    """As indexing does, and the inverse order brings them back."""
    rows = _normal(11, 3)
    before = rows.copy()
    reorder(rows, np.array(order))

    assert (rows == before[list(order)]).all()
    reorder(rows, np.argsort(order))
    assert (rows == before).all()


def test_centres_are_means() -> None:
    """Of each cluster; images at -1 count nowhere, and an empty cluster has zeros."""
    rows, labels = _normal(40, 3), np.random.default_rng(0).integers(-1, 4, 40)
    found = centres(rows, labels, 5)

    assert found[:4] == pytest.approx(np.stack([rows[labels == k].mean(axis=0) for k in range(4)]), abs=1e-6)
    assert (found[4] == 0).all()


def test_distances_to_points() -> None:
    """With the squared length of a row they are squared Euclidean distances."""
    rows, points = _normal(13, 4), _normal(3, 4, seed=1)
    found = distances_to(rows, points) + np.square(rows).sum(axis=1, keepdims=True)

    assert found == pytest.approx(np.square(rows[:, np.newaxis] - points).sum(axis=2), abs=1e-5)
