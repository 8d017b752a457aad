"""Rows of a gallery in memory, which of them may be found, and what may belong to the best of a query."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reid.gallery.index.codes import Codes
from reid.gallery.index.sketches import Sketches
from reid.records import Floats


class Table(NamedTuple):
    """Rows in memory: in lists of similar rows, and behind them those that came later, in the order of their slots.

    Attributes:
        codes: of all rows.
        sketches: of all rows if there are lists; of the later ones relative to 0.
        slots: (M,) int32, those of the rows in lists; by list, then by slot.
        starts: (L + 1,) int64, where each list begins.
        places: (S,) int32, where the slots before the later rows' stand; -1 is nowhere.
    """

    codes: Codes
    sketches: Sketches
    slots: NDArray[np.int32]
    starts: NDArray[np.int64]
    places: NDArray[np.int32]


class Centres(NamedTuple):
    """Centres of L lists.

    Attributes:
        codes: of the centres, which rank them nearly as their numbers do.
        halves: (L,) float32, half of the square of each one's length.
    """

    codes: Codes
    halves: Floats


class Ranked(NamedTuple):
    """Lists by how near they are to a query.

    Attributes:
        products: (L,) float32, of the query with each centre.
        ranks: (L,) float32, the products less half the square of the centre's length times the query's length: the higher, the
            nearer the centre is to the query at unit length.
        order: (L,) int64, the lists, nearest first.
    """

    products: Floats
    ranks: Floats
    order: NDArray[np.int64]


class Visible(NamedTuple):
    """Which rows may be found.

    Attributes:
        rows: slots from here on may not.
        removed: (R,) uint64, bit i of word w is set where slot 64 w + i may not; R * 64 >= rows.
        allowed: (A,) uint64, bit i of word w is set where slot 64 w + i may; all may where A is 0.
    """

    rows: int
    removed: NDArray[np.uint64]
    allowed: NDArray[np.uint64]


class Shortlist(NamedTuple):
    """What may belong to the best of a query.

    Attributes:
        best: (count,) float64, a heap of the highest that products are at least, the lowest of them first.
        slots: (P,) int64, of the rows that may belong to the best.
        upper: (P,) float64, what their products are at most.
        sizes: (2,) int64, how many there are in the heap and in the list.
    """

    best: NDArray[np.float64]
    slots: NDArray[np.int64]
    upper: NDArray[np.float64]
    sizes: NDArray[np.int64]


def shortlist(count: int) -> Shortlist:
    """An empty one for the best `count`."""
    room = 4 * count + 4096
    return Shortlist(np.empty(count), np.empty(room, dtype=np.int64), np.empty(room), np.zeros(2, dtype=np.int64))
