"""What an index holds at one moment, and how the next moment is made of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reid.distances.threads import share_rows
from reid.gallery.index import bits
from reid.gallery.index.clusters import Clusters
from reid.gallery.index.codes import quantise, restore, rounded
from reid.gallery.index.lists import NOWHERE, assignment_of, move_rows, positions_of, sketch_rows, table_of, with_room
from reid.gallery.index.searching import Lists, prepared
from reid.gallery.index.sketches import Rotation
from reid.gallery.index.table import Table
from reid.gallery.index.training import assign, lists_for, measure, train
from reid.records import Floats

_BLOCK = 16_384  # rows read and quantised at once
_LATER = 4096  # rows in no list that are not worth the work of putting them into lists
_SHARE = 32  # of the rows in lists that may come later without a list: they are all looked at by every search

Blocks = Callable[[int, int], Iterable[tuple[int, Floats]]]
"""The rows of some slots, first..stop, as (slot, rows (N, D) float32 from there on) in their order."""


@dataclass(frozen=True)
class State:
    """All that a search looks at; what is in it never changes, but for places that no search with it looks at.

    Attributes:
        dimension: of the vectors.
        table: rows.
        turning: of vectors before they are sketched.
        rows: slots so far.
        removed: bits of the slots that were removed, at least `rows`.
        gone: how many.
        lists: None where there are no lists.
    """

    dimension: int
    table: Table
    turning: Rotation
    rows: int
    removed: bits.Bits
    gone: int
    lists: Lists | None

    def alive(self) -> NDArray[np.int64]:
        """Slots of the rows that were not removed, and have a place."""
        slots = np.flatnonzero(~bits.unpacked(self.removed, self.rows))
        return np.asarray(slots[positions_of(self.table, slots) != NOWHERE])

    def vectors(self, positions: NDArray[np.int64]) -> Floats:
        """About the vectors (P, D) float32 of the rows at positions (P,)."""
        return restore(self.table.codes, positions, self.dimension)


def empty(dimension: int, turning: Rotation) -> State:
    """Without rows, and without lists."""
    table = table_of(np.empty(0, dtype=np.int32), 0, 0, dimension, 0)
    return State(dimension, table, turning, 0, bits.empty(0), 0, None)


def expecting(clusters: Clusters, turning: Rotation) -> State:
    """Without rows; those that are in lists of `clusters` will go there."""
    lists = prepared(clusters.centroids, clusters.near, clusters.reach, clusters.trained, turning)
    dimension = clusters.centroids.shape[1]
    table = _table(dimension, lists, clusters.assignment)
    table.sketches.words[:, : len(table.slots)] = clusters.words
    table.sketches.factors[: len(table.slots)] = clusters.factors
    return State(dimension, table, turning, 0, bits.empty(0), 0, lists)


def kept(state: State, lists: Lists) -> Clusters:
    """What `expecting` needs to make the same lists."""
    words, factors = state.table.sketches
    rows = len(state.table.slots)
    return Clusters(
        lists.centroids,
        assignment_of(state.table),
        lists.near,
        lists.reach,
        lists.trained,
        words[:, :rows].copy(),
        factors[:rows].copy(),
    )


def appended(state: State, vectors: Floats) -> State:
    """With the rows (N, D) float32 of the next slots."""
    return extended(state, len(vectors), lambda first, stop: [(first, vectors[first - state.rows : stop - state.rows])])


def extended(state: State, count: int, blocks: Blocks) -> State:
    """With the rows of the next `count` slots; where `blocks` raises, nothing has changed."""
    rows = state.rows + count
    table = with_room(state.table, len(state.table.slots) + max(0, rows - len(state.table.places)))

    def work(start: int, stop: int) -> None:
        for first, vectors in blocks(state.rows + start, state.rows + stop):
            _place(state, table, first, vectors)

    if count > _BLOCK:
        share_rows(work, count)
    else:
        work(0, count)
    state = replace(state, table=table, rows=rows, removed=bits.widened(state.removed, rows))
    later = rows - len(table.places)
    return merged(state) if state.lists and later > max(_LATER, len(table.slots) // _SHARE) else state


def merged(state: State) -> State:
    """With all rows in lists, if there are any."""
    if state.lists is None:
        return state
    alive = state.alive()
    assignment = np.full(state.rows, NOWHERE, dtype=np.int32)
    assignment[: len(state.table.places)] = assignment_of(state.table)
    later = alive[alive >= len(state.table.places)]
    assignment[later] = assign(state.vectors, positions_of(state.table, later), state.lists.centroids)
    return _regrouped(state, state.lists, assignment, fresh=later)


def clustered(state: State, seed: int) -> State:
    """With all rows in new lists; the same if there are fewer than two."""
    alive = state.alive()
    if len(alive) < 2:
        return state
    positions = positions_of(state.table, alive)
    centroids = rounded(train(state.vectors, positions, lists_for(len(alive)), seed))  # as their file keeps them
    nearest = assign(state.vectors, positions, centroids)
    near, reach = measure(state.vectors, positions, nearest, centroids, seed)
    assignment = np.full(state.rows, NOWHERE, dtype=np.int32)
    assignment[alive] = nearest
    lists = prepared(centroids, near, reach, len(alive), state.turning)
    return _regrouped(state, lists, assignment, fresh=alive)


def _table(dimension: int, lists: Lists, assignment: NDArray[np.int32]) -> Table:
    rows = int((assignment != NOWHERE).sum())
    room = rows + max(2 * _LATER, rows // _SHARE + _LATER)
    return table_of(assignment, len(lists.centroids), room, dimension, lists.turned.shape[1])


def _place(state: State, table: Table, first: int, vectors: Floats) -> None:
    """Quantise the rows of the slots from `first` on into the table, where no search looks yet."""
    for begin in range(0, len(vectors), _BLOCK):
        rows = vectors[begin : begin + _BLOCK]
        positions = positions_of(table, np.arange(first + begin, first + begin + len(rows)))
        present = positions != NOWHERE
        if not present.all():
            rows, positions = rows[present], positions[present]
        quantise(rows, positions, table.codes)
        if state.lists is not None:
            later = positions[positions >= len(table.slots)]  # the others have theirs
            sketch_rows(table, later, state.lists.turned, state.turning)


def _regrouped(state: State, lists: Lists, assignment: NDArray[np.int32], fresh: NDArray[np.int64]) -> State:
    """With rows in the lists of `assignment` (rows,); those of the slots `fresh` have no sketch for their lists yet."""
    assignment[bits.unpacked(state.removed, state.rows)] = NOWHERE
    table = _table(state.dimension, lists, assignment)
    move_rows(state.table, table, state.rows, sketched=state.lists is not None)

    def work(start: int, stop: int) -> None:
        sketch_rows(table, positions_of(table, fresh[start:stop]), lists.turned, state.turning)

    share_rows(work, len(fresh))
    return replace(state, table=table, lists=lists)
