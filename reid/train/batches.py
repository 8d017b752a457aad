"""Which images make up the batches of an epoch: of the whole training set, or of one cluster each, in turn."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reid.data.loader import Task
from reid.data.sampler import IdentityBalancedSampler
from reid.train.division import OUT, Division

Integers = NDArray[np.int64]


class Assignment(NamedTuple):
    """One batch and the cluster it comes from; None where it comes from the whole training set."""

    task: Task
    cluster: int | None


@dataclass
class BatchSource:
    """Batches of a training set, which stays the same, under a division, which changes.

    Attributes:
        identities: (N,) int64 identity of every training image.
        per_batch: P, identities in a batch.
        images_each: K, images of each identity.
        seed: of the run.
    """

    identities: Integers
    per_batch: int
    images_each: int
    seed: int

    def __post_init__(self) -> None:
        self._samplers: dict[int | None, IdentityBalancedSampler] = {}
        self._for: tuple[int, Division | None] | None = None

    def batches(self, epoch: int, since: int, division: Division | None) -> list[Assignment]:
        """All batches of an epoch, in order.

        With a division: as many rounds as the largest cluster has batches, one batch of each cluster in a round, so
        that smaller clusters are drawn from more often (METHOD section 3). Without: the whole set once.

        Args:
            epoch: of the run.
            since: the epoch before which `division` was made, or from which on there is none.
            division: of the training set, or None.

        Raises:
            DataError: too few identities to fill a batch.
        """
        if self._for is None or self._for[0] != since or self._for[1] is not division:
            self._samplers = self._make(since, division)
            self._for = (since, division)
        plans = {cluster: sampler.epoch(epoch - since) for cluster, sampler in self._samplers.items()}
        rounds = min(len(plan) for plan in plans.values())
        ordered = [(cluster, plan[number]) for number in range(rounds) for cluster, plan in plans.items()]
        return [Assignment(Task(epoch, step, rows), cluster) for step, (cluster, rows) in enumerate(ordered)]

    def _make(self, since: int, division: Division | None) -> dict[int | None, IdentityBalancedSampler]:
        if division is None:
            return {None: self._sampler(self.identities, None, (0, since))}
        rounds = -(-int(division.sizes().max()) // (self.per_batch * self.images_each))
        return {
            cluster: self._sampler(
                np.where(division.clusters == cluster, self.identities, OUT), rounds, (1 + cluster, since)
            )
            for cluster in division.active()
        }

    def _sampler(self, identities: Integers, steps: int | None, stream: tuple[int, int]) -> IdentityBalancedSampler:
        return IdentityBalancedSampler(
            identities,
            per_batch=self.per_batch,
            images_each=self.images_each,
            seed=self.seed,
            steps=steps,
            stream=stream,
        )
