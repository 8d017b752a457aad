"""Rows in memory, put into lists of similar ones."""

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.distances.threads import share_rows
from reid.gallery.index.codes import Codes, empty_codes
from reid.gallery.index.sketches import WORD, Rotation, empty_sketches, sketch
from reid.gallery.index.table import Table
from reid.records import Floats

Rows = slice | NDArray[np.int64]
NOWHERE = -1
"""The list, and the place, of a row that is in no list."""
_COPIED = 4096  # rows copied at once


def table_of(assignment: NDArray[np.int32], lists: int, capacity: int, dimension: int, bits: int) -> Table:
    """A table with places for rows that are to come.

    Args:
        assignment: (S,) list of each of the first slots; -1 for a row that is gone.
        lists: their number.
        capacity: rows that it has room for, not less than those in lists.
        dimension: of the vectors.
        bits: of the sketches, 0 for none.
    """
    slots, starts, places = _sorted(assignment, lists)
    return Table(empty_codes(capacity, dimension), empty_sketches(capacity, bits), slots, starts, places)


def capacity(table: Table) -> int:
    """How many rows there is room for."""
    return len(table.codes.scales)


def in_lists(table: Table) -> NDArray[np.int32]:
    """(M,) the list of each row in a list."""
    return np.repeat(np.arange(len(table.starts) - 1, dtype=np.int32), np.diff(table.starts))


def assignment_of(table: Table) -> NDArray[np.int32]:
    """(S,) the list of each slot that had a chance to be in one; -1 where its row is gone."""
    assignment = np.full(len(table.places), NOWHERE, dtype=np.int32)
    assignment[table.slots] = in_lists(table)
    return assignment


def with_room(table: Table, rows: int) -> Table:
    """The table, or a copy of it that has room for `rows` rows and half as many again."""
    if rows <= capacity(table):
        return table
    room = rows + rows // 2 if capacity(table) else rows
    codes = empty_codes(room, table.codes.numbers.shape[1])
    sketches = empty_sketches(room, WORD * len(table.sketches.words))
    used = slice(0, capacity(table))
    _copy(table.codes, used, codes, used)
    sketches.words[:, used], sketches.factors[used] = table.sketches
    return table._replace(codes=codes, sketches=sketches)


def positions_of(table: Table, slots: NDArray[np.int64]) -> NDArray[np.int64]:
    """(P,) where the rows of slots (P,) stand; -1 is nowhere."""
    positions = slots + (len(table.slots) - len(table.places))
    early = slots < len(table.places)
    positions[early] = table.places[slots[early]]
    return positions


def move_rows(old: Table, new: Table, rows: int, *, sketched: bool) -> None:
    """Copy codes, and sketches of rows that are in a list of both if `sketched`, to where `new` has the rows' places."""
    slots = np.concatenate([old.slots, np.arange(len(old.places), rows)], dtype=np.int64)
    targets = positions_of(new, slots)

    def work(start: int, stop: int) -> None:
        for first in range(start, stop, _COPIED):
            part = slice(first, min(first + _COPIED, stop))
            kept = targets[part] != NOWHERE
            places = targets[part][kept]
            _copy(old.codes, np.arange(part.start, part.stop)[kept], new.codes, places)
            if sketched:
                new.sketches.words[:, places] = old.sketches.words[:, part][:, kept]
                new.sketches.factors[places] = old.sketches.factors[part][kept]

    share_rows(work, len(slots))


def _copy(old: Codes, rows: Rows, new: Codes, places: Rows) -> None:
    new.numbers[places], new.scales[places], new.residuals[places] = (
        old.numbers[rows],
        old.scales[rows],
        old.residuals[rows],
    )


def sketch_rows(table: Table, positions: NDArray[np.int64], turned: Floats, turning: Rotation) -> None:
    """Sketch the rows at `positions` (P,), relative to the turned centres (L + 1, B) of their lists; the last is for no list."""
    lists = np.searchsorted(table.starts, positions, side="right") - 1
    sketch(table.codes, positions, lists.astype(np.int32), turned, turning, table.sketches)


@compiled
def _sort(assignment: NDArray[np.int32], starts: NDArray[np.int64], slots: NDArray[np.int32]) -> NDArray[np.int32]:
    following = starts.copy()
    places = np.empty(len(assignment), dtype=np.int32)
    for slot in range(len(assignment)):
        number = assignment[slot]
        places[slot] = NOWHERE
        if number != NOWHERE:
            places[slot] = following[number]
            slots[following[number]] = slot
            following[number] += 1
    return places


def _sorted(
    assignment: NDArray[np.int32], lists: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    starts = np.zeros(lists + 1, dtype=np.int64)
    np.cumsum(np.bincount(assignment[assignment >= 0], minlength=lists), out=starts[1:])
    slots = np.empty(starts[-1], dtype=np.int32)
    return slots, starts, _sort(assignment, starts, slots)
