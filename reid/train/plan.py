"""What a run is made of, and how far it has come."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reid.data.loader import Reader
from reid.model.store import Description
from reid.records import Integers, Records
from reid.train.batches import BatchSource
from reid.train.divider import Divider
from reid.train.division import Division
from reid.train.insight import LearnerTally
from reid.train.rates import Rates
from reid.train.schedule import Schedule
from reid.train.step import Learning


@dataclass(frozen=True)
class Plan:
    """Everything a run is made of, apart from its progress.

    Attributes:
        learning: network, loss and optimiser.
        schedule: what happens in which epoch.
        rates: learning rates.
        divider: makes the divisions.
        source: makes the batches.
        train: (N,) training images.
        validation: images of held-out training identities, or None to keep the last epoch.
        augmented: reads training images.
        description: of the model, for deployment.
        data_digest: of the training data, to notice that it changed before a resume.
        freeze_batchnorm: whether BatchNorm statistics stay.
        space: features that are clustered, "pooled" or "embedding".
        workers: loader processes.
        accumulate: batches in a step of the optimiser.
        patience: epochs without a better validation score after which the run ends; 0 never ends it.
        on_nan: "stop", or "skip" a batch whose loss or gradient is NaN or infinite.
        save_every: epochs between checkpoints.
        save_minutes: minutes between checkpoints within an epoch; 0 writes none.
    """

    learning: Learning
    schedule: Schedule
    rates: Rates
    divider: Divider
    source: BatchSource
    train: Records
    validation: Records | None
    augmented: Reader
    description: Description
    data_digest: str
    freeze_batchnorm: bool = True
    space: str = "pooled"
    workers: int = 0
    accumulate: int = 1
    patience: int = 0
    on_nan: str = "stop"
    save_every: int = 1
    save_minutes: float = 10.0

    @cached_property
    def labels(self) -> Integers:
        """(N,) int64 identity of every training image, numbered 0..C-1 as losses with vectors for classes need them."""
        return np.unique(self.train.identities, return_inverse=True)[1].astype(np.int64)


@dataclass
class Progress:
    """How far a run has come: what a checkpoint holds besides weights.

    Attributes:
        epoch: the one under way, or the next.
        step: of it, the next one; the number of its batches where only validation is left.
        division: in force, or None.
        divided: the epoch before which it was made; -1 before the first.
        best: best validation score so far, -1 before the first.
        best_epoch: when that was; -1 before the first.
        images: number of images trained on so far.
        skipped: batches of this epoch that were left out because their loss was not finite.
        failing: how many of the last batches were left out, one after the other.
        tally: of the epoch under way, or None between epochs.
    """

    epoch: int = 0
    step: int = 0
    division: Division | None = None
    divided: int = -1
    best: float = -1.0
    best_epoch: int = -1
    images: int = 0
    skipped: int = 0
    failing: int = 0
    tally: LearnerTally | None = None

    def end_epoch(self) -> None:
        """Go on to the next epoch."""
        self.epoch, self.step, self.skipped, self.tally = self.epoch + 1, 0, 0, None
