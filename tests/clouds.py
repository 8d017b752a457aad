"""Features in clouds, and what a division must be, for tests of everything that divides."""

import numpy as np
from numpy.typing import NDArray

from reid.train.batches import BatchSource
from reid.train.division import OUT, Division

Integers, Floats = NDArray[np.int64], NDArray[np.float32]


def clouds(number: int, each: int, *, width: int = 8, spread: float = 0.05, seed: int = 0) -> tuple[Floats, Integers]:
    """Well separated clouds of points in random order, and the cloud of each point."""
    random = np.random.default_rng(seed)
    cloud = random.permutation(np.repeat(np.arange(number), each))
    centres = np.linalg.qr(random.standard_normal((width, width)))[0][:number]
    return (centres[cloud] + spread * random.standard_normal((len(cloud), width))).astype(np.float32), cloud


def fours(points: int) -> Integers:
    """Identities of which each has four images."""
    return np.arange(points) // 4


def able(clusters: Integers, identities: Integers) -> dict[int, int]:
    """For each cluster with images, the number of identities with at least two images in it, by a plain loop."""
    found: dict[int, int] = {}
    for cluster in sorted(set(clusters[clusters >= 0].tolist())):
        own = identities[clusters == cluster].tolist()
        found[cluster] = sum(own.count(identity) >= 2 for identity in set(own))
    return found


def check_valid(division: Division, identities: Integers, needed: int) -> None:
    """Every cluster with images fills batches, no identity has a single image in one, and only such images are out."""
    found = able(division.clusters, identities)

    assert found
    assert min(found.values()) >= needed
    assert list(found) == division.active()
    assert sorted([*division.active(), *division.idle()]) == list(range(division.learners))
    for cluster in found:
        own = identities[division.clusters == cluster].tolist()
        assert all(own.count(identity) >= 2 for identity in own)
    batches = BatchSource(identities, needed, 2, 0).batches(0, 0, division)
    assert [batch.cluster for batch in batches[: len(found)]] == division.active()
    assert all((division.clusters[batch.task.rows] == batch.cluster).all() for batch in batches)


def check_halves(previous: Division, division: Division) -> None:
    """Merging the children gives back the parents, and a child without images was merged, or its parent has none."""
    both = (previous.clusters != OUT) & (division.clusters != OUT)

    assert division.learners == 2 * previous.learners
    assert (division.clusters[both] // 2 == previous.clusters[both]).all()
    for child in division.idle():
        assert child // 2 in previous.idle() or (child, child - 1) in division.merged
