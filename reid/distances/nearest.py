"""The nearest gallery images of every query, exactly, in one pass over blocks of distances.

Quick distances only say who may be near. With errors of at most `rounding`, k images lie truly within the k-th
smallest quick distance + rounding, so whoever is truly among the k nearest has a quick distance of at most that
+ 2 * rounding: these few are compared by their true distances. So neither the size of a block nor the number of
threads can change the result. The farthest image is found the same way.

Where queries and gallery are the same images, d(i, j) = d(j, i): half the blocks are made and each is used twice.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.distances.protocol import Distances, RoundedDistances, TiledDistances
from reid.distances.selection import GIVEN_UP, Shortlists, cut, scan_columns, scan_rows, shortlists
from reid.distances.threads import cores, share_parts, share_rows
from reid.errors import ConfigError, ShapeError
from reid.records import Floats, Integers

MEMORY = 2**28
"""Default memory for scratch, in bytes."""

_TILE = 1024  # images on a side of a tile: 4 MiB of distances
_BLOCK = 2**21  # distances in a block of whole rows
_ROOM = 64  # places in a list for what the errors leave undecided
_PAIR = 128  # bytes of scratch per candidate that is compared exactly
_PAIRS = 2**17  # candidates compared at a time


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The K nearest gallery images of Q queries, and the farthest.

    Attributes:
        indices: (Q, K) int32 gallery images, nearest first; at equal distance the one that stands first in the gallery.
        distances: (Q, K) their distances: int64 as `exact_pairs` has them, or float32 if the distances have no other.
        farthest: (Q,) int32 the image at the largest distance; of several, the one that stands first.
        farthest_distances: (Q,) its distance.
    """

    indices: NDArray[np.int32]
    distances: NDArray[np.int64 | np.float32]
    farthest: NDArray[np.int32]
    farthest_distances: NDArray[np.int64 | np.float32]


def nearest(distances: Distances, count: int, *, memory: int = MEMORY) -> Neighbours:
    """Find the nearest gallery images of every query.

    Args:
        distances: of Q queries to G gallery images.
        count: how many are wanted, at least 1; no more than G are found.
        memory: bytes of scratch beyond the result; at least one row of distances is always made.

    Raises:
        ConfigError: `count` or `memory` is not positive.
        ShapeError: the gallery is empty, or the distances are not finite.
    """
    if count < 1 or memory < 1:
        raise ConfigError(f"count and memory must be positive, got {count} and {memory}")
    queries, gallery = distances.shape
    if not gallery:
        raise ShapeError("the gallery is empty, so nothing is nearest")
    count = min(count, gallery)
    kind: type[np.int64 | np.float32] = np.int64 if isinstance(distances, RoundedDistances) else np.float32
    found = Neighbours(
        np.empty((queries, count), np.int32),
        np.empty((queries, count), kind),
        np.empty(queries, np.int32),
        np.empty(queries, kind),
    )
    if isinstance(distances, TiledDistances) and distances.symmetric and _list_bytes(count) * queries <= memory / 2:
        _search_tiles(distances, found, memory)
    else:
        _search_rows(distances, found, memory)
    return found


