"""Which learner trains on which image in a round, and how its clusters keep their names (METHOD section 2)."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

OUT = -1
"""Cluster of an image that sits out a round."""


@dataclass(frozen=True, eq=False)
class Division:
    """Which learner trains on which image.

    Attributes:
        clusters: (N,) int64, 0..K-1, or -1 for an image that sits out because its identity has no other in the cluster.
        learners: K.
        merged: (cluster, the one it was merged into) where no valid division was found.
        retries: how many further seeds were tried.
    """

    clusters: Integers
    learners: int
    merged: tuple[tuple[int, int], ...] = ()
    retries: int = 0

    @classmethod
    def whole(cls, identities: Integers) -> Self:
        """The division into one cluster: all images, but for those that are the only one of their identity."""
        return cls(without_singles(np.zeros(len(identities), dtype=np.int64), identities), 1)

    def sizes(self) -> Integers:
        """(K,) images of each cluster."""
        return np.bincount(self.clusters[self.clusters >= 0], minlength=self.learners)

    def sitting_out(self) -> int:
        """Number of images that sit out."""
        return int((self.clusters == OUT).sum())

    def active(self) -> list[int]:
        """The clusters that have images, in order."""
        return np.flatnonzero(self.sizes()).tolist()

    def idle(self) -> list[int]:
        """The clusters without images, in order: merged, left empty by k-means, or children of such."""
        return np.flatnonzero(self.sizes() == 0).tolist()


def matching(previous: Integers, new: Integers, learners: int) -> Integers:
    """The old name for each new cluster, so that they overlap the round before as much as possible.

    Solves the assignment problem on `overlap[new, old]` (METHOD 2.3): any relabelling of an unchanged partition is
    undone. Images at -1 in either round are ignored.

    Args:
        previous: (N,) clusters of the round before.
        new: (N,) clusters now.
        learners: K.

    Returns:
        (K,) int64; `result[new]` are the renamed clusters.
    """
    from scipy.optimize import linear_sum_assignment

    both = (previous >= 0) & (new >= 0)
    overlap = np.bincount(new[both] * learners + previous[both], minlength=learners**2).reshape(learners, learners)
    rows, columns = linear_sum_assignment(-overlap)
    names = np.empty(learners, dtype=np.int64)
    names[rows] = columns
    return names


def without_singles(labels: Integers, identities: Integers) -> Integers:
    """`labels` with -1 for every image that is the only one of its identity in its cluster."""
    _, pair, counts = pairs(labels, identities)
    return np.where(counts[pair] > 1, labels, OUT)


def pairs(labels: Integers, identities: Integers) -> tuple[Integers, Integers, Integers]:
    """The pairs of a label and an identity that occur together.

    Returns:
        (M,) label of each pair, (N,) pair of every image, (M,) images of each pair.
    """
    known, codes = np.unique(identities, return_inverse=True)
    found, pair, counts = np.unique(labels * len(known) + codes, return_inverse=True, return_counts=True)
    return found // max(1, len(known)), pair, counts
