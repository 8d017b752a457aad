"""Re-ranking with k-reciprocal encoding (Zhong, Zheng, Cao, Li, CVPR 2017), without a matrix of all distances.

Of N images, queries and gallery together, let d(i, j) be the squared Euclidean distance of their unit vectors divided
by the largest distance of i, and N(i, k) image i itself and its k nearest others.

    R(i, k)   = those j in N(i, k) with i in N(j, k)
    R*(i)     = R(i, k1), and R(c, k1 / 2) for every c in R(i, k1) if R(i, k1) holds more than 2/3 of it
    V(i, j)   = exp(-d(i, j)) for j in R*(i), otherwise 0, divided by the sum of the row
    V'(i)     = mean of V(j) over i and its k2 - 1 nearest others
    J(i, j)   = 1 - m / (2 - m) with m the sum over all columns of min(V'(i), V'(j))
    result    = (1 - weight) J(i, j) + weight d(i, j)

k1 / 2 is rounded to the nearest even number at .5, as in the authors' code. V is sparse, and so is the sum in J: only
images that share a column with the query are visited. Memory grows with N * k1, and distances are handed out in blocks.
"""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.distances import CosineDistances
from reid.distances.threads import share_rows
from reid.errors import ConfigError
from reid.records import Floats, Integers
from reid.rerank.jaccard import Encoded, blend_pairs, blend_rows
from reid.rerank.neighbourhood import MEMORY, Compare, Neighbourhood, look_around, positive
from reid.rerank.reciprocal_sets import expanded_sets, reciprocal
from reid.rerank.sparse import SparseRows

_STEPS = 2.0**52  # of an exact distance in 1
_ROUNDOFF = 2.0**-22  # more than what is lost when a distance below 2 becomes a float32
_PART = 2**18  # pairs whose distances are found at a time


