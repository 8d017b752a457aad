"""Dividing the training set among the learners: k-means, in halves or flat, and validity (METHOD section 2)."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.train.division import OUT, Division, matching, without_singles
from reid.train.feature_rows import Floats, centres, distances_to
from reid.train.splitting import Images, Split, Splitter, balanced, in_order
from reid.train.validity import Merged, check_numbers, merge_offending

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Divider:
    """Makes divisions: pure functions of seed, round, features, identities and the division before.

    In what order the images stand does not matter, except to a random partition.

    Attributes:
        learners: K, at the end of a doubling schedule.
        identities_needed: P; a cluster must hold as many identities with two images each to fill a batch.
        seed: of the run.
        partition: "kmeans", or "random" as a control, which never looks at features.
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

    def round(
        self,
        features: Callable[[], Floats],
        identities: Integers,
        number: int,
        previous: Division | None,
        learners: int,
        names: Sequence[object] | None = None,
    ) -> Division:
        """The division of one round: whole for one learner, else in halves or flat.

        In halves where there are twice as many learners as in the round before (doubling schedule), flat otherwise; of
        other numbers of learners no names can be kept, and `previous` is not looked at.

        Args:
            features: returns what `divide` takes, and is called only where that is needed.
            identities: (N,) int64.
            number: of the round, from 0.
            previous: the division before, or None.
            learners: how many there are in this round.
            names: (N,) what an error calls the images, such as their paths.

        Raises:
            ShapeError: as `divide`.
            DataError: as `divide`.
        """
        check_numbers(identities, learners, self.identities_needed)
        if learners == 1:
            return Division.whole(identities)
        divider, drawn = replace(self, learners=learners), features() if self.partition == "kmeans" else None
        if previous is not None and learners == 2 * previous.learners:
            return divider.bisect(drawn, identities, number, previous, names)
        known = previous if previous is not None and learners == previous.learners else None
        return divider.divide(drawn, identities, number, known, names)

    def divide(
        self,
        features: Floats | None,
        identities: Integers,
        number: int,
        previous: Division | None,
        names: Sequence[object] | None = None,
    ) -> Division:
        """The division of a flat round into `learners` clusters.

        Args:
            features: (N, C) float32, finite; None for a random partition. The rows of a writeable array in C order are
                scaled to unit length where they stand, so that no copy is made.
            identities: (N,) int64.
            number: of the round, from 0.
            previous: the division before, of as many learners, whose clusters these are matched with.
            names: (N,) what an error calls the images, such as their paths.

        Raises:
            ShapeError: a feature is NaN, infinite or huge, or there are not as many as identities.
            DataError: fewer images than learners, or too few identities to fill a batch of even one cluster.
        """
        check_numbers(identities, self.learners, self.identities_needed)
        with self._images(features, identities, np.zeros(len(identities), dtype=np.int64), names) as (images, order):
            split = self._splitter().split(images, self.learners, number)
            labels, merged = self._merge(split.labels, images, self.learners)
        clusters = _back(labels, order)
        if previous is not None:
            kept = matching(previous.clusters, clusters, self.learners)
            clusters, merged = kept[clusters], tuple((int(kept[a]), int(kept[b])) for a, b in merged)
        return Division(without_singles(clusters, identities), self.learners, merged, split.retries)

    def bisect(
        self,
        features: Floats | None,
        identities: Integers,
        number: int,
        previous: Division,
        names: Sequence[object] | None = None,
    ) -> Division:
        """The division of a doubling round: every cluster c of the one before is split into 2c and 2c + 1 (METHOD 2.4).

        An image that sat out goes to the child whose centre is nearest. Where a cluster cannot be split into two that
        can both fill a batch, its child 2c + 1 is merged into 2c: into the sibling rather than whatever is nearest, so
        that merging children always gives back the parent. An empty cluster has empty children.

        Args:
            features: as for `divide`.
            identities: (N,) int64.
            number: of the round, from 0.
            previous: the division before; there are twice as many clusters now, whatever `learners` is.
            names: as for `divide`.

        Raises:
            ShapeError: as `divide`.
            DataError: as `divide`.
        """
        learners = 2 * previous.learners
        check_numbers(identities, learners, self.identities_needed)
        retries, merged = 0, []
        with self._images(features, identities, previous.clusters, names) as (images, order):
            bounds = np.searchsorted(previous.clusters[order], np.arange(previous.learners + 1))
            labels = np.full(len(order), OUT)
            for parent in previous.active():
                rows = slice(bounds[parent], bounds[parent + 1])
                split = self._halves(images.select(rows), number, parent)
                labels[rows], retries = 2 * parent + split.labels, retries + split.retries
                merged += [] if split.valid else [(2 * parent + 1, 2 * parent)]
            self._bring_back(labels, images, number, previous.learners)
            labels, further = self._merge(labels, images, learners)  # only where a parent itself fills no batch
        clusters = without_singles(_back(labels, order), identities)
        return Division(clusters, learners, (*merged, *further), retries)

    def _halves(self, images: Images, *position: int) -> Split:
        """0 or 1 for each image; 0 for all where no two halves were found that can both fill a batch."""
        splitter, together = self._splitter(), np.zeros(len(images.identities), dtype=np.int64)
        if not splitter.can_be_valid(images, 2):
            return Split(together, 0, valid=False)
        split = splitter.split(images, 2, *position)
        return split if split.valid else split._replace(labels=together)

    def _images(
        self, features: Floats | None, identities: Integers, groups: Integers, names: Sequence[object] | None
    ) -> AbstractContextManager[tuple[Images, Integers]]:
        return in_order(None if self.partition == "random" else features, identities, groups, names)

    def _splitter(self) -> Splitter:
        return Splitter(self.identities_needed, self.seed, self.unit, self.iterations, self.restarts)

    def _merge(self, labels: Integers, images: Images, learners: int) -> tuple[Integers, Merged]:
        return merge_offending(labels, images.features, images.identities, learners, self.identities_needed)

    def _bring_back(self, labels: Integers, images: Images, *position: int) -> None:
        """Put images without a cluster into one of those that there are: the nearest, or any at random."""
        out, present = labels == OUT, np.unique(labels[labels >= 0])
        if images.features is None:
            random = rng.generator(self.seed, "division", *position)
            labels[out] = present[balanced(int(out.sum()), len(present), random)]
        else:
            means = centres(images.features, labels, int(present[-1]) + 1)[present]
            labels[out] = present[distances_to(images.features[: out.sum()], means).argmin(axis=1)]


def _back(labels: Integers, order: Integers) -> Integers:
    """Labels in the order of the training set."""
    clusters = np.empty_like(labels)
    clusters[order] = labels
    return clusters
