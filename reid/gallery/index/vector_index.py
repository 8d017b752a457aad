"""The index of a gallery's vectors."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reid.distances.threads import share_rows
from reid.errors import ArtefactError, GalleryError, ShapeError
from reid.gallery.index import bits
from reid.gallery.index.clusters import Clusters
from reid.gallery.index.lists import NOWHERE, positions_of
from reid.gallery.index.refining import NOTHING, Found, Read
from reid.gallery.index.searching import search_exactly, search_lists
from reid.gallery.index.sketches import WORD, rotation
from reid.gallery.index.state import Blocks, State, appended, clustered, empty, expecting, extended, kept
from reid.gallery.index.table import Visible
from reid.records import Floats

if TYPE_CHECKING:
    from reid.gallery.index.on_device import DeviceRows

CLUSTERED_FROM = 30_000
"""Rows from which lists are worth what they miss: they are faster at 10,000 already, but up to here a scan of all codes takes
less than a millisecond."""
_GROWN = 4  # times the rows that centroids were made from: then others are worth their while
_FEW = 20_000  # rows whose codes are scanned one by one in less time than lists take
_FEW_OF = 20  # one row in so many likewise
_NO_BITS = bits.empty(0)


class VectorIndex:
    """Finds the most similar of vectors that stand at numbered places, their slots, in a file of the owner's.

    Any number of threads may search while one appends, forgets or clusters: each search sees one state of the index.

    Args:
        dimension: D.
        read: the stored vectors (N, D) float32 of some slots (N,) int64.
        clusters: lists of similar rows, made by an index of the same slots; rows of slots that have no list in them are not
            found.

    Raises:
        ArtefactError: `clusters` are of vectors of another length.
    """

    def __init__(self, dimension: int, read: Read, *, clusters: Clusters | None = None) -> None:
        self._dimension, self._read = dimension, read
        self._device: DeviceRows | None = None
        turning = rotation(dimension)
        if clusters is None:
            self._state = empty(dimension, turning)
        elif clusters.centroids.shape[1] == dimension and len(clusters.words) == len(turning.signs) // WORD:
            self._state = expecting(clusters, turning)
        else:
            raise ArtefactError(
                f"the lists are of vectors of {clusters.centroids.shape[1]} numbers, the gallery's have {dimension}"
            )

    @property
    def rows(self) -> int:
        """Slots so far, with those that were removed."""
        return self._state.rows

    @property
    def wants_clustering(self) -> bool:
        """Whether `cluster` would make searches faster: there are many rows and no lists, or far more than when lists were made."""
        state = self._state
        return state.rows - state.gone >= max(CLUSTERED_FROM, _GROWN * (state.lists.trained if state.lists else 0))

    @property
    def clusters(self) -> Clusters | None:
        """The lists, to be kept and given to the next index of the same slots; None where there are none."""
        state = self._state
        return None if state.lists is None else kept(state, state.lists)

    def search_on(self, device: str | None) -> None:
        """From now on look at all rows on a torch device, such as "cuda:0", which needs a byte there for each number.

        Then no row with a higher score is missed by any search. Searches among few rows stay here. None goes back.
        """
        if device is None:
            self._device = None
            return
        from reid.gallery.index.on_device import DeviceRows

        self._device = DeviceRows(device, self._dimension)

    def append(self, first: int, vectors: Floats) -> None:
        """Add the rows (N, D) float32, finite, of the slots first, first + 1, ...; `first` is the number of slots so far.

        Raises:
            ShapeError: the rows have another length, or do not follow those that are there.
        """
        state = self._state
        if vectors.ndim != 2 or vectors.shape[1] != self._dimension:
            raise ShapeError(
                f"rows have shape {vectors.shape}, and the index holds vectors of {self._dimension} numbers"
            )
        if first != state.rows:
            raise ShapeError(f"rows for the slots from {first} do not follow the {state.rows} that are there")
        self._state = appended(state, vectors)

    def extend(self, stop: int, blocks: Blocks) -> None:
        """Add the rows of the slots up to `stop`, which `blocks` gives in parts; where it raises, nothing is added.

        Args:
            stop: the first slot that is not added.
            blocks: rows, finite, of a range of slots; called by several threads at once, each for a range of its own.
        """
        self._state = extended(self._state, stop - self._state.rows, blocks)

    def forget(self, slots: NDArray[np.int64]) -> None:
        """Never find the rows of these slots (N,) again.

        Raises:
            GalleryError: there is no such slot.
        """
        state, gone = self._state, np.unique(np.asarray(slots, dtype=np.int64))
        if len(gone) and not 0 <= gone[0] <= gone[-1] < state.rows:
            raise GalleryError(f"slots {gone[0]} to {gone[-1]} cannot be forgotten: there are {state.rows}")
        new = gone[~bits.are_set(state.removed, gone)]
        self._state = replace(state, removed=bits.with_set(state.removed, new), gone=state.gone + len(new))

    def search(
        self, queries: Floats, count: int, *, among: NDArray[np.int64] | None = None, exact: bool = False
    ) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """The rows with the highest products with each query, best first, of equal ones the lowest slot first.

        Scores are the products with the stored vectors, and the same whichever way a row was found. Without lists,
        with `exact`, or among few rows, no row with a higher score is missed; otherwise about one in a hundred is.

        Args:
            queries: (Q, D) float32.
            count: rows for each; there are fewer where fewer may be found.
            among: slots that may be found, in ascending order; None is all.
            exact: do not use the lists.

        Returns:
            For each query slots (P,) int64 and scores (P,) float64.

        Raises:
            ShapeError: queries have another length, or hold NaN or infinity.
            GalleryError: `count` is less than 1.
        """
        if count < 1:
            raise GalleryError(f"the number of rows to be found must be at least 1, got {count}")
        if queries.ndim != 2 or queries.shape[1] != self._dimension:
            raise ShapeError(
                f"queries have shape {queries.shape}, and the index holds vectors of {self._dimension} numbers"
            )
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if not np.isfinite(queries).all():
            raise ShapeError("a query holds NaN or infinity")
        state = self._state
        if among is not None:
            among = among[np.searchsorted(among, 0) : np.searchsorted(among, state.rows)]
        there = self._found_there(state, queries, count, among)
        return [(slots, scores) for slots, scores in there or self._found_here(state, queries, count, among, exact)]

    def cluster(self, seed: int) -> None:
        """Put similar rows into lists, which makes searches faster; does nothing for fewer than two rows.

        Args:
            seed: decides which rows k-means begins with.
        """
        self._state = clustered(self._state, seed)

    def _found_there(
        self, state: State, queries: Floats, count: int, among: NDArray[np.int64] | None
    ) -> list[Found] | None:
        """What is found on the device; None where there is none, or no room, or what rows there are is sooner done here."""
        device = self._device
        if device is None or (among is not None and _are_few(among, state)):
            return None
        found = device.search(state, self._read, queries, count, among)
        if found is None:
            self._device = None
        return found

    def _found_here(
        self, state: State, queries: Floats, count: int, among: NDArray[np.int64] | None, exact: bool
    ) -> list[Found]:
        one = self._searcher(state, count, among, exact=exact)
        found: list[Found] = [NOTHING] * len(queries)

        def work(start: int, stop: int) -> None:
            for place in range(start, stop):
                found[place] = one(queries[place])

        if len(queries) == 1:
            work(0, 1)
        else:
            share_rows(work, len(queries))
        return found

    def _searcher(
        self, state: State, count: int, among: NDArray[np.int64] | None, *, exact: bool
    ) -> Callable[[NDArray[np.float32]], Found]:
        """What finds the rows for one query."""
        table, chosen = state.table, None
        visible = Visible(state.rows, state.removed, _NO_BITS)
        if among is not None:
            if _are_few(among, state):
                chosen = positions_of(table, among)
                chosen = chosen[chosen != NOWHERE]
                if not len(chosen):
                    return lambda _query: NOTHING
            else:
                visible = visible._replace(allowed=bits.packed(among, state.rows))

        def one(query: Floats) -> Found:
            found: Found | None = None
            if state.lists is not None and chosen is None and not exact:
                found = search_lists(table, state.lists, state.turning, self._read, query, count, visible)
            return found or search_exactly(table, self._read, query, count, visible, chosen)

        return one


def _are_few(among: NDArray[np.int64], state: State) -> bool:
    """Whether these rows are better looked at one by one."""
    few = max(_FEW, state.rows // _FEW_OF)
    return len(among) <= few or (state.lists is None and 4 * len(among) <= state.rows)
