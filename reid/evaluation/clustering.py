"""How well clusters of the vectors agree with identities."""

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.distances import unit_rows
from reid.records import Floats, Integers

ITERATIONS = 20
"""Rounds of k-means."""


def nmi(vectors: Floats, identities: Integers, *, seeds: int = 3, seed: int = 0) -> tuple[float, ...]:
    """Normalised mutual information of identities and a k-means clustering with one cluster per identity.

    Args:
        vectors: (N, D), compared at unit length.
        identities: (N,) int64 codes.
        seeds: how many clusterings, each from its own start.
        seed: decides the starts.

    Returns:
        The value of every clustering, 0..1; empty where it is undefined, because every image has an identity of
        its own and any clustering into that many would do.

    Raises:
        ShapeError: `vectors` is no matrix, or holds NaN or infinity.
    """
    unit = unit_rows(vectors, "test")
    clusters = len(np.unique(identities))
    if clusters == len(identities):
        return ()
    starts = [rng.number(seed, "nmi", start) for start in range(seeds)]
    return tuple(
        normalised_mutual_information(identities, kmeans(unit, clusters, iterations=ITERATIONS, restarts=1, seed=start))
        for start in starts
    )


def normalised_mutual_information(left: NDArray[np.integer], right: NDArray[np.integer]) -> float:
    """Mutual information of two labellings of N items over the arithmetic mean of their entropies, 0..1.

    Two labellings that each put everything into one group agree: 1.
    """
    _, rows = np.unique(left, return_inverse=True)
    _, columns = np.unique(right, return_inverse=True)
    apart = _entropy(rows) + _entropy(columns)
    together = _entropy(rows * (columns.max(initial=0) + 1) + columns)
    return max(0.0, 2 * (apart - together) / apart) if apart > 0 else 1.0


def _entropy(labels: NDArray[np.integer]) -> float:
    _, counts = np.unique(labels, return_counts=True)
    shares = counts / len(labels)
    return float(-(shares * np.log(shares)).sum())


def kmeans(points: Floats, clusters: int, *, iterations: int, restarts: int, seed: int) -> Integers:
    """(N,) cluster of every point, by Euclidean k-means over all of them (faiss), the best of `restarts`.

    Args:
        points: (N, C) float32, finite, of moderate size.
        clusters: at most N.
        iterations: of each restart.
        restarts: with different beginnings.
        seed: of the first of them.
    """
    import faiss

    # All points and no complaint about few of them: by default faiss samples 256 a cluster and warns below 39.
    engine = faiss.Kmeans(
        points.shape[1],
        clusters,
        niter=iterations,
        nredo=restarts,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=len(points),
    )
    engine.train(points)
    _, nearest = engine.index.search(points, 1)
    return np.asarray(nearest[:, 0], dtype=np.int64)
