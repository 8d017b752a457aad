"""Learning rates: a pure function of the epoch and the part of it that is done."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """What every learning rate is multiplied with in the course of a run.

    Attributes:
        epochs: of the run.
        scheduler: "constant"; "cosine", from 1 after the warm-up to 0 at the end (Loshchilov and Hutter, ICLR 2017); or
            "multi-step", times `decay` from each of `milestones` on.
        warmup: epochs over which the factor rises linearly to what it would be without.
        milestones: epochs of "multi-step".
        decay: factor of "multi-step", above 0, at most 1.
    """

    epochs: int
    scheduler: str = "constant"
    warmup: int = 0
    milestones: tuple[int, ...] = ()
    decay: float = 0.1

    def factor(self, epoch: int, part: float) -> float:
        """The factor, above 0 and at most 1, `part` (0..1, 1 excluded) of the way through `epoch`."""
        now = epoch + part
        if now < self.warmup:
            return min(1.0, (now + 0.01) / self.warmup)
        if self.scheduler == "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * (now - self.warmup) / max(1, self.epochs - self.warmup)))
        if self.scheduler == "multi-step":
            return float(self.decay ** sum(milestone <= epoch for milestone in self.milestones))
        return 1.0
