"""How well clusters of the vectors agree with identities."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.distances import unit_rows
from reid.records import Floats, Integers

ITERATIONS = 20
"""Rounds of k-means."""


@dataclass(frozen=True)
class Agreement:
    """How well clusterings, each from its own start, agree with identities.

    Attributes:
        nmi: normalised mutual information of each.
        f1: pairwise F1 of each.
    """

    nmi: tuple[float, ...] = ()
    f1: tuple[float, ...] = ()


def agreement(vectors: Floats, identities: Integers, *, seeds: int = 3, seed: int = 0) -> Agreement:
    """How well identities agree with k-means clusterings that have one cluster per identity.

    Args:
        vectors: (N, D), compared at unit length.
        identities: (N,) int64 codes.
        seeds: how many clusterings, each from its own start.
        seed: decides the starts.

    Returns:
        Both values of every clustering, 0..1; empty where they are undefined, because every image has an identity of
        its own and any clustering into that many would do.

    Raises:
        ShapeError: `vectors` is no matrix, or holds NaN or infinity.
    """
    unit = unit_rows(vectors, "test")
    clusters = len(np.unique(identities))
    if clusters == len(identities) or not seeds:
        return Agreement()
    starts = [rng.number(seed, "nmi", start) for start in range(seeds)]
    found = [kmeans(unit, clusters, iterations=ITERATIONS, restarts=1, seed=start) for start in starts]
    return Agreement(
        nmi=tuple(normalised_mutual_information(identities, groups) for groups in found),
        f1=tuple(pairwise_f1(identities, groups) for groups in found),
    )


def pairwise_f1(left: NDArray[np.integer], right: NDArray[np.integer]) -> float:
    """F1 of "together in one labelling" as a guess of "together in the other", over all pairs of N items, 0..1.

    2 a / (b + c) of a pairs together in both labellings, b in the left and c in the right one: the harmonic mean of
    precision and recall, as in Song et al., "Deep Metric Learning via Lifted Structured Feature Embedding", CVPR
    2016. Two labellings that each set everything apart agree: 1.
    """
    _, rows = np.unique(left, return_inverse=True)
    _, columns = np.unique(right, return_inverse=True)
    both = _pairs(rows * (columns.max(initial=0) + 1) + columns)
    either = _pairs(rows) + _pairs(columns)
    return 2 * both / either if either else 1.0


def normalised_mutual_information(left: NDArray[np.integer], right: NDArray[np.integer]) -> float:
    """Mutual information of two labellings of N items over the arithmetic mean of their entropies, 0..1.

    Two labellings that each put everything into one group agree: 1.
    """
    _, rows = np.unique(left, return_inverse=True)
    _, columns = np.unique(right, return_inverse=True)
    apart = _entropy(rows) + _entropy(columns)
    together = _entropy(rows * (columns.max(initial=0) + 1) + columns)
    return max(0.0, 2 * (apart - together) / apart) if apart > 0 else 1.0


def _pairs(labels: NDArray[np.integer]) -> int:
    """Pairs of items with the same label."""
    _, counts = np.unique(labels, return_counts=True)
    return int((counts * (counts - 1) // 2).sum())


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
