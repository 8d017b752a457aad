"""The steps of one epoch: batches in, changed weights and a tally out."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch

from reid.data.loader import Loader, Task
from reid.errors import TrainingDiverged
from reid.model.embedder import freeze_batchnorm
from reid.text import listed
from reid.train.batches import Assignment
from reid.train.insight import holds_pairs
from reid.train.memory import memory_watched
from reid.train.plan import Plan, Progress
from reid.train.schedule import Stage
from reid.train.step import Batch, Outcome

MOST_SKIPPED = 10
"""Batches in a row that may be left out for a loss that is not finite, before the run ends all the same."""


class EpochSteps:
    """The steps that are left of the epoch under way.

    Args:
        plan: what to do.
        progress: how far it has come, which goes on with every step; it has a tally.
        listen: called with the events "step" and "skipped".
        checkpoint: named in the message where training diverges; empty where there is none.
    """

    def __init__(
        self, plan: Plan, progress: Progress, listen: Callable[[Mapping[str, Any]], None], checkpoint: str
    ) -> None:
        self._plan, self._progress, self._listen, self._checkpoint = plan, progress, listen, checkpoint

    def run(self, loader: Loader, after: Callable[[], None]) -> None:
        """Take the steps, and call `after` after each.

        Raises:
            TrainingDiverged: a loss or gradient is NaN or infinite, and is not to be skipped; no weight was changed.
            TrainingInterrupted: there is not enough memory for a step.
            DataError: an image cannot be read.
        """
        self._prepare()
        left = self.assignments()
        total, left = len(left), left[self._progress.step :]
        began, images = time.perf_counter(), 0
        for group in _groups(self._batches(loader, left), self._plan.accumulate):
            losses = self._step(group, total)
            self._progress.step = group[-1].position[1] + 1
            images += sum(len(batch.rows) for batch in group)
            now = {"epoch": self._progress.epoch, "step": self._progress.step - 1, "steps": total, "loss": losses[-1]}
            self._listen(
                {
                    "event": "step",
                    **now,
                    "learner": group[-1].learner,
                    "images_per_second": images / (time.perf_counter() - began),
                }
            )
            after()

    def assignments(self) -> list[Assignment]:
        """All batches of the epoch, in order."""
        plan, epoch = self._plan, self._progress.epoch
        division = self._progress.division if plan.schedule.draws_from_clusters(epoch) else None
        return plan.source.batches(epoch, plan.schedule.division_epoch(epoch), division)

    def _prepare(self) -> None:
        network = self._plan.learning.network
        network.train()
        if self._plan.freeze_batchnorm:
            freeze_batchnorm(network.backbone)

    def _batches(self, loader: Loader, assignments: Sequence[Assignment]) -> Iterator[Batch]:
        device = self._plan.learning.network.mean.device
        divides = self._plan.schedule.stage(self._progress.epoch) == Stage.DIVIDE
        tasks = [self._own(assignment.task) for assignment in assignments]
        for (task, cluster), (_, pictures) in zip(assignments, loader.batches(tasks), strict=True):
            labels = torch.from_numpy(self._plan.labels[task.rows])
            yield Batch(
                pictures.to(device, non_blocking=True),
                labels.to(device, non_blocking=True),
                torch.from_numpy(task.rows),
                (task.epoch, task.step),
                cluster if divides else None,
                cluster,
            )

    def _own(self, task: Task) -> Task:
        """What this process reads of a batch, every picture drawn as if it read all of them."""
        group = self._plan.learning.group
        if group.world == 1:
            return task
        part = group.part(len(task.rows))
        return task._replace(rows=task.rows[part], first=part.start)

    def _step(self, group: Sequence[Batch], total: int) -> list[float]:
        plan, progress, epoch = self._plan, self._progress, self._progress.epoch
        factor = plan.rates.factor(epoch, group[0].position[1] / total)
        plan.learning.set_rates(factor, backbone_rests=plan.schedule.backbone_rests(epoch))
        with memory_watched(plan, group[-1].position, self._checkpoint):
            outcome = plan.learning.step(group)
        if outcome.stepped or outcome.rescaled:
            progress.failing = 0
        else:
            self._not_finite(group, outcome)
        tally = progress.tally
        for batch, loss, active in zip(group, outcome.losses, outcome.active, strict=True):
            rows = batch.rows.numpy()
            progress.images += len(rows)
            if tally is not None and np.isfinite(loss):
                pairs = holds_pairs(plan.labels[rows], rows)
                tally.add(batch.cluster, loss, len(rows), active=active, pairs=pairs)
        return outcome.losses

    def _not_finite(self, group: Sequence[Batch], outcome: Outcome) -> None:
        """Note what happened, and end the run unless such batches are to be skipped.

        Raises:
            TrainingDiverged: they are not, or there are too many of them.
        """
        self._progress.skipped += len(group)
        self._progress.failing += len(group)
        where = [f"batch {batch.position[1] + 1}" + _of(batch.learner) for batch in group]
        paths = [str(path) for batch in group for path in self._paths(batch)]
        if self._plan.on_nan == "skip" and self._progress.failing <= MOST_SKIPPED:
            self._listen({"event": "skipped", "epoch": self._progress.epoch, "batches": where, "paths": paths})
            return
        advice = (
            f"so were the {MOST_SKIPPED} batches before it; lower train.lr"
            if self._plan.on_nan == "skip"
            else "lower train.lr or set train.clip, or leave such batches out with --on-nan skip"
        )
        kept = f"the last good checkpoint is {self._checkpoint}" if self._checkpoint else "there is no checkpoint yet"
        message = (
            f"the loss is {outcome.losses[-1]:g} and the norm of its gradient {outcome.steepness:g} in epoch "
            f"{self._progress.epoch + 1}, {', '.join(where)}, images {listed(paths, 5)}; no weight was changed; {advice}; {kept}"
        )
        raise TrainingDiverged(self._plan.learning.group.told(message))

    def _paths(self, batch: Batch) -> list[str]:
        records = self._plan.train
        return [records.paths[row] for row in np.unique(batch.rows.numpy())]


def _groups(batches: Iterator[Batch], size: int) -> Iterator[list[Batch]]:
    """`size` batches at a time; the last group of an epoch may be smaller."""
    while group := list(islice(batches, size)):
        yield group


def _of(learner: int | None) -> str:
    return "" if learner is None else f" of learner {learner}"