class KReciprocalDistances:
    """Distances of Q queries to G gallery images after re-ranking, 0..1; of `k_reciprocal`.

    The quick distances of `rows` are as far from the exact ones as those of the vectors, times `weight`. What is
    exact does not depend on the size of a block or the number of threads.
    """

    def __init__(self, around: Neighbourhood, rows: SparseRows, largest: NDArray[np.float64], weight: float) -> None:
        queries, self._cosine = rows.part(0, around.distances.shape[0]), around.distances
        images = rows.part(around.gallery_start, len(rows)).transposed()
        own = _own(around.among_all)
        self._encoded = Encoded(
            *(queries.starts, queries.columns, queries.values),
            *(images.starts, images.columns, images.values),
            *(own[: len(queries)], own[around.gallery_start :], largest[: len(queries)]),
            weight,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of queries and gallery images."""
        return self._cosine.shape

    @property
    def rounding(self) -> float:
        """Bound of the error of `rows`."""
        largest = self._encoded.largest[self._encoded.largest > 0].min(initial=np.inf)
        return float(self._encoded.weight * self._cosine.rounding / largest) + _ROUNDOFF

    def rows(self, start: int, stop: int) -> Floats:
        """Quick distances of the queries start..stop-1, (stop - start, G) float32."""
        block = np.empty((min(stop, self.shape[0]) - start, self.shape[1]), dtype=np.float32)
        self._fill_vectors(start, block, 0)
        queries, gallery = np.arange(start, start + len(block)), np.arange(self.shape[1])
        share_rows(lambda first, last: blend_rows(self._encoded, queries, gallery, block, first, last), len(block))
        return block

    def fill(self, start: int, block: Floats, first: int = 0) -> None:
        """Write quick distances of the queries start, ... to the gallery images first, ... into a (B, C) float32 array."""
        self._fill_vectors(start, block, first)
        queries, gallery = start + np.arange(len(block)), first + np.arange(block.shape[1])
        blend_rows(self._encoded, queries, gallery, block, 0, len(block))

    def _fill_vectors(self, start: int, block: Floats, first: int) -> None:
        if self._encoded.weight > 0:
            self._cosine.fill(start, block, first)
        else:
            block[:] = 0

    def exact(self, queries: Integers, gallery: Integers) -> Integers:
        """Exact distances of A queries to C gallery images in steps of 2**-52, shifted to be positive, (A, C) int64."""
        block = self._cosine.numbers(self._cosine.exact(queries, gallery))
        share_rows(lambda first, last: blend_rows(self._encoded, queries, gallery, block, first, last), len(block))
        return _in_steps(block)

    def exact_pairs(self, queries: Integers, gallery: Integers) -> Integers:
        """Exact distances of P pairs of a query and a gallery image, (P,) int64, as `exact` has them."""
        order = np.argsort(queries, kind="stable")
        queries, gallery = queries[order], gallery[order]
        values = self._cosine.numbers(self._cosine.exact_pairs(queries, gallery))
        share_rows(lambda start, stop: blend_pairs(self._encoded, queries, gallery, values, start, stop), len(values))
        distances = np.empty(len(values), dtype=np.int64)
        distances[order] = _in_steps(values)
        return distances


def k_reciprocal(
    query: NDArray[Any],
    gallery: NDArray[Any],
    *,
    k1: int = 20,
    k2: int = 6,
    weight: float = 0.3,
    memory: int = MEMORY,
    compare: Compare = CosineDistances,
) -> KReciprocalDistances:
    """Re-rank with k-reciprocal encoding; the steps are those at the head of this module.

    Args:
        query: (Q, D) vectors; their lengths do not matter.
        gallery: (G, D) vectors. The very same object as `query` means all images against all: no image is there twice.
        k1: size of a neighbourhood without the image itself, at least 1; no more than there are.
        k2: images over which rows are averaged, the image itself among them, at least 1; 1 leaves them as they are.
        weight: of the distance of the vectors in the result, 0..1 (lambda of the paper).
        memory: bytes of scratch for the search for neighbours.
        compare: makes the distances of the vectors; those of `reid.acceleration` are quicker on some hardware.

    Returns:
        Q x G distances in blocks.

    Raises:
        ConfigError: a setting is out of its range.
        ShapeError: the vectors are no matrices of the same width, empty, or hold NaN or infinity.
    """
    positive(k1=k1, k2=k2, memory=memory)
    if not 0 <= weight <= 1:
        raise ConfigError(f"weight must lie in 0..1, got {weight}")
    around = look_around(query, gallery, max(k1 + 1, k2), memory, compare)
    own = _own(around.among_all)
    largest = _distances(around.among_all, own, np.arange(len(own)), around.farthest.astype(np.int64))
    rows = _encode(around, own, largest, k1)
    if k2 > 1:
        nearest = around.indices[:, :k2]
        rows = rows.combined(nearest, np.full(nearest.shape, 1 / nearest.shape[1]))
    return KReciprocalDistances(around, rows, largest, weight)


def _encode(around: Neighbourhood, own: NDArray[np.float64], largest: NDArray[np.float64], k1: int) -> SparseRows:
    """V."""
    mutual, mutual_near = reciprocal(around.indices, k1 + 1), reciprocal(around.indices, round(k1 / 2) + 1)
    starts, members = expanded_sets(around.indices, mutual, mutual_near)
    sizes = np.diff(starts)
    values = np.empty(len(members), dtype=np.float32)
    ends = [*range(0, len(sizes), max(1, _PART // (k1 + 1))), len(sizes)]
    for first, last in itertools.pairwise(ends):
        part = slice(starts[first], starts[last])
        images = np.repeat(np.arange(first, last), sizes[first:last])
        distances = _distances(around.among_all, own, images, members[part].astype(np.int64))
        scale = np.where(largest > 0, largest, 1)[images]
        weights = np.exp(-distances / scale)
        values[part] = weights / np.repeat(
            np.add.reduceat(weights, starts[first:last] - starts[first]), sizes[first:last]
        )
    return SparseRows(starts, members, values, len(sizes))


def _own(distances: CosineDistances) -> NDArray[np.float64]:
    """Cosine distance of every image to itself: nearly 0, or 1 for a vector of zeros."""
    every = np.arange(distances.shape[0])
    return distances.numbers(distances.exact_pairs(every, every))


def _distances(
    among_all: CosineDistances, own: NDArray[np.float64], images: Integers, others: Integers
) -> NDArray[np.float64]:
    """Half the squared Euclidean distances of pairs of vectors: exactly 0 where they are equal."""
    cosine = among_all.numbers(among_all.exact_pairs(images, others))
    return np.asarray(cosine - (own[images] + own[others]) / 2)


def _in_steps(distances: NDArray[np.float64]) -> Integers:
    return np.rint(distances * _STEPS).astype(np.int64) + int(_STEPS)
