"""What happens in which epoch: a pure function of the epoch, so that any of them can be looked up or resumed."""

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
    """The course of a run (METHOD section 3).

    Attributes:
        epochs: how many there are.
        learners: K, at the end.
        every: T, epochs between two divisions.
        conquer_from: first epoch of the conquer stage; None is never.
        finetune_from: first epoch of the finetune stage; None is never.
        freeze_backbone: epochs after each division in which the backbone rests.
        doubling: whether there is one learner at first, and twice as many after each T epochs, up to K (PAMI 2021).
    """

    epochs: int
    learners: int
    every: int
    conquer_from: int | None
    finetune_from: int | None
    freeze_backbone: int = 0
    doubling: bool = False

    def stage(self, epoch: int) -> Stage:
        """The stage of an epoch; one learner has nothing to divide, and finetunes throughout."""
        if self.learners == 1:
            return Stage.FINETUNE
        if self.finetune_from is not None and epoch >= self.finetune_from:
            return Stage.FINETUNE
        if self.conquer_from is not None and epoch >= self.conquer_from:
            return Stage.CONQUER
        return Stage.DIVIDE

    def learners_at(self, epoch: int) -> int:
        """Number of learners in an epoch: K, or min(K, 2^floor(epoch / T)) while they double."""
        return min(self.learners, 2 ** min(epoch // self.every, 64)) if self.doubling else self.learners

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

    def timeline(self) -> list[tuple[int, int, Stage]]:
        """(first epoch, epoch after the last, stage) of each stage that occurs."""
        spans: list[tuple[int, int, Stage]] = []
        for epoch in range(self.epochs):
            if spans and spans[-1][2] == self.stage(epoch):
                spans[-1] = (spans[-1][0], epoch + 1, spans[-1][2])
            else:
                spans.append((epoch, epoch + 1, self.stage(epoch)))
        return spans
