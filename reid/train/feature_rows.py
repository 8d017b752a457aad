"""Features of a training set, in place and in blocks of rows: there can be gigabytes of them (METHOD section 2)."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.errors import ShapeError
from reid.text import listed

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]

_LARGEST = 1e15  # faiss ends the process on the squares of values not far above
_UNIT = 2.0**-19  # largest deviation of a squared length from 1 at which a row counts as of unit length
_BLOCK = 2**21  # elements worked on at a time, 8 MB of float32


def unit_rows(features: Floats, names: Sequence[object] | None = None) -> Floats:
    """Rows scaled to unit length; one that has it, and one of zeros, stays bit for bit.

    Args:
        features: (N, C). A writeable array of float32 in C order is overwritten; of any other a copy is made.
        names: (N,) what an error calls the rows, such as the paths of the images; None is their numbers.

    Raises:
        ShapeError: no matrix, or a value is NaN, infinite or beyond 1e15; the first five such rows are named.
    """
    if features.ndim != 2:
        raise ShapeError(f"features must be a matrix, one row per image; got shape {features.shape}")
    with np.errstate(over="ignore"):  # what float32 cannot hold is found below
        rows: Floats = np.require(features, np.float32, ["C", "W"])
    odd: list[int] = []
    for part in _blocks(rows):
        block = rows[part]
        with np.errstate(invalid="ignore"):
            largest = np.maximum(block.max(axis=1, initial=0), -block.min(axis=1, initial=0))[:, np.newaxis]
            odd += (part.start + np.flatnonzero(~(largest < _LARGEST))).tolist()
        if not odd:  # divided by the largest value first, so that no square is too small or too large
            scaled = (largest > 0) & (np.abs(_squares(block) - 1) > _UNIT)
            block /= np.where(scaled, largest, 1)
            block /= np.where(scaled, np.sqrt(_squares(block)), 1)
    if odd:
        named = listed((f"row {row}" if names is None else names[row] for row in odd), limit=5)
        raise ShapeError(
            f"features of {len(odd)} of {len(rows)} images hold NaN, infinity or values beyond {_LARGEST:.0e}: "
            f"{named}; where these are only a few, look at them, otherwise the model has diverged: lower train.lr"
        )
    return rows


def projections(rows: Floats) -> Integers:
    """(N,) where each unit row lies along one direction: equal for equal rows, and almost surely not for others.

    The same to the last bit wherever a row stands (a sum of integers has no rounding), and nearly the same for nearly
    the same row: an order by projections outlasts rounding errors of the features.
    """
    direction = rng.generator(0, "projection").integers(-(2**20), 2**20, size=rows.shape[1], endpoint=True)
    found = np.empty(len(rows), dtype=np.int64)
    for part in _blocks(rows):
        found[part] = (rows[part] * np.float32(2**30)).astype(np.int64) @ direction
    return found


def reorder(rows: Floats, order: Integers) -> None:
    """Put row `order[i]` in place i, for all i, along the cycles of that permutation: only one row is ever held."""
    sources, moved = order.tolist(), np.zeros(len(rows), dtype=np.bool_)
    for start in range(len(sources)):
        if moved[start]:
            continue
        first, place = rows[start].copy(), start
        while (source := sources[place]) != start:
            rows[place] = rows[source]
            moved[place] = True
            place = source
        rows[place] = first
        moved[place] = True


def centres(rows: Floats, labels: Integers, clusters: int) -> Floats:
    """(clusters, C) mean of the rows of each cluster; that of an empty one is zero, and labels of -1 count nowhere."""
    sums = np.zeros((clusters, rows.shape[1]))
    for part in _blocks(rows):
        sums += (labels[part] == np.arange(clusters)[:, np.newaxis]).astype(np.float32) @ rows[part]
    counts = np.bincount(labels[labels >= 0], minlength=clusters)
    return (sums / np.maximum(counts, 1)[:, np.newaxis]).astype(np.float32)


def distances_to(rows: Floats, points: Floats) -> Floats:
    """(N, K) squared Euclidean distance of each row to K points, less the square of the row's own length."""
    found = np.empty((len(rows), len(points)), dtype=np.float32)
    for part in _blocks(rows):
        found[part] = np.square(points).sum(axis=1) - 2 * rows[part] @ points.T
    return found


def _squares(block: Floats) -> Floats:
    """(n, 1) squared length of each row."""
    squares: Floats = np.einsum("nc,nc->n", block, block)[:, np.newaxis]
    return squares


def _blocks(rows: Floats) -> Iterator[slice]:
    step = max(1, _BLOCK // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        yield slice(start, min(start + step, len(rows)))
