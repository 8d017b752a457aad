"""Splitting a group of images into parts that learners can train on (METHOD 2.2, 2.5, 2.6)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.errors import ShapeError
from reid.evaluation.clustering import kmeans
from reid.train.feature_rows import Floats, centres, distances_to, projections, reorder, unit_rows
from reid.train.validity import offending, places

Integers = NDArray[np.int64]

MAX_RETRIES = 30


class Images(NamedTuple):
    """Images to be split; a random partition needs neither features nor projections.

    Attributes:
        identities: (N,) int64.
        features: (N, C) unit rows, or None.
        projections: (N,) of the features onto a direction, or None.
    """

    identities: Integers
    features: Floats | None = None
    projections: Integers | None = None

    def select(self, rows: slice) -> Self:
        """The images at `rows`, without copying their features."""
        features, places = self.features, self.projections
        return self._replace(
            identities=self.identities[rows],
            features=None if features is None else features[rows],
            projections=None if places is None else places[rows],
        )


@contextmanager
def in_order(
    features: Floats | None, identities: Integers, groups: Integers, names: Sequence[object] | None = None
) -> Iterator[tuple[Images, Integers]]:
    """The images with those of a group side by side, in an order that depends on what they are.

    Args:
        features: (N, C) float32, or None. Rows of a writeable array in C order are scaled to unit length for good, and
            stand in another order until this context ends; of any other array a copy is made.
        identities: (N,) int64.
        groups: (N,) int64, by which images are sorted first.
        names: (N,) what an error calls the images, or None.

    Yields:
        The images, and (N,) where each of them stood before. Without features they stay as they stood in each group.

    Raises:
        ShapeError: a feature is NaN, infinite or huge, or there are not as many as identities.
    """
    if features is None:
        order = np.argsort(groups, kind="stable")
        yield Images(identities[order]), order
        return
    if len(features) != len(identities):
        raise ShapeError(f"there are {len(features)} rows of features and {len(identities)} identities")
    rows = unit_rows(features, names)
    along = projections(rows)
    order = np.lexsort((along, groups))
    reorder(rows, order)
    try:
        yield Images(identities[order], rows, along[order]), order
    finally:
        reorder(rows, np.argsort(order))


class Split(NamedTuple):
    """Images in parts.

    Attributes:
        labels: (N,) int64 part of each image.
        retries: how many further seeds were tried.
        valid: whether every part can fill a batch.
    """

    labels: Integers
    retries: int
    valid: bool


@dataclass(frozen=True)
class Splitter:
    """Splits images into parts that can each fill a batch, if it can be done.

    A partition in which a part cannot is tried again with at most 30 further seeds, and one beginning each, for the
    best of several would mostly be the same again.

    Attributes:
        needed: identities with at least two images each that a part must hold.
        seed: of the run.
        unit: "image", or "identity" to keep an identity whole.
        iterations: of k-means.
        restarts: of k-means.
    """

    needed: int
    seed: int
    unit: str
    iterations: int
    restarts: int

    def split(self, images: Images, parts: int, *position: int) -> Split:
        """A valid partition into `parts`, or the last one that was tried; without features a random one.

        Args:
            images: at least as many as parts.
            parts: how many.
            position: up to two counters that decide, with the seed, what is drawn.
        """
        retries = MAX_RETRIES if self.can_be_valid(images, parts) else 0
        for attempt in range(retries + 1):
            if images.features is None:
                labels = self._random(images.identities, parts, (*position, attempt))
            else:
                labels = self._clusters(images.features, images.identities, parts, (*position, attempt))
            valid = not offending(labels, images.identities, parts, self.needed)
            if valid:
                break
        return Split(labels, attempt, valid)

    def can_be_valid(self, images: Images, parts: int) -> bool:
        """Whether there are enough images, and enough different ones, for all parts to be able to fill a batch."""
        different = len(images.identities if images.projections is None else np.unique(images.projections))
        return different >= parts and places(images.identities, self.unit) >= parts * self.needed

    def _random(self, identities: Integers, parts: int, position: tuple[int, ...]) -> Integers:
        units = np.unique(identities, return_inverse=True)[1] if self.unit == "identity" else np.arange(len(identities))
        return balanced(int(units.max()) + 1, parts, rng.generator(self.seed, "division", *position))[units]

    def _clusters(self, features: Floats, identities: Integers, parts: int, position: tuple[int, ...]) -> Integers:
        restarts, seed = 1 if position[-1] else self.restarts, rng.number(self.seed, "kmeans", *position)
        labels = kmeans(features, parts, iterations=self.iterations, restarts=restarts, seed=seed)
        return labels if self.unit == "image" else _whole_identities(features, labels, identities, parts)


def balanced(count: int, parts: int, random: np.random.Generator) -> Integers:
    """(count,) a random part for each, such that parts differ in size by one at most."""
    return random.permutation(np.arange(count, dtype=np.int64) % parts)


def _whole_identities(features: Floats, labels: Integers, identities: Integers, parts: int) -> Integers:
    """Every identity to the part whose centre is nearest to its mean: nearest in the mean to its images."""
    present, codes = np.unique(labels), np.unique(identities, return_inverse=True)[1]
    apart = distances_to(features, centres(features, labels, parts)[present])
    sums = np.stack([np.bincount(codes, weights=column) for column in apart.T])
    return np.asarray(present[sums.argmin(axis=0)], dtype=np.int64)[codes]
