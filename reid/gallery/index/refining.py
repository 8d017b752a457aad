"""Exact scores from the stored vectors, for the rows that may belong to the best of a query."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.gallery.index.scanning import cut
from reid.gallery.index.table import Shortlist
from reid.records import Floats

Read = Callable[[NDArray[np.int64]], Floats]
"""The stored vectors (N, D) float32 of some slots (N,)."""
_READ_AT_ONCE = 2**20
"""Numbers of stored vectors held at once: 4 MiB."""


class Found(NamedTuple):
    """The best rows of a query.

    Attributes:
        slots: (P,) int64, best first, of equal scores the lowest slot first.
        scores: (P,) float64.
    """

    slots: NDArray[np.int64]
    scores: NDArray[np.float64]


NOTHING = Found(np.empty(0, dtype=np.int64), np.empty(0))


def scores(rows: Floats, query: Floats) -> NDArray[np.float64]:
    """(N,) the products of rows (N, D) float32 with a query (D,) float32.

    Every product of two numbers is exact in float64, and they are summed in an order that depends on nothing: eight sums
    of every eighth, added up from the first to the last, and then what is left. The rows may stand anywhere, their score is
    the same.
    """
    found = np.empty(len(rows))
    if len(rows):
        _scores(np.ascontiguousarray(rows, dtype=np.float32), query, found)
    return found


def settle(read: Read, query: Floats, listed: Shortlist, found: Found) -> Found:
    """The best of what was found before and what is listed; then nothing is listed any more.

    Those with the highest bounds are read first, and no more than can matter.
    """
    count = len(listed.best)
    cut(listed)
    size = int(listed.sizes[1])
    slots, upper = listed.slots[:size], listed.upper[:size]
    step = max(1, _READ_AT_ONCE // len(query))
    first, stop = 0, min(2 * count + 64, step)
    if size <= stop and not len(found.slots):  # as a rule
        rows = np.sort(slots)
        found, first = best(rows, scores(read(rows), query), count), size
    order = np.argsort(-upper) if size > stop else np.arange(size)
    while first < size:
        rows = np.sort(slots[order[first:stop]])
        found = best(
            np.concatenate([found.slots, rows]), np.concatenate([found.scores, scores(read(rows), query)]), count
        )
        if len(found.slots) == count:
            size = int(np.searchsorted(-upper[order[:size]], -found.scores[-1], side="right"))
        first, stop = stop, stop + step
    listed.sizes[:] = len(found.slots), 0
    listed.best[: len(found.slots)] = found.scores[::-1]
    return found


def best(slots: NDArray[np.int64], values: NDArray[np.float64], count: int) -> Found:
    """The best `count` of rows (P,) with scores (P,)."""
    order = np.lexsort((slots, -values))[:count]
    return Found(slots[order], values[order])


@compiled
def _scores(rows: Floats, query: Floats, found: NDArray[np.float64]) -> None:
    sums = np.zeros(8)
    whole = len(query) // 8 * 8
    for row in range(len(rows)):
        vector = rows[row]
        sums[:] = 0
        for first in range(0, whole, 8):
            for place in range(8):
                sums[place] += np.float64(vector[first + place]) * np.float64(query[first + place])
        total = 0.0
        for place in range(8):
            total += sums[place]
        for place in range(whole, len(query)):
            total += np.float64(vector[place]) * np.float64(query[place])
        found[row] = total
