"""Which clusters a learner can train on, and what becomes of those that it cannot (METHOD 2.5, 2.6)."""

import numpy as np
from numpy.typing import NDArray

from reid.errors import ConfigError, DataError
from reid.train.division import pairs
from reid.train.feature_rows import Floats, centres

Integers = NDArray[np.int64]
Merged = tuple[tuple[int, int], ...]
"""(cluster, the one it was merged into) of each that was."""


def offending(labels: Integers, identities: Integers, clusters: int, needed: int) -> list[int]:
    """The clusters that hold fewer than `needed` identities with at least two images each; an empty one does."""
    cluster, _, counts = pairs(labels, identities)
    able = np.bincount(cluster[(counts > 1) & (cluster >= 0)], minlength=clusters)
    return np.flatnonzero(able < needed).tolist()


def places(identities: Integers, unit: str) -> int:
    """The most pairs of a cluster and an identity with at least two images in it that any division can have.

    Args:
        identities: (N,) int64.
        unit: "image": an identity can be in as many clusters as it has pairs; "identity": in one.
    """
    counts = np.unique(identities, return_counts=True)[1]
    return int((counts >= 2).sum()) if unit == "identity" else int((counts // 2).sum())


def check_numbers(identities: Integers, learners: int, needed: int) -> None:
    """Refuse what no division can be made of.

    Raises:
        ConfigError: fewer than one learner.
        DataError: fewer images than learners, or too few identities to fill a batch of even one cluster.
    """
    if learners < 1:
        raise ConfigError(
            f"division.learners: {len(identities)} images cannot be divided into {learners} clusters; wanted 1 or more"
        )
    if len(identities) < learners:
        raise DataError(f"{len(identities)} images cannot be divided into {learners} clusters; lower division.learners")
    able = places(identities, "identity")
    if able < needed:
        raise DataError(
            f"a batch needs {needed} identities with at least two images each, and there are {able}; "
            "lower train.identities"
        )


def merge_offending(
    labels: Integers, features: Floats | None, identities: Integers, clusters: int, needed: int
) -> tuple[Integers, Merged]:
    """Move one offending cluster after another, smallest first, to the nearest one, until all can fill a batch.

    Args:
        labels: (N,) 0..K-1.
        features: (N, C) unit rows. None, where a partition was random and none is near: to the smallest one.
        identities: (N,) int64.
        clusters: K.
        needed: identities with at least two images each that a cluster must hold.

    Returns:
        The labels, and (cluster, the one it was moved to) of each.
    """
    labels = labels.copy()
    merged: list[tuple[int, int]] = []
    while True:
        sizes = np.bincount(labels, minlength=clusters)
        bad = [cluster for cluster in offending(labels, identities, clusters, needed) if sizes[cluster]]
        if not bad or np.count_nonzero(sizes) == 1:
            return labels, tuple(merged)
        smallest = min(bad, key=lambda cluster: (int(sizes[cluster]), cluster))
        others = np.flatnonzero((sizes > 0) & (np.arange(clusters) != smallest))
        if features is None:
            nearest = int(others[sizes[others].argmin()])
        else:
            means = centres(features, labels, clusters)
            nearest = int(others[np.square(means[others] - means[smallest]).sum(axis=1).argmin()])
        labels[labels == smallest] = nearest
        merged.append((smallest, nearest))
