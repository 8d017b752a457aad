"""Matrices of which few elements are not zero, row after row."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.distances.threads import share_rows
from reid.records import Integers

Images = NDArray[np.int32]
"""Numbers of images."""
Values = NDArray[np.float32 | np.float64]
"""Elements of sparse rows."""


@dataclass(frozen=True, eq=False)
class SparseRows:
    """A sparse (R, W) matrix. The elements of a row stand in no particular order, but always in the same.

    Attributes:
        starts: (R + 1,) int64; the elements of row r are those at starts[r]..starts[r+1]-1.
        columns: (E,) int32 where they stand in their row.
        values: (E,) float32 or float64; what is made of these rows has the same type.
        width: W.
    """

    starts: Integers
    columns: Images
    values: Values
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def part(self, start: int, stop: int) -> "SparseRows":
        """The rows start..stop-1, which share the memory of these."""
        starts = self.starts[start : stop + 1]
        taken = slice(starts[0], starts[-1])
        return SparseRows(starts - starts[0], self.columns[taken], self.values[taken], self.width)

    def transposed(self) -> "SparseRows":
        """Columns as rows: for each column the rows in which it is not zero, ascending."""
        starts = np.zeros(self.width + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.columns, minlength=self.width), out=starts[1:])
        columns, values = np.empty_like(self.columns), np.empty_like(self.values)
        _transpose(self.starts, self.columns, self.values, starts[:-1].copy(), columns, values)
        return SparseRows(starts, columns, values, len(self))

    def stacked(self, below: "SparseRows") -> "SparseRows":
        """These rows, and `below` them others of the same width."""
        return SparseRows(
            np.concatenate([self.starts, self.starts[-1] + below.starts[1:]]),
            np.concatenate([self.columns, below.columns]),
            np.concatenate([self.values, below.values]),
            self.width,
        )

    def beside(self, right: "SparseRows") -> "SparseRows":
        """These rows, and to the right of each the same row of `right`, whose columns count from `width` on."""
        sizes, more = np.diff(self.starts), np.diff(right.starts)
        columns = np.empty(len(self.columns) + len(right.columns), dtype=np.int32)
        values = np.empty(len(columns), dtype=self.values.dtype)
        at = np.arange(len(self.columns)) + np.repeat(right.starts[:-1], sizes)
        columns[at], values[at] = self.columns, self.values
        at = np.arange(len(right.columns)) + np.repeat(self.starts[1:], more)
        columns[at], values[at] = right.columns + self.width, right.values
        return SparseRows(self.starts + right.starts, columns, values, self.width + right.width)

    def unit(self) -> "SparseRows":
        """The rows divided by their length; those of length 0 stay."""
        owners = np.repeat(np.arange(len(self)), np.diff(self.starts))
        lengths = np.sqrt(np.bincount(owners, weights=self.values.astype(np.float64) ** 2, minlength=len(self)))
        values = (self.values / np.where(lengths > 0, lengths, 1)[owners]).astype(self.values.dtype)
        return SparseRows(self.starts, self.columns, values, self.width)

    def combined(self, rows: Images, weights: NDArray[np.float64]) -> "SparseRows":
        """Weighted sums of rows.

        Args:
            rows: (S, K) which rows make up each sum.
            weights: (S, K) float64 by what each is multiplied first.

        Returns:
            S rows; sums are taken in float64.
        """
        starts = np.zeros(len(rows) + 1, dtype=np.int64)
        rows = np.ascontiguousarray(rows)  # parts of a wider table would have the loops compiled once more

        def count(first: int, last: int) -> None:
            _count_combined(self.starts, self.columns, self.width, rows, starts[1:], first, last)

        share_rows(count, len(rows))
        np.cumsum(starts, out=starts)
        columns, values = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=self.values.dtype)

        def combine(first: int, last: int) -> None:
            _combine(
                self.starts, self.columns, self.values, self.width, rows, weights, starts, columns, values, first, last
            )

        share_rows(combine, len(rows))
        return SparseRows(starts, columns, values, self.width)

    def bytes(self) -> int:
        """Memory of the three arrays."""
        return self.starts.nbytes + self.columns.nbytes + self.values.nbytes


@compiled
def _transpose(
    starts: Integers, columns: Images, values: Values, places: Integers, to_columns: Images, to_values: Values
) -> None:
    for row in range(len(starts) - 1):
        for element in range(starts[row], starts[row + 1]):
            place = places[columns[element]]
            places[columns[element]] += 1
            to_columns[place] = row
            to_values[place] = values[element]


@compiled
def _count_combined(
    starts: Integers, columns: Images, width: int, rows: Images, counts: Integers, first: int, last: int
) -> None:
    seen = np.full(width, -1, dtype=np.int64)
    for row in range(first, last):
        for source in rows[row]:
            for element in range(starts[source], starts[source + 1]):
                if seen[columns[element]] != row:
                    seen[columns[element]] = row
                    counts[row] += 1


@compiled
def _combine(
    starts: Integers,
    columns: Images,
    values: Values,
    width: int,
    rows: Images,
    weights: NDArray[np.float64],
    to_starts: Integers,
    to_columns: Images,
    to_values: Values,
    first: int,
    last: int,
) -> None:
    places = np.full(width, -1, dtype=np.int64)  # where a column stands in the result: before this row's if not in it
    sums = np.empty(width)
    for row in range(first, last):
        begin = end = to_starts[row]
        for term in range(rows.shape[1]):
            source = rows[row, term]
            for element in range(starts[source], starts[source + 1]):
                column = columns[element]
                if places[column] < begin:
                    places[column] = end
                    to_columns[end] = column
                    sums[end - begin] = 0
                    end += 1
                sums[places[column] - begin] += weights[row, term] * values[element]
        for place in range(begin, end):
            to_values[place] = sums[place - begin]
