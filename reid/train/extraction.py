"""Features of a set of images while a run is under way, extracted at the speed of deployment by all its processes."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reid.data.loader import Reader
from reid.embed import BATCH, Fixed, Inference, run_over, transform
from reid.errors import ProcessLost
from reid.model.embedder import EmbeddingNetwork
from reid.records import Records
from reid.train.plan import Plan

Floats = NDArray[np.float32]


def extract(plan: Plan, records: Records, space: str, network: EmbeddingNetwork, check: Callable[[], None]) -> Floats:
    """Features of images as a deployed model would see them.

    Each of several processes extracts its share, in the batches in which a single process would, from the first one's
    BatchNorm statistics, so that not a bit depends on how many there are.

    Args:
        plan: of the run.
        records: N images.
        space: "pooled" or "embedding", see `Inference`.
        network: in evaluation mode afterwards.
        check: called after every batch; what it raises leaves the extraction, which changes nothing.

    Returns:
        (N, C) on the first process, and no rows on the others.

    Raises:
        DataError: an image cannot be read.
        ProcessLost: another process ended, or does not answer.
    """
    group = plan.learning.group
    share = group.stretch(len(records), BATCH)
    kept = plan.augmented.cache if records is plan.train and plan.description.crop == "resize" else None
    reader = Reader(
        records.files()[share],
        Fixed(transform(plan.description)),
        max_megapixels=plan.augmented.max_megapixels,
        cache=None if kept is None else kept.part(share),
    )
    group.align(network.buffers())
    own = np.empty((0, 0), dtype=np.float32)
    if reader.paths:
        own = run_over(
            reader,
            network,
            network.mean.device,
            Inference(space, plan.learning.precision),
            workers=plan.workers,
            progress=lambda _count: check(),
        )
    try:
        return group.collect(own, len(records), BATCH)
    except ProcessLost:
        check()  # the others may have left because all were asked to stop
        raise


class TrainingFeatures:
    """What a division is made from: called, it returns the features of all training images, on the first process.

    A single process extracts them when it is called. Several do so at once, if they will be needed, for the first alone
    then divides.

    Attributes:
        seconds: that extraction took; 0 where there was none.

    Args:
        plan: of the run.
        learners: how many clusters there will be.
        check: see `extract`.

    Raises:
        DataError: an image cannot be read.
        ProcessLost: another process ended, or does not answer.
    """

    def __init__(self, plan: Plan, learners: int, check: Callable[[], None]) -> None:
        self.seconds = 0.0
        self._plan, self._check = plan, check
        self._found: Floats | None = None
        if plan.learning.group.world > 1 and plan.divider.partition == "kmeans" and learners > 1:
            self._found = self._extract()

    def __call__(self) -> Floats:
        """(N, C) features; those extracted before are handed over, and can be had once."""
        found, self._found = self._found, None
        return self._extract() if found is None else found

    def _extract(self) -> Floats:
        started, plan = time.perf_counter(), self._plan
        found = extract(plan, plan.train, plan.space, plan.learning.network, self._check)
        self.seconds = time.perf_counter() - started
        return found
