"""Searches of a gallery in a folder: what the index finds, and the images that stand there."""

import math
import sqlite3
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reid.gallery.embedded import catalogue
from reid.gallery.embedded.conditions import slots as slots_where
from reid.gallery.embedded.following import Following, View
from reid.gallery.embedded.rows import Row
from reid.gallery.embedded.schema import State
from reid.gallery.entries import Stored
from reid.gallery.filters import Where
from reid.records import Floats, Integers

Found = Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]]
Nearest = list[list[tuple[Stored, float]]]

_FILTERS = 16


class Searching:
    """Searches of one gallery.

    Args:
        following: its index.
        sources: names of its sources.
    """

    def __init__(self, following: Following, sources: catalogue.Sources) -> None:
        self._following = following
        self._sources = sources
        self._filters: OrderedDict[tuple[Where, int, int], Integers] = OrderedDict()

    def nearest(
        self, connection: sqlite3.Connection, state: State, queries: Floats, count: int, where: Where
    ) -> Nearest | None:
        """The nearest images for which a condition holds, inside a transaction; None where only the next one sees all of them."""
        view = self._following.view(connection, state)
        among = None if where.everything else self._slots(connection, state, where)
        found = view.index.search(queries, count, among=among)
        slots = _slots_of(found)
        rows = catalogue.at_slots(connection, slots)
        if len(rows) < len(slots):
            return None  # another process added them since
        return self._hits(connection, view, rows, found)

    def _hits(self, connection: sqlite3.Connection, view: View, rows: dict[int, Row], found: Found) -> Nearest:
        view.compare(rows)
        images = dict(zip(rows, self._sources.stored(connection, rows.values()), strict=True))
        return [
            [
                (images[slot], score if -1.0 <= score <= 1.0 else math.copysign(1.0, score))
                for slot, score in zip(*map(np.ndarray.tolist, pair), strict=True)
            ]
            for pair in found
        ]

    def _slots(self, connection: sqlite3.Connection, state: State, where: Where) -> Integers:
        """The slots of a condition; the last few are remembered until the gallery changes."""
        key = (where, state.generation, state.change)
        found = self._filters.get(key)
        if found is None:
            found = slots_where(where, connection)
            self._filters[key] = found
            while len(self._filters) > _FILTERS:
                self._filters.popitem(last=False)
        return found


def _slots_of(found: Found) -> list[int]:
    return sorted({slot for slots, _ in found for slot in slots.tolist()})
