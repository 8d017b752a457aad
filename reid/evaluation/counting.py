"""How many non-matches rank before each match, counted without sorting whole rows.

Only distances up to that of a query's farthest match can matter. They are packed into integers, row | distance |
column, whose order is the order of (row, distance), and sorted at once; two binary searches per match then give
the non-matches that surely rank before it and those too near to tell. The latter are compared exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.distances import EXACT_BITS, Distances, RoundedDistances
from reid.records import Floats, Integers

Keys = NDArray[np.uint64]
_DISTANCE_BITS = 32


@dataclass(frozen=True, eq=False)
class Matched:
    """P matches of a block of queries.

    Attributes:
        rows: (P,) int64 rows of the block, ascending.
        columns: (P,) int64 gallery images.
        near: (P,) float32 their distances.
    """

    rows: Integers
    columns: Integers
    near: Floats


@dataclass(frozen=True, eq=False)
class Counts:
    """What ranks before each of P matches.

    Attributes:
        before: (P,) int64 non-matches at a smaller or equal distance.
        tied: (P,) int64 those of them at an equal distance.
    """

    before: Integers
    tied: Integers


def most_rows(gallery: int) -> int:
    """How many rows a block may have so that row and distance, and row, distance and column, fit into 64 bits."""
    return int(2 ** min(64 - EXACT_BITS, 64 - _DISTANCE_BITS - _column_bits(gallery)))


def count_before(distances: Distances, start: int, block: Floats, matched: Matched) -> Counts:
    """Count the non-matches before each match; at equal distance the non-match is before.

    Args:
        distances: where the block comes from.
        start: the query of its first row.
        block: (B, G) distances of the non-matches, infinity for all else.
        matched: the matches of its queries.
    """
    exact = distances if isinstance(distances, RoundedDistances) else None
    lowest, highest = _band(matched.near, 0.0 if exact is None else 2 * exact.rounding)
    if exact is not None and _hardly_differ(block, matched.rows, lowest, highest):
        return _compare_all(exact, start, block, matched)
    layout = _Layout(_column_bits(block.shape[1]))
    keys = _candidates(block, matched.rows, highest, layout)
    first = np.searchsorted(keys, layout.pack(matched.rows, np.full_like(lowest, -np.inf)))
    low = np.searchsorted(keys, layout.pack(matched.rows, lowest))
    high = np.searchsorted(keys, layout.pack(matched.rows, highest, layout.last), side="right")
    if exact is None:
        return Counts(high - first, high - low)
    before, tied = low - first, np.zeros_like(low)
    unsure = np.flatnonzero(high > low)
    if len(unsure):
        doubtful = _covered(low[unsure], high[unsure], len(keys))
        passed = np.concatenate([[0], np.cumsum(doubtful)])
        before[unsure] -= passed[low[unsure]] - passed[first[unsure]]
        part = Matched(matched.rows[unsure], matched.columns[unsure], matched.near[unsure])
        decided = _compare_exactly(exact, start, part, layout.rows(keys[doubtful]), layout.columns(keys[doubtful]))
        before[unsure] += decided.before
        tied[unsure] = decided.tied
    return Counts(before, tied)


class _Layout:
    """Packs row, distance and column into one integer, the row in the highest bits."""

    def __init__(self, column_bits: int) -> None:
        self._column_bits = column_bits
        self.last = 2**column_bits - 1

    def pack(self, rows: Integers, distances: Floats, columns: Integers | int = 0) -> Keys:
        keys = (rows.astype(np.uint64) << _DISTANCE_BITS) | _ordered_bits(distances)
        return np.asarray((keys << self._column_bits) | np.asarray(columns).astype(np.uint64), dtype=np.uint64)

    def rows(self, keys: Keys) -> Integers:
        return (keys >> (self._column_bits + _DISTANCE_BITS)).astype(np.int64)

    def columns(self, keys: Keys) -> Integers:
        return np.asarray(keys & self.last, dtype=np.int64)


def _band(near: Floats, width: float) -> tuple[Floats, Floats]:
    """Bounds of the distances that may equal `near` in truth, rounded outwards to float32."""
    if width == 0:
        return near, near
    lowest, highest = (near - np.float64(width)).astype(np.float32), (near + np.float64(width)).astype(np.float32)
    return np.nextafter(lowest, np.float32(-np.inf)), np.nextafter(highest, np.float32(np.inf))


def _candidates(block: Floats, rows: Integers, highest: Floats, layout: _Layout) -> Keys:
    """Sorted keys of the non-matches that are not surely behind every match of their row."""
    bounds = np.full(len(block), -np.inf, dtype=np.float32)
    np.maximum.at(bounds, rows, highest)
    places = np.flatnonzero(block <= bounds[:, np.newaxis])
    columns = block.shape[1]
    at = places // columns
    keys = layout.pack(at, block.reshape(-1)[places], places - at * columns)
    keys.sort()
    return keys


def _covered(low: Integers, high: Integers, length: int) -> NDArray[np.bool_]:
    """Which of `length` places lie in at least one of the ranges low..high-1."""
    depth = np.bincount(low, minlength=length + 1) - np.bincount(high, minlength=length + 1)
    return np.asarray(np.cumsum(depth[:length]) > 0)


def _compare_exactly(
    distances: RoundedDistances, start: int, matched: Matched, rows: Integers, columns: Integers
) -> Counts:
    """Count, of the non-matches at (rows, columns), those before and at the exact distance of each match."""
    asked, images = _union(rows, matched.rows), _union(columns, matched.columns)
    table = distances.exact(start + asked, images)
    place, at = _places(asked), _places(images)
    others = _by_row(rows, table[place[rows], at[columns]])
    others.sort()
    own = _by_row(matched.rows, table[place[matched.rows], at[matched.columns]])
    low, high = np.searchsorted(others, own), np.searchsorted(others, own, side="right")
    return Counts(high - np.searchsorted(others, _by_row(matched.rows, np.zeros_like(matched.rows))), high - low)


def _hardly_differ(block: Floats, rows: Integers, lowest: Floats, highest: Floats) -> bool:
    """Whether, in a sample, a quarter of the distances may equal that of a match. Decides on speed, not on results."""
    some = slice(None, None, 1 + len(rows) // 64)
    sample = block[rows[some], :: 1 + block.shape[1] // 256]
    near = (sample >= lowest[some, np.newaxis]) & (sample <= highest[some, np.newaxis])
    return bool(4 * np.count_nonzero(near) > near.size)


def _compare_all(distances: RoundedDistances, start: int, block: Floats, matched: Matched) -> Counts:
    """Count with the exact distances of whole rows."""
    asked, place = np.unique(matched.rows, return_inverse=True)
    table = distances.exact(start + asked, np.arange(block.shape[1]))
    own = table[place, matched.columns]
    table[np.isinf(block[asked])] = 2**EXACT_BITS
    before = [np.count_nonzero(table[row] <= distance) for row, distance in zip(place, own, strict=True)]
    tied = [np.count_nonzero(table[row] == distance) for row, distance in zip(place, own, strict=True)]
    return Counts(np.array(before, dtype=np.int64), np.array(tied, dtype=np.int64))


def _union(left: Integers, right: Integers) -> Integers:
    """All numbers in either, ascending; faster than sorting for millions of small numbers."""
    present = np.zeros(max(left.max(initial=0), right.max(initial=0)) + 1, dtype=bool)
    present[left] = present[right] = True
    return np.flatnonzero(present)


def _places(numbers: Integers) -> Integers:
    """The inverse: where each number stands in ascending `numbers`."""
    places = np.zeros(numbers[-1] + 1, dtype=np.int64)
    places[numbers] = np.arange(len(numbers))
    return places


def _by_row(rows: Integers, exact: Integers) -> Keys:
    return np.asarray((rows.astype(np.uint64) << EXACT_BITS) | exact.astype(np.uint64), dtype=np.uint64)


def _ordered_bits(values: Floats) -> Keys:
    """Integers in the order of float32 values; -0 and 0 are equal."""
    bits = (values + np.float32(0)).view(np.uint32)
    return np.where(bits >> 31, ~bits, bits | np.uint32(0x80000000)).astype(np.uint64)


def _column_bits(gallery: int) -> int:
    return max(1, (gallery - 1).bit_length())
