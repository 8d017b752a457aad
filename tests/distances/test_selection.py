"""Short lists of the smallest and largest numbers of rows, against sorting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.distances.selection import GIVEN_UP, Shortlists, cut, scan_columns, scan_rows, shortlists


def numbers(seed: int, *shape: int, distinct: int = 10**6) -> np.ndarray:
    """float32 with few or many different values."""
    return np.random.Generator(np.random.Philox(seed)).integers(-distinct, distinct + 1, shape).astype(np.float32)


def listed(lists: Shortlists, row: int) -> list[tuple[float, int]]:
    """What a row's list holds, smallest first, equal numbers in the order of their columns."""
    size = lists.sizes[row]
    return sorted(zip(lists.values[row, :size].tolist(), lists.columns[row, :size].tolist(), strict=True))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 9), st.sampled_from([1, 3, 10**6]), st.sampled_from([1, 7, 50, 200]))
def test_without_a_band_the_first_smallest_are_kept(seed, count, distinct, width):
    """In parts of any size: the `count` smallest and the largest, of equal numbers those seen first."""
    matrix = numbers(seed, 5, 200, distinct=distinct)
    small, large = shortlists(5, count, 0.0), shortlists(5, 1, 0.0)
    for column in range(0, 200, width):
        scan_rows(matrix[:, column : column + width], 0, 3, 0, column, small, large)
        scan_rows(matrix[:, column : column + width], 3, 5, 0, column, small, large)
    for lists in (small, large):
        cut(lists, 0, 5)

    for row, line in enumerate(matrix):
        order = np.argsort(line, kind="stable")[:count]
        assert listed(small, row) == [(line[column], column) for column in order.tolist()]
        assert listed(large, row) == [(-line.max(), int(line.argmax()))]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 9), st.floats(0.5, 100))
def test_with_a_band_all_within_it_are_kept(seed, count, band):
    """Every number not more than `band` above the `count`-th smallest is there, from rows and from columns."""
    matrix = numbers(seed, 6, 300, distinct=2000)
    rows = shortlists(6, count, band, 400), shortlists(6, 1, band, 400)
    columns = shortlists(6, count, band, 400), shortlists(6, 1, band, 400)
    scan_rows(matrix, 0, 6, 0, 0, *rows)
    for start, stop in ((0, 2), (2, 6)):
        scan_columns(np.ascontiguousarray(matrix.T), start, stop, 0, 0, *columns)
    for smallest, largest in (rows, columns):
        cut(smallest, 0, 6)
        cut(largest, 0, 6)
        for row, line in enumerate(matrix):
            near = np.flatnonzero(line <= np.sort(line)[count - 1] + band)
            far = np.flatnonzero(line >= line.max() - band)
            assert sorted(column for _, column in listed(smallest, row)) == near.tolist()
            assert sorted(column for _, column in listed(largest, row)) == far.tolist()


def test_places_in_a_larger_matrix():
    """Rows and columns of a block are counted from where it stands."""
    matrix = numbers(1, 8, 8)
    matrix = matrix + matrix.T
    small, large = shortlists(8, 3, 0.0), shortlists(8, 1, 0.0)
    for row in (0, 4):
        scan_rows(matrix[row : row + 4, row : row + 4], 0, 4, row, row, small, large)
    scan_rows(matrix[:4, 4:], 0, 4, 0, 4, small, large)
    scan_columns(matrix[:4, 4:], 0, 4, 0, 4, small, large)
    cut(small, 0, 8)

    for row, line in enumerate(matrix):
        assert sorted(column for _, column in listed(small, row)) == sorted(np.argsort(line)[:3].tolist())


@pytest.mark.parametrize("width", [60, 1000])
def test_a_row_of_equals_is_given_up(width):
    """When more lie within the band than a list can hold it says so, and other rows are not touched."""
    matrix = numbers(1, 2, width)
    matrix[0] = 5
    small, large = shortlists(2, 3, 0.1), shortlists(2, 1, 0.1)
    scan_rows(matrix, 0, 2, 0, 0, small, large)
    cut(small, 0, 2)

    assert small.sizes.tolist() == [GIVEN_UP, 3]


def test_fewer_numbers_than_wanted():
    """All are kept."""
    small, large = shortlists(1, 5, 0.1), shortlists(1, 1, 0.1)
    scan_rows(numbers(1, 1, 3), 0, 1, 0, 0, small, large)
    cut(small, 0, 1)

    assert small.sizes.tolist() == [3]
