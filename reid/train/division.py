"""Dividing the training set among the learners: k-means, matching with the round before, validity (METHOD section 2)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.errors import DataError, ShapeError
from reid.evaluation.clustering import kmeans

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]

OUT = -1
"""Cluster of an image that sits out a round."""
MAX_RETRIES = 30
_LARGEST = 1e15  # faiss ends the process on the squares of values not far above


@dataclass(frozen=True, eq=False)
class Division:
    """Which learner trains on which image.

    Attributes:
        clusters: (N,) int64, 0..K-1, or -1 for an image that sits out because its identity has no other in the cluster.
        learners: K.
        merged: (cluster, nearest cluster it was merged into) where no valid division was found.
        retries: how many further seeds were tried.
    """

    clusters: Integers
    learners: int
    merged: tuple[tuple[int, int], ...] = ()
    retries: int = 0

    def sizes(self) -> Integers:
        """(K,) images of each cluster."""
        return np.bincount(self.clusters[self.clusters >= 0], minlength=self.learners)

    def sitting_out(self) -> int:
        """Number of images that sit out."""
        return int((self.clusters == OUT).sum())

    def active(self) -> list[int]:
        """The clusters that have images, in order."""
        return np.flatnonzero(self.sizes()).tolist()


@dataclass(frozen=True)
class Divider:
    """Makes divisions.

    Attributes:
        learners: K.
        identities_needed: P; a cluster must hold as many identities with two images each to fill a batch.
        seed: of the run.
        partition: "kmeans", or "random" as a control.
        unit: "image", or "identity" to keep an identity whole.
        iterations: of k-means.
        restarts: of k-means.
    """

    learners: int
    identities_needed: int
    seed: int
    partition: str = "kmeans"
    unit: str = "image"
    iterations: int = 20
    restarts: int = 5

    def divide(self, features: Floats, identities: Integers, number: int, previous: Division | None) -> Division:
        """The division of one round.

        Args:
            features: (N, C) float32, finite; rows are L2-normalised here.
            identities: (N,) int64.
            number: of the round, from 0.
            previous: the division before, whose clusters these are matched with.

        Raises:
            ShapeError: a feature is NaN, infinite or huge.
            DataError: fewer images than learners, or too few identities to fill a batch of even one cluster.
        """
        features = unit_rows(features)
        retries = MAX_RETRIES if self._can_be_valid(identities) else 0
        for attempt in range(retries + 1):
            labels = self._partition(features, identities, number, attempt)
            bad = self._offending(labels, identities)
            if not bad:
                break
        labels, merged = self._merge(labels, features, identities) if bad else (labels, ())
        if previous is not None:
            names = matching(previous.clusters, labels, self.learners)
            labels, merged = names[labels], tuple((int(names[a]), int(names[b])) for a, b in merged)
        return Division(without_singles(labels, identities), self.learners, merged, attempt)

    def _can_be_valid(self, identities: Integers) -> bool:
        """Whether there are images enough for all clusters to be able to fill a batch.

        Raises:
            DataError: there are not even enough for one cluster, or fewer images than clusters.
        """
        if len(identities) < self.learners:
            raise DataError(
                f"{len(identities)} images cannot be divided into {self.learners} clusters; lower division.learners"
            )
        counts = np.unique(identities, return_counts=True)[1]
        able = int((counts >= 2).sum())
        if able < self.identities_needed:
            raise DataError(
                f"a batch needs {self.identities_needed} identities with at least two images each, and there are {able}; "
                f"lower train.identities"
            )
        places = able if self.unit == "identity" else int((counts // 2).sum())  # an identity can be in several clusters
        return places >= self.learners * self.identities_needed

    def _partition(self, features: Floats, identities: Integers, number: int, attempt: int) -> Integers:
        if self.partition == "random":
            _, unit = (
                np.unique(identities, return_inverse=True)
                if self.unit == "identity"
                else (None, np.arange(len(features)))
            )
            random = rng.generator(self.seed, "division", number, attempt)
            return _random_partition(int(unit.max()) + 1, self.learners, random)[unit]
        seed = rng.number(self.seed, "kmeans", number, attempt)
        labels = kmeans(features, self.learners, iterations=self.iterations, restarts=self.restarts, seed=seed)
        return _whole_identities(features, labels, identities, self.learners) if self.unit == "identity" else labels

    def _offending(self, labels: Integers, identities: Integers) -> list[int]:
        usable = without_singles(labels, identities)
        pairs = np.unique(np.stack([usable, identities])[:, usable >= 0], axis=1)
        counts = np.bincount(pairs[0], minlength=self.learners)
        return np.flatnonzero(counts < self.identities_needed).tolist()

    def _merge(
        self, labels: Integers, features: Floats, identities: Integers
    ) -> tuple[Integers, tuple[tuple[int, int], ...]]:
        """Move one offending cluster after another, smallest first, to the nearest one, until all can fill a batch."""
        labels = labels.copy()
        merged: list[tuple[int, int]] = []
        while True:
            present = np.unique(labels)
            bad = [cluster for cluster in self._offending(labels, identities) if cluster in present]
            if not bad or len(present) == 1:
                return labels, tuple(merged)
            smallest = min(bad, key=lambda cluster: (int((labels == cluster).sum()), cluster))
            others = present[present != smallest]
            centres = _centres(features, labels, self.learners)
            nearest = int(others[np.square(centres[others] - centres[smallest]).sum(axis=1).argmin()])
            labels[labels == smallest] = nearest
            merged.append((smallest, nearest))


def unit_rows(features: Floats) -> Floats:
    """Rows scaled to unit length; a row of zeros stays.

    Raises:
        ShapeError: a value is NaN, infinite or beyond 1e15; the first such rows are named.
    """
    with np.errstate(invalid="ignore"):
        bad = np.flatnonzero(~(np.abs(features).max(axis=1) < _LARGEST))
    if len(bad):
        raise ShapeError(
            f"{len(bad)} feature rows hold NaN, infinity or values beyond {_LARGEST:.0e}, first {bad[:5].tolist()}"
        )
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    return np.ascontiguousarray(features / np.maximum(norms, 1e-12), dtype=np.float32)


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
    _, group, counts = np.unique(np.stack([labels, identities]), axis=1, return_inverse=True, return_counts=True)
    return np.where(counts[group.reshape(-1)] > 1, labels, OUT)


def _random_partition(count: int, clusters: int, random: np.random.Generator) -> Integers:
    return random.permutation(np.arange(count, dtype=np.int64) % clusters)


def _whole_identities(features: Floats, labels: Integers, identities: Integers, clusters: int) -> Integers:
    """Every identity to the cluster whose centre is nearest to its mean."""
    _, group = np.unique(identities, return_inverse=True)
    means = _centres(features, group, int(group.max()) + 1)
    centres = _centres(features, labels, clusters)
    nearest = (np.square(centres).sum(axis=1) - 2.0 * means @ centres.T).argmin(axis=1)
    return np.asarray(nearest, dtype=np.int64)[group]


def _centres(features: Floats, labels: Integers, clusters: int) -> Floats:
    """(clusters, C) mean of each cluster; that of an empty one is zero."""
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels, minlength=clusters)
    present = np.flatnonzero(counts)
    sums = np.add.reduceat(features[order], (np.cumsum(counts) - counts)[present], axis=0)
    centres = np.zeros((clusters, features.shape[1]), dtype=np.float32)
    centres[present] = sums / counts[present, None]
    return centres