def search_bytes(queries: int, count: int, memory: int = MEMORY) -> int:
    """About how much memory `nearest` takes at most among `queries` images, result included."""
    lists = min(_list_bytes(count) * queries, memory // 2)
    return lists + cores() * 4 * _TILE**2 + min(_PAIRS * _PAIR, memory) + 12 * queries * (count + 1)


def _search_tiles(distances: TiledDistances, found: Neighbours, memory: int) -> None:
    """Half the tiles; each serves its rows, and as its own transpose its columns."""
    rows, count = found.indices.shape
    side = max(1, min(_TILE, int((memory / (8 + 8 * cores())) ** 0.5)))
    band = max(2 * distances.tile_rounding, 2.0**-126)  # equal ones stay: columns come in no order
    near, far = shortlists(rows, count, band, _ROOM), shortlists(rows, 1, band, _ROOM // 2)
    one_at_a_time = [threading.Lock() for _ in range(0, rows, side)]  # for the lists of the rows of a tile

    def work(corner: tuple[int, int]) -> None:
        row, column = corner
        tile = distances.tile(slice(row, row + side), slice(column, column + side))
        with one_at_a_time[row // side]:
            _scan(tile, row, column, far, near)
        if column > row:
            with one_at_a_time[column // side]:
                _scan(tile, row, column, far, near, transposed=True)

    share_parts(work, list(_tiles(rows, side)))
    _settle(distances, 0, near, far, found, memory)


def _tiles(rows: int, side: int) -> Iterator[tuple[int, int]]:
    """Corners of tiles: those on the diagonal first, so that every row has a limit soon, then those above it."""
    corners = range(0, rows, side)
    yield from ((corner, corner) for corner in corners)
    yield from ((row, column) for row in corners for column in corners if column > row)


def _search_rows(distances: Distances, found: Neighbours, memory: int) -> None:
    """Blocks of whole rows."""
    rows, count = found.indices.shape
    band = 2 * distances.rounding if isinstance(distances, RoundedDistances) else 0.0
    step = max(1, min(_BLOCK // distances.shape[1], memory // (12 * distances.shape[1] + _list_bytes(count))))
    for start in range(0, rows, step):
        block = distances.rows(start, min(start + step, rows))
        near, far = shortlists(len(block), count, band, _ROOM), shortlists(len(block), 1, band, _ROOM // 2)
        _scan(block, 0, 0, near, far)
        _settle(distances, start, near, far, found, memory)


def _scan(
    block: Floats, row: int, column: int, smallest: Shortlists, largest: Shortlists, *, transposed: bool = False
) -> None:
    scan = scan_columns if transposed else scan_rows

    def work(start: int, stop: int) -> None:
        scan(block, start, stop, row, column, smallest, largest)

    share_rows(work, block.shape[1] if transposed else len(block))


def _settle(
    distances: Distances, start: int, near: Shortlists, far: Shortlists, found: Neighbours, memory: int
) -> None:
    """Write the nearest and the farthest of the rows from `start` on, whose candidates are known."""
    for lists in (near, far):
        share_rows(lambda first, last, lists=lists: cut(lists, first, last), len(near.sizes))  # type: ignore[misc]
    crowded = (near.sizes == GIVEN_UP) | (far.sizes == GIVEN_UP)
    for rows in _groups(np.flatnonzero(~crowded), near.sizes + far.sizes, min(_PAIRS, memory // _PAIR)):
        at = start + rows
        found.indices[at], found.distances[at] = _best(distances, at, rows, near, 1)
        indices, values = _best(distances, at, rows, far, -1)
        found.farthest[at], found.farthest_distances[at] = indices[:, 0], values[:, 0]
    if isinstance(distances, RoundedDistances):
        _search_exactly(distances, start + np.flatnonzero(crowded), found, memory)


def _best(
    distances: Distances, queries: Integers, rows: Integers, lists: Shortlists, sign: int
) -> tuple[Integers, NDArray[np.int64 | np.float32]]:
    """The smallest true distances times `sign` in the lists at `rows`, of these queries, with their columns."""
    sizes = lists.sizes[rows]
    taken = np.arange(lists.values.shape[1]) < sizes[:, np.newaxis]
    owners = np.repeat(np.arange(len(rows)), sizes)
    columns = lists.columns[rows][taken].astype(np.int64)
    values: NDArray[np.int64 | np.float32] = sign * lists.values[rows][taken]
    if isinstance(distances, RoundedDistances):
        values = distances.exact_pairs(queries[owners], columns)
    order = np.lexsort((columns, sign * values, owners))
    best = order[(np.cumsum(sizes) - sizes)[:, np.newaxis] + np.arange(lists.wanted)]
    return columns[best], values[best]


def _groups(rows: Integers, sizes: Integers, most: int) -> Iterator[Integers]:
    """The rows in parts whose sizes make up about `most`, at least one row in each."""
    ends = np.cumsum(sizes[rows], dtype=np.int64)
    first = 0
    while first < len(rows):
        before = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield rows[first:last]
        first = last


def _search_exactly(distances: RoundedDistances, rows: Integers, found: Neighbours, memory: int) -> None:
    """True distances of whole rows, where the quick ones decide too little: when very many images are alike."""
    gallery, count = distances.shape[1], found.indices.shape[1]
    step = max(1, memory // (24 * gallery))
    for begin in range(0, len(rows), step):
        part = rows[begin : begin + step]
        table = distances.exact(part, np.arange(gallery))
        found.farthest[part] = table.argmax(axis=1)
        found.farthest_distances[part] = table.max(axis=1)
        for row, line in zip(part, table, strict=True):
            candidates = np.flatnonzero(line <= np.partition(line, count - 1)[count - 1])
            best = candidates[np.argsort(line[candidates], kind="stable")[:count]]
            found.indices[row], found.distances[row] = best, line[best]


def _list_bytes(count: int) -> int:
    return 8 * (2 * count + _ROOM + 2 + _ROOM // 2) + 16
