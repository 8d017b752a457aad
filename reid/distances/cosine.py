"""Distances between queries and gallery, handed out in blocks of query rows so that no Q x G matrix ever exists.

A float32 matrix product is fast, but its last bits depend on the block size, the number of threads and the place
of a row, so equal vectors may come out at unequal distances. What a distance *is* must not depend on that, hence:

- Every unit vector is read on the grid of multiples of 2**-26 (float32 has no finer steps above 0.25).
- A product of two coordinates is then a multiple of 2**-52, and so is every partial sum of an inner product. By
  Cauchy-Schwarz none of these sums exceeds the product of the two lengths, 1: all of them are exact in float64.
- So a float64 matrix product of such vectors has no rounding error, whatever the order of its sums: `exact`.

`rows` gives the quick float32 distance and `rounding` the proven largest difference from the exact one; a ranking
asks for exact distances only where two quick ones are nearer to each other than that.
"""

import copy
import math
from collections.abc import Iterator
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reid.distances.checks import refuse_odd_rows
from reid.distances.compiled import compiled
from reid.distances.threads import share_rows
from reid.errors import ShapeError
from reid.records import Floats, Integers

_GRID = 2.0**26
_UNIT = 2.0**-19  # largest deviation of a squared length from 1 at which a row counts as of unit length
_ROUNDOFF = 2.0**-24  # of float32
_SUMMED = 512  # coordinates that one product sums before its result is added: bounds the rounding error
_CHUNK = 2**20  # elements converted to float64 at a time


