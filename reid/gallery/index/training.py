"""Making lists of similar rows: centroids by k-means, the nearest of them for each row, and how many lists a search needs.

faiss does the first two where it has a GPU; without one, matrix products are several times faster than faiss.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.distances.selection import cut, scan_rows, shortlists
from reid.distances.threads import share_rows
from reid.records import Floats

ITERATIONS = 8
_SAMPLE = 40  # rows a list that k-means sees
_LISTS = 8  # for the root of the number of rows: many, since an identity's few images are what is alike in a gallery
_MOST_LISTS = 2**14
_ASKED = 500  # rows for which the nearest are looked up
_COMPARED = 10**9  # pairs of rows that are compared for it, if that is less
_COUNTS = (10, 100)
_FOUND = 0.995
_BLOCK = 4096  # rows read at once
_COMPARED_AT_ONCE = 256  # with all centroids, whose ranks then stay in the processor's cache

Restore = Callable[[NDArray[np.int64]], Floats]
"""About the vectors (N, D) float32 at some positions (N,)."""


class Margins(NamedTuple):
    """How far in rank lists that hold a row's nearest rows may lie; see `Clusters`."""

    near: float
    reach: float


def lists_for(rows: int) -> int:
    """How many lists so many rows are put into."""
    return max(1, min(round(_LISTS * math.sqrt(rows)), _MOST_LISTS, rows // 2))


def train(restore: Restore, positions: NDArray[np.int64], lists: int, seed: int) -> Floats:
    """(L, D) float32 centroids of the rows at `positions` (N,), not fewer than lists."""
    if len(positions) > _SAMPLE * lists:
        random = rng.generator(seed, "index sample")
        positions = np.sort(random.choice(positions, _SAMPLE * lists, replace=False, shuffle=False))
    sample = restore(positions)
    return _on_gpu(sample, lists, seed) if _has_gpu() else _k_means(sample, lists, seed)


def assign(restore: Restore, positions: NDArray[np.int64], centroids: Floats) -> NDArray[np.int32]:
    """(N,) the list with the nearest centroid for each of the rows at `positions` (N,)."""
    nearest = np.empty(len(positions), dtype=np.int32)
    find = _finder(centroids)
    for first in range(0, len(positions), _BLOCK):
        nearest[first : first + _BLOCK] = find(restore(positions[first : first + _BLOCK]))
    return nearest


def measure(
    restore: Restore, positions: NDArray[np.int64], lists: NDArray[np.int32], centroids: Floats, seed: int
) -> Margins:
    """The margins with which searches for some of the rows find 99.5 % of their 10, and 100, nearest other rows.

    Args:
        restore: the vectors.
        positions: (N,) of the rows.
        lists: (N,) their lists.
        centroids: (L, D) float32.
        seed: decides which rows are looked up.
    """
    wanted = min(_COUNTS[-1], len(positions) - 1)
    number = min(_ASKED, _COMPARED // len(positions) + 1, len(positions))
    asked = rng.generator(seed, "index margins").choice(len(positions), number, replace=False)
    queries = restore(positions[asked])
    queries /= np.maximum(np.sqrt((queries**2).sum(axis=1, keepdims=True)), np.finfo(np.float32).tiny)
    scores, rows = _most_similar(queries, restore, positions, wanted + 1)
    ranks = queries @ centroids.T - (centroids**2).sum(axis=1) / 2
    nearest = np.argsort(-ranks, axis=1)
    seen = np.cumsum(np.bincount(lists, minlength=len(centroids))[nearest], axis=1)
    others = [np.flatnonzero(found != own)[:wanted] for found, own in zip(rows, asked, strict=True)]
    near, reach = [], []
    for place, kept in enumerate(others):
        held = ranks[place, lists[rows[place, kept]]]
        enough = int(np.searchsorted(seen[place], min(_COUNTS[0], len(kept))))
        near.append(ranks[place, nearest[place, enough]] - held[: _COUNTS[0]])
        reach.append([scores[place, kept[:count]][-1:] - held[:count] for count in _COUNTS])
    gaps = [np.concatenate([one[number] for one in reach]) for number in range(len(_COUNTS))]
    return Margins(_quantile(np.concatenate(near)), max(_quantile(gap) for gap in gaps))


def _quantile(gaps: Floats) -> float:
    return float(np.quantile(gaps, _FOUND, method="higher")) if len(gaps) else 0.0


def _most_similar(
    queries: Floats, restore: Restore, positions: NDArray[np.int64], count: int
) -> tuple[Floats, NDArray[np.int64]]:
    """(Q, count) the highest products with the rows at `positions`, highest first, and which of the rows they are."""
    highest, lowest = shortlists(len(queries), count, 0.0), shortlists(len(queries), 1, 0.0)
    for first in range(0, len(positions), _BLOCK):
        block = -(queries @ restore(positions[first : first + _BLOCK]).T)

        def work(start: int, stop: int, block: Floats = block, first: int = first) -> None:
            scan_rows(block, start, stop, 0, first, highest, lowest)

        share_rows(work, len(queries))
    cut(highest, 0, len(queries))
    order = np.argsort(highest.values[:, :count], axis=1, kind="stable")
    values = np.take_along_axis(highest.values[:, :count], order, axis=1)
    return -values, np.take_along_axis(highest.columns[:, :count], order, axis=1).astype(np.int64)


def _has_gpu() -> bool:
    import faiss

    return int(faiss.get_num_gpus()) > 0


def _on_gpu(sample: Floats, lists: int, seed: int) -> Floats:
    import faiss

    engine = faiss.Kmeans(
        sample.shape[1],
        lists,
        niter=ITERATIONS,
        seed=rng.number(seed, "index"),
        min_points_per_centroid=1,
        max_points_per_centroid=len(sample),
        gpu=True,
    )
    engine.train(sample)
    return np.asarray(engine.centroids, dtype=np.float32)


def _k_means(sample: Floats, lists: int, seed: int) -> Floats:
    """Lloyd's iterations from rows drawn at random; a list that loses all rows takes one from the largest."""
    random = rng.generator(seed, "index")
    centroids = sample[np.sort(random.choice(len(sample), lists, replace=False))]
    nearest = np.empty(len(sample), dtype=np.int64)
    for _ in range(ITERATIONS):
        find = _finder(centroids)
        for first in range(0, len(sample), _BLOCK):
            nearest[first : first + _BLOCK] = find(sample[first : first + _BLOCK])
        sizes = np.bincount(nearest, minlength=lists)
        for number in np.flatnonzero(sizes == 0):
            crowded = sizes.argmax()
            nearest[random.choice(np.flatnonzero(nearest == crowded))] = number
            sizes[crowded] -= 1
            sizes[number] = 1
        order = np.argsort(nearest, kind="stable")
        sums = np.add.reduceat(sample[order], np.cumsum(sizes) - sizes)
        centroids = np.asarray(sums / sizes[:, np.newaxis], dtype=np.float32)
    return centroids


def _finder(centroids: Floats) -> Callable[[Floats], NDArray[np.int64]]:
    """What finds the nearest centroid of each of some vectors."""
    if _has_gpu():
        import faiss

        resources = faiss.StandardGpuResources()
        return lambda vectors: faiss.knn_gpu(resources, vectors, centroids, 1)[1][:, 0]
    halves = (centroids**2).sum(axis=1) / 2
    columns = np.concatenate([centroids.T, -halves[np.newaxis]]).astype(np.float32)
    ranks = np.empty((_COMPARED_AT_ONCE, len(centroids)), dtype=np.float32)

    def find(vectors: Floats) -> NDArray[np.int64]:
        nearest = np.empty(len(vectors), dtype=np.int64)
        ones = np.ones((_COMPARED_AT_ONCE, 1), dtype=np.float32)
        for first in range(0, len(vectors), _COMPARED_AT_ONCE):
            some = vectors[first : first + _COMPARED_AT_ONCE]
            np.matmul(np.concatenate([some, ones[: len(some)]], axis=1), columns, out=ranks[: len(some)])
            ranks[: len(some)].argmax(axis=1, out=nearest[first : first + len(some)])
        return nearest

    return find
