"""What happens in which epoch: a pure function of the epoch, so that any of them can be looked up or resumed."""

import math
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where batches come from and what the loss sees.

    DIVIDE: batches of one cluster each, the loss sees the learner's slice.
    CONQUER: batches of one cluster each, the loss sees the whole embedding.
    FINETUNE: batches of the whole training set, the loss sees the whole embedding.
    """

    DIVIDE = "divide"
    CONQUER = "conquer"
    FINETUNE = "finetune"


@dataclass(frozen=True)
class Schedule:
    """The course of a run.

    Attributes:
        epochs: how many there are.
        learners: K.
        every: epochs between two divisions.
        conquer_from: first epoch of the conquer stage; None is never.
        finetune_from: first epoch of the finetune stage; None is never.
        freeze_backbone: epochs after each division in which the backbone rests.
        scheduler: "constant" or "cosine".
        warmup: epochs over which the learning rate rises.
    """

    epochs: int
    learners: int
    every: int
    conquer_from: int | None
    finetune_from: int | None
    freeze_backbone: int = 0
    scheduler: str = "constant"
    warmup: int = 0

    def stage(self, epoch: int) -> Stage:
        """The stage of an epoch; one learner has nothing to divide, and finetunes throughout."""
        if self.learners == 1:
            return Stage.FINETUNE
        if self.finetune_from is not None and epoch >= self.finetune_from:
            return Stage.FINETUNE
        if self.conquer_from is not None and epoch >= self.conquer_from:
            return Stage.CONQUER
        return Stage.DIVIDE

    def draws_from_clusters(self, epoch: int) -> bool:
        """Whether the batches of this epoch come from one cluster each, so that there must be a division."""
        return self.stage(epoch) != Stage.FINETUNE

    def divides(self, epoch: int) -> bool:
        """Whether the training set is divided anew before this epoch; with one learner it never is."""
        return self.draws_from_clusters(epoch) and epoch % self.every == 0

    def division_epoch(self, epoch: int) -> int:
        """The epoch before which what `epoch` draws its batches from was made: a division, or the whole set."""
        if self.learners == 1:
            return 0
        if self.stage(epoch) == Stage.FINETUNE:
            return int(self.finetune_from or 0)
        return epoch - epoch % self.every

    def backbone_rests(self, epoch: int) -> bool:
        """Whether only the embedding layer and the loss learn in this epoch (`freeze_backbone`, PAMI 2021)."""
        return self.stage(epoch) != Stage.FINETUNE and epoch % self.every < self.freeze_backbone

    def learning_rate_factor(self, epoch: int, part: float) -> float:
        """What the learning rate is multiplied with, `part` (0..1) of the way through `epoch`."""
        now = epoch + part
        if now < self.warmup:
            return min(1.0, (now + 0.01) / self.warmup)
        if self.scheduler == "constant":
            return 1.0
        return 0.5 * (1.0 + math.cos(math.pi * (now - self.warmup) / max(1, self.epochs - self.warmup)))

    def timeline(self) -> list[tuple[int, int, Stage]]:
        """(first epoch, epoch after the last, stage) of each stage that occurs."""
        spans: list[tuple[int, int, Stage]] = []
        for epoch in range(self.epochs):
            if spans and spans[-1][2] == self.stage(epoch):
                spans[-1] = (spans[-1][0], epoch + 1, spans[-1][2])
            else:
                spans.append((epoch, epoch + 1, self.stage(epoch)))
        return spans