class CosineDistances:
    """1 - cosine of the angle between vectors, 0..2.

    Rows of unit length are used as they are, others are divided by their length; a row of zeros has no direction
    and is at distance 1 from everything.

    Args:
        query: (Q, D) numbers.
        gallery: (G, D) numbers.

    Raises:
        ShapeError: not matrices, of different width, or rows with NaN or infinity; the first rows are named.
    """

    def __init__(self, query: NDArray[Any], gallery: NDArray[Any]) -> None:
        self._query = unit_rows(query, "query")
        self._gallery = self._query if gallery is query else unit_rows(gallery, "gallery")
        if self._query.shape[1] != self._gallery.shape[1]:
            raise ShapeError(
                f"query vectors have {self._query.shape[1]} dimensions and gallery vectors {self._gallery.shape[1]}; "
                "both must come from the same model"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of queries and gallery images."""
        return len(self._query), len(self._gallery)

    @property
    def symmetric(self) -> bool:
        """Whether queries and gallery are the same images in the same order."""
        return self._gallery is self._query

    @property
    def rounding(self) -> float:
        """Bound of the error of `rows`, for any order in which a matrix product may sum.

        A sum of n float32 products errs by at most n * 2**-24 * |q| * |g| (Higham, "Accuracy and Stability of
        Numerical Algorithms", section 3.1), each addition of a partial result by half a unit of a number below 2,
        and the grid moves either vector by at most sqrt(D) * 2**-27.
        """
        return self._bound(_SUMMED)

    @property
    def tile_rounding(self) -> float:
        """Bound of the error of `tile`, derived as that of `rounding`."""
        return self._bound(self._query.shape[1])

    def _bound(self, summed: int) -> float:
        dimension = self._query.shape[1]
        additions = min(dimension, summed) + 2 * math.ceil(dimension / summed)
        return float(1.001 * (additions * _ROUNDOFF + math.sqrt(dimension) / _GRID))

    def rows(self, start: int, stop: int) -> Floats:
        """Quick distances of the queries start..stop-1, (stop - start, G) float32."""
        block: Floats = np.empty((min(stop, len(self._query)) - start, len(self._gallery)), dtype=np.float32)
        self.fill(start, block)
        return block

    def fill(self, start: int, block: Floats, first: int = 0) -> None:
        """Write quick distances of the queries start, ... to the gallery images first, ... into a (B, C) float32 array."""
        query = self._query[start : start + len(block)]
        gallery = self._gallery[first : first + block.shape[1]]
        np.matmul(query[:, :_SUMMED], gallery[:, :_SUMMED].T, out=block)
        np.subtract(1, block, out=block)
        for place in range(_SUMMED, query.shape[1], _SUMMED):
            part = slice(place, place + _SUMMED)
            block -= np.matmul(query[:, part], gallery[:, part].T)

    def tile(self, queries: slice, gallery: slice) -> Floats:
        """Quick similarities, 1 - distance, of some queries and some gallery images, float32: one product."""
        block: Floats = np.matmul(self._query[queries], self._gallery[gallery].T)
        return block

    def exact(self, queries: Integers, gallery: Integers) -> Integers:
        """Exact distances in steps of 2**-52, shifted to be positive, (A, C) int64."""
        query = _on_grid(self._query[queries])
        distances = np.empty((len(queries), len(gallery)), dtype=np.int64)
        for part in _parts(len(gallery), query.shape[1]):
            similarities = np.matmul(query, _on_grid(self._gallery[gallery[part]]).T)
            np.subtract(2**53, similarities.astype(np.int64), out=distances[:, part])
        return distances

    def exact_pairs(self, queries: Integers, gallery: Integers) -> Integers:
        """Exact distances of P pairs of a query and a gallery image, (P,) int64, as `exact` has them."""
        distances = np.empty(len(queries), dtype=np.int64)

        def work(start: int, stop: int) -> None:
            part = slice(start, stop)
            _pairs(self._query, self._gallery, queries[part], gallery[part], distances[part])

        share_rows(work, len(queries))
        return distances

    @staticmethod
    def numbers(exact: Integers) -> NDArray[np.float64]:
        """Distances of any shape, as `exact` has them, in 0..2."""
        return np.asarray((exact - 2**52) / 2.0**52)

    def select_gallery(self, rows: Integers) -> Self:
        """Distances of the same queries to the gallery images at `rows`, in that order."""
        selected = copy.copy(self)
        selected._gallery = self._gallery[rows]  # noqa: SLF001  a copy of this very class
        return selected

    def among_all(self) -> Self:
        """Distances of all images to all: the queries, then the gallery. These very ones where both are the same."""
        if self.symmetric:
            return self
        joined = copy.copy(self)
        joined._query = joined._gallery = np.concatenate([self._query, self._gallery])  # noqa: SLF001  as above
        return joined

    @property
    def vectors(self) -> tuple[Floats, Floats]:
        """The (Q, D) and (G, D) unit vectors; not to be changed."""
        return self._query, self._gallery


def unit_rows(vectors: NDArray[Any], name: str) -> Floats:
    """The rows divided by their length, (N, D) float32; those of unit length, and zeros, stay bit for bit.

    How a row comes out depends on nothing but this row. When all are float32 of unit length nothing is copied.

    Args:
        vectors: (N, D) numbers of any type.
        name: what they are, for an error message.

    Raises:
        ShapeError: not a matrix with columns, or rows with NaN or infinity; the first five are named.
    """
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise ShapeError(f"{name} vectors must be a matrix, one row per image; got shape {vectors.shape}")
    squares = _squares(vectors)
    refuse_odd_rows(np.flatnonzero(~np.isfinite(squares)), len(vectors), f"{name} vectors")
    odd = (np.abs(squares - 1) > _UNIT) & (squares > 0)
    if vectors.dtype == np.float32 and not odd.any():
        return np.ascontiguousarray(vectors)
    divisors = np.where(odd, np.sqrt(squares), 1.0)[:, np.newaxis]
    unit = np.empty(vectors.shape, dtype=np.float32)
    for part in _parts(*vectors.shape):
        unit[part] = vectors[part].astype(np.float64) / divisors[part]
    return unit


def _squares(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Squared lengths of the rows."""
    squares = np.empty(len(vectors))
    if vectors.dtype != np.float32:
        for part in _parts(*vectors.shape):
            chunk = vectors[part].astype(np.float64)
            with np.errstate(over="ignore", invalid="ignore"):
                squares[part] = np.einsum("ij,ij->i", chunk, chunk)
        return squares

    def work(start: int, stop: int) -> None:
        _sum_squares(vectors[start:stop], squares[start:stop])

    share_rows(work, len(vectors))
    return squares


@compiled
def _sum_squares(vectors: Floats, squares: NDArray[np.float64]) -> None:
    sums = np.zeros(8)  # eight at a time in vector registers, in an order that is the same everywhere
    for row in range(len(vectors)):
        vector = vectors[row]
        sums[:] = 0
        whole = len(vector) // 8 * 8
        for first in range(0, whole, 8):
            for place in range(8):
                value = np.float64(vector[first + place])
                sums[place] += value * value
        for place in range(whole, len(vector)):
            sums[place - whole] += np.float64(vector[place]) * np.float64(vector[place])
        squares[row] = sums.sum()


@partial(compiled, any_order=True)  # all sums are exact
def _pairs(query: Floats, gallery: Floats, rows: Integers, columns: Integers, distances: Integers) -> None:
    for pair in range(len(rows)):
        left, right = query[rows[pair]], gallery[columns[pair]]
        total = 0.0
        for place in range(len(left)):
            total += np.rint(left[place] * _GRID) * np.rint(right[place] * _GRID)
        distances[pair] = np.int64(2**53) - np.int64(total)


def _on_grid(vectors: Floats) -> NDArray[np.float64]:
    scaled = vectors.astype(np.float64)
    scaled *= _GRID
    return np.rint(scaled, out=scaled)


def _parts(rows: int, width: int) -> Iterator[slice]:
    step = max(1, _CHUNK // width)
    for start in range(0, rows, step):
        yield slice(start, start + step)
