"""The smallest and the largest numbers of every row of a matrix that is seen in parts, once.

Each row has a short list of what may still belong to its smallest numbers, and a limit that nothing above can pass.
A full list is cut to what lies within `band` of its k-th smallest number, which lowers the limit. So almost all
numbers are only compared with a limit, many at a time, and nothing is sorted.

With a band, the list holds at the end every number not more than `band` above the k-th smallest; a row where these
are too many is given up, and says so. Without a band it holds the k smallest, and of equal numbers those seen first.
"""

from typing import NamedTuple

import numpy as np

from reid.distances.compiled import compiled
from reid.records import Floats, Integers

_STEP = 16  # numbers compared at once
GIVEN_UP = -1
"""The size of a list that would have become too long."""


class Shortlists(NamedTuple):
    """What may belong to the smallest numbers of R rows.

    Attributes:
        values: (R, C) float32 the numbers.
        columns: (R, C) int32 where they stood.
        sizes: (R,) int32 how many there are; GIVEN_UP where they were too many.
        limits: (R,) float32 only smaller numbers are of interest.
        wanted: how many smallest numbers are looked for.
        band: how far above them others are looked for too.
    """

    values: Floats
    columns: Integers
    sizes: Integers
    limits: Floats
    wanted: int
    band: float


def shortlists(rows: int, wanted: int, band: float, room: int = 0) -> Shortlists:
    """Empty lists for `rows` rows, of 2 * wanted places and `room` more."""
    places = 2 * wanted + max(room, 16)
    return Shortlists(
        np.empty((rows, places), dtype=np.float32),
        np.empty((rows, places), dtype=np.int32),
        np.zeros(rows, dtype=np.int32),
        np.full(rows, np.inf, dtype=np.float32),
        wanted,
        band,
    )


@compiled
def scan_rows(
    block: Floats, start: int, stop: int, row: int, column: int, smallest: Shortlists, largest: Shortlists
) -> None:
    """Add the rows start..stop-1 of a block, whose first is row `row` of the matrix and whose first column `column`.

    `largest` holds numbers with their sign changed.
    """
    for line in range(start, stop):
        numbers = block[line]
        for begin in range(0, len(numbers), _STEP):
            end = min(begin + _STEP, len(numbers))
            low, high = smallest.limits[row + line], -largest.limits[row + line]
            some = numbers[begin:end]
            hits = np.int32(0)
            for place in range(len(some)):
                hits = np.int32(hits + np.int32(some[place] < low) + np.int32(some[place] > high))
            if hits:
                for place in range(begin, end):
                    if numbers[place] < smallest.limits[row + line]:
                        _add(smallest, row + line, numbers[place], column + place)
                    if numbers[place] > -largest.limits[row + line]:
                        _add(largest, row + line, -numbers[place], column + place)


@compiled
def scan_columns(
    block: Floats, start: int, stop: int, row: int, column: int, smallest: Shortlists, largest: Shortlists
) -> None:
    """Add the columns start..stop-1 of a block as rows `column` + start.. of the matrix, which equals its transpose."""
    lows, highs = smallest.limits[column:], largest.limits[column:]
    for line in range(block.shape[0]):
        numbers = block[line]
        for begin in range(start, stop, _STEP):
            end = min(begin + _STEP, stop)
            some, low, high = numbers[begin:end], lows[begin:end], highs[begin:end]
            hits = np.int32(0)
            for place in range(len(some)):
                hits = np.int32(hits + np.int32(some[place] < low[place]) + np.int32(-some[place] < high[place]))
            if hits:
                for place in range(begin, end):
                    if numbers[place] < lows[place]:
                        _add(smallest, column + place, numbers[place], row + line)
                    if numbers[place] > -highs[place]:
                        _add(largest, column + place, -numbers[place], row + line)


@compiled
def cut(lists: Shortlists, start: int, stop: int) -> None:
    """Remove from the lists of the rows start..stop-1 what does not belong to them."""
    for row in range(start, stop):
        if lists.sizes[row] > lists.wanted:
            _cut_row(lists, row)


@compiled
def _add(lists: Shortlists, row: int, value: float, column: int) -> None:
    place = lists.sizes[row]
    lists.values[row, place] = value
    lists.columns[row, place] = column
    lists.sizes[row] = place + 1
    if place + 1 == lists.values.shape[1]:
        _cut_row(lists, row)


@compiled
def _cut_row(lists: Shortlists, row: int) -> None:
    size, places = lists.sizes[row], lists.values.shape[1]
    values, columns = lists.values[row], lists.columns[row]
    last = _kth_smallest(values[:size].copy(), lists.wanted)
    limit = last
    equal = places  # how many at the limit stay
    if lists.band > 0:
        limit = np.nextafter(np.float32(last + lists.band), np.float32(np.inf))
        equal = 0
    else:
        equal = lists.wanted
        for place in range(size):
            equal -= values[place] < limit
    kept = 0
    for place in range(size):
        if values[place] < limit or (values[place] == limit and equal > 0):
            equal -= values[place] == limit
            values[kept], columns[kept] = values[place], columns[place]
            kept += 1
    lists.sizes[row] = kept
    lists.limits[row] = limit
    if kept > places - places // 8:
        lists.sizes[row] = GIVEN_UP
        lists.limits[row] = -np.inf


@compiled
def _kth_smallest(values: Floats, count: int) -> np.float32:
    """Hoare's selection; the values are rearranged."""
    first, last, wanted = 0, len(values) - 1, count - 1
    while first < last:
        pivot = values[wanted]
        left, right = first, last
        while left <= right:
            while values[left] < pivot:
                left += 1
            while pivot < values[right]:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if right < wanted:
            first = left
        if wanted < left:
            last = right
    return np.float32(values[wanted])
