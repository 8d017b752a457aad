"""The training loop: divide, train, validate, save, epoch after epoch."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reid.data.loader import Loader, Reader
from reid.embed import Fixed, Inference, run_over, transform
from reid.errors import TrainingInterrupted
from reid.evaluation.clustering import normalised_mutual_information
from reid.evaluation.protocols import all_vs_all
from reid.model.embedder import freeze_batchnorm
from reid.model.store import Description, save_model
from reid.records import Embeddings, Records
from reid.train.batches import Assignment, BatchSource
from reid.train.checkpoint import Progress, restore, save
from reid.train.division import Divider, Division
from reid.train.run_folder import RunFolder
from reid.train.schedule import Schedule, Stage
from reid.train.step import Learning

Listener = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Plan:
    """Everything a run is made of, apart from its progress.

    Attributes:
        learning: network, loss and optimiser.
        schedule: what happens in which epoch.
        divider: makes the divisions.
        source: makes the batches.
        train: (N,) training images.
        validation: images of held-out training identities, or None to keep the last epoch.
        augmented: reads training images.
        description: of the model, for deployment.
        freeze_batchnorm: whether BatchNorm statistics stay.
        space: features that are clustered, "pooled" or "embedding".
        workers: loader processes.
        save_every: epochs between checkpoints.
        data_digest: of the training data, to notice that it changed before a resume.
    """

    learning: Learning
    schedule: Schedule
    divider: Divider
    source: BatchSource
    train: Records
    validation: Records | None
    augmented: Reader
    description: Description
    freeze_batchnorm: bool
    space: str
    workers: int
    save_every: int
    data_digest: str


@dataclass
class Trainer:
    """Runs a plan in a run folder and tells a listener what happens.

    Attributes:
        plan: what to do.
        run: where results go.
        listen: called with every event, a mapping whose key "event" is "division", "step", "epoch" or "done".
        progress: how far it has come.
    """

    plan: Plan
    run: RunFolder
    listen: Listener
    progress: Progress = field(default_factory=Progress)

    def resume(self, *, accept_change: bool = False) -> None:
        """Take up the state of the run folder's checkpoint.

        Args:
            accept_change: whether the training data may be others than those it was made with.

        Raises:
            MissingInputError: there is none.
            ArtefactError: it is damaged, or the training data changed and that is not accepted.
        """
        self.progress = restore(self.run, self.plan.learning, self.plan.data_digest, accept_change=accept_change)

    def train(self) -> Progress:
        """Train to the last epoch, leaving the best model in the run folder.

        Raises:
            TrainingDiverged: the loss is no longer a number.
            DataError: an image cannot be read, or a batch cannot be filled.
            TrainingInterrupted: Ctrl-C or SIGTERM where there is a checkpoint to go on from.
            KeyboardInterrupt: the same where there is none.
        """
        pin = self._device().type == "cuda"
        try:
            with Loader(self.plan.augmented, workers=self.plan.workers, pin=pin) as loader:
                for epoch in range(self.progress.epoch, self.plan.schedule.epochs):
                    self._epoch(epoch, loader)
        except KeyboardInterrupt:
            if not self.run.has_state():
                raise
            raise TrainingInterrupted(
                f"stopped in epoch {self.progress.epoch + 1}; go on with reid-train --resume --out {self.run.path}"
            ) from None
        best = {"best_epoch": self.progress.best_epoch, "best": self.progress.best, "images": self.progress.images}
        self._tell({"event": "done", **best})
        return self.progress

    def _epoch(self, epoch: int, loader: Loader) -> None:
        plan, started = self.plan, time.perf_counter()
        if plan.schedule.divides(epoch) or (
            self.progress.division is None and plan.schedule.draws_from_clusters(epoch)
        ):
            self._divide(epoch)
        divided = time.perf_counter() - started
        losses, images = self._steps(epoch, loader)
        self.progress.images += images
        seconds = time.perf_counter() - started
        score = self._validate(epoch)
        self.progress.epoch = epoch + 1
        if self.progress.epoch % plan.save_every == 0 or self.progress.epoch == plan.schedule.epochs:
            save(self.run, plan.learning, self.progress, plan.data_digest)
        self._tell(
            {
                "event": "epoch",
                "epoch": epoch,
                "epochs": plan.schedule.epochs,
                "stage": str(plan.schedule.stage(epoch)),
                "loss": float(np.mean(losses)),
                "images": images,
                "images_per_second": images / max(1e-9, seconds - divided),
                "seconds": time.perf_counter() - started,
                "division_seconds": divided,
                "validation": score,
                "best_epoch": self.progress.best_epoch,
            }
        )

    def _steps(self, epoch: int, loader: Loader) -> tuple[list[float], int]:
        plan, network = self.plan, self.plan.learning.network
        network.train()
        if plan.freeze_batchnorm:
            freeze_batchnorm(network.backbone)
        network.backbone.requires_grad_(requires_grad=not plan.schedule.backbone_rests(epoch))
        division = None if plan.schedule.stage(epoch) == Stage.FINETUNE else self.progress.division
        assignments = plan.source.batches(epoch, plan.schedule.division_epoch(epoch), division)
        losses: list[float] = []
        images, started = 0, time.perf_counter()
        for assignment, (task, batch) in zip(assignments, loader.batches([a.task for a in assignments]), strict=True):
            plan.learning.set_rate(plan.schedule.learning_rate_factor(epoch, task.step / len(assignments)))
            losses.append(self._step(assignment, batch, task.rows))
            images += len(task.rows)
            speed = images / (time.perf_counter() - started)
            now = {"epoch": epoch, "step": task.step, "steps": len(assignments), "loss": losses[-1]}
            self.listen({"event": "step", **now, "images_per_second": speed})
        return losses, images

    def _step(self, assignment: Assignment, batch: torch.Tensor, rows: NDArray[np.int64]) -> float:
        device, task = self._device(), assignment.task
        learner = assignment.cluster if self.plan.schedule.stage(task.epoch) == Stage.DIVIDE else None
        labels = torch.from_numpy(self.plan.train.identities[rows]).to(device, non_blocking=True)
        images = batch.to(device, non_blocking=True)
        return self.plan.learning.step(
            images, labels, torch.from_numpy(rows).to(device), (task.epoch, task.step), learner
        )

    def _divide(self, epoch: int) -> None:
        plan, previous, started = self.plan, self.progress.division, time.perf_counter()
        features = self._features(plan.train, plan.space)
        extracted = time.perf_counter() - started
        division = plan.divider.divide(features, plan.train.identities, epoch // plan.schedule.every, previous)
        self.progress.division = division
        self.run.write_division(epoch, division)
        self._tell(
            {
                "event": "division",
                "epoch": epoch,
                "sizes": division.sizes(),
                "identities": [
                    len(np.unique(plan.train.identities[division.clusters == k])) for k in range(division.learners)
                ],
                "sitting_out": division.sitting_out(),
                "agreement": None if previous is None else _agreement(previous, division),
                "merged": division.merged,
                "retries": division.retries,
                "feature_seconds": extracted,
                "seconds": time.perf_counter() - started,
            }
        )

    def _features(self, records: Records, space: str) -> NDArray[np.float32]:
        plan = self.plan
        reader = Reader(
            records.files(), Fixed(transform(plan.description)), max_megapixels=plan.augmented.max_megapixels
        )
        inference = Inference(space, bf16=plan.learning.bf16)
        return run_over(reader, plan.learning.network, self._device(), inference, workers=plan.workers)

    def _validate(self, epoch: int) -> float | None:
        """Mean average precision on the held-out identities; the model is kept when it is the best so far."""
        held_out, score = self.plan.validation, None
        if held_out is not None:
            report = all_vs_all(Embeddings(self._features(held_out, "embedding"), held_out), nmi_seeds=0)
            score = (
                report.mAP or 0.0
            )  # None, where no held-out identity has two images, cannot be: `hold_out` saw to it
        if score is None or score > self.progress.best:
            self.progress.best = self.progress.best if score is None else score
            self.progress.best_epoch = epoch
            save_model(self.run.path, self.plan.learning.network, self.plan.description)
        return score

    def _device(self) -> torch.device:
        return self.plan.learning.network.mean.device

    def _tell(self, event: Mapping[str, Any]) -> None:
        self.run.log(event)
        self.listen(event)


def _agreement(previous: Division, now: Division) -> float:
    both = (previous.clusters >= 0) & (now.clusters >= 0)
    return normalised_mutual_information(previous.clusters[both], now.clusters[both])
