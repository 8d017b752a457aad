"""The training loop: divide, train, validate, save, epoch after epoch."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reid.data.loader import Loader, Reader
from reid.embed import Fixed, run_over, transform
from reid.errors import ArtefactError
from reid.evaluation.clustering import normalised_mutual_information
from reid.evaluation.protocols import all_vs_all
from reid.model.embedder import EmbeddingNetwork, freeze_batchnorm
from reid.model.store import Description, save_model
from reid.records import Embeddings, Records
from reid.train.batches import Assignment, BatchSource
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
class Progress:
    """How far a run has come: what a checkpoint holds besides tensors.

    Attributes:
        epoch: the next one.
        division: in force, or None.
        divided: the epoch before which it was made.
        best: best validation score so far.
        best_epoch: when.
        images: number of images trained on so far.
    """

    epoch: int = 0
    division: Division | None = None
    divided: int = 0
    best: float = -1.0
    best_epoch: int = -1
    images: int = 0


@dataclass
class Trainer:
    """Runs a plan in a run folder and tells a listener what happens.

    Attributes:
        plan: what to do.
        run: where results go.
        listen: called with every event, a flat mapping with a key "event": "division", "step", "epoch", "done".
        progress: how far it has come.
    """

    plan: Plan
    run: RunFolder
    listen: Listener
    progress: Progress = field(default_factory=Progress)

    def train(self) -> Progress:
        """Train to the last epoch, leaving the best model in the run folder.

        Raises:
            TrainingDiverged: the loss is no longer a number.
            DataError: an image cannot be read, or a batch cannot be filled.
        """
        with torch.random.fork_rng(devices=[]):
            loader = Loader(self.plan.augmented, workers=self.plan.workers, pin=self._device().type == "cuda")
            for epoch in range(self.progress.epoch, self.plan.schedule.epochs):
                self._epoch(epoch, loader)
        self._tell(
            {
                "event": "done",
                "best_epoch": self.progress.best_epoch,
                "best": self.progress.best,
                "images": self.progress.images,
            }
        )
        return self.progress

    def resume(self) -> None:
        """Take up the state of the run folder's checkpoint.

        Raises:
            MissingInputError: there is none.
            ArtefactError: it is damaged, or the training data are not those it was made with.
        """
        state = self.run.read_state()
        if state["data"] != self.plan.data_digest:
            raise ArtefactError(
                f"the training data of {self.run.path} changed since its checkpoint (files, identities or sizes); start a new run"
            )
        self.plan.learning.network.load_state_dict(state["network"])
        self.plan.learning.criterion.load_state_dict(state["criterion"])
        self.plan.learning.optimiser.load_state_dict(state["optimiser"])
        clusters = state.pop("clusters")
        division = None if clusters is None else Division(clusters.numpy(), self.plan.schedule.learners)
        self.progress = Progress(division=division, **state["progress"])

    def _epoch(self, epoch: int, loader: Loader) -> None:
        started = time.perf_counter()
        self._divide(epoch)
        divided = time.perf_counter() - started
        losses, images = self._steps(epoch, loader)
        self.progress.images += images
        seconds = time.perf_counter() - started
        score = self._validate(epoch)
        self.progress.epoch = epoch + 1
        event = {
            "event": "epoch",
            "epoch": epoch,
            "epochs": self.plan.schedule.epochs,
            "stage": str(self.plan.schedule.stage(epoch)),
            "loss": float(np.mean(losses)),
            "images": images,
            "seconds": seconds,
            "division_seconds": divided,
            "validation_seconds": time.perf_counter() - started - seconds,
            "images_per_second": images / max(1e-9, seconds - divided),
            "validation": score,
            "best_epoch": self.progress.best_epoch,
        }
        if self.progress.epoch % self.plan.save_every == 0 or self.progress.epoch == self.plan.schedule.epochs:
            self._save()
        self._tell(event)

    def _steps(self, epoch: int, loader: Loader) -> tuple[list[float], int]:
        plan, learning = self.plan, self.plan.learning
        learning.network.train()
        if plan.freeze_batchnorm:
            freeze_batchnorm(learning.network.backbone)
        learning.network.backbone.requires_grad_(not plan.schedule.backbone_rests(epoch))
        division = self.progress.division if plan.schedule.stage(epoch) != Stage.FINETUNE else None
        assignments = plan.source.batches(epoch, plan.schedule.division_epoch(epoch), division)
        losses: list[float] = []
        images = 0
        started = time.perf_counter()
        for assignment, (task, batch) in zip(assignments, loader.batches(a.task for a in assignments), strict=True):
            self._set_rate(epoch, task.step / len(assignments))
            losses.append(self._step(assignment, batch, task.rows))
            images += len(task.rows)
            speed = images / (time.perf_counter() - started)
            self.listen(
                {
                    "event": "step",
                    "epoch": epoch,
                    "step": task.step,
                    "steps": len(assignments),
                    "loss": losses[-1],
                    "images_per_second": speed,
                }
            )
        return losses, images

    def _step(self, assignment: Assignment, batch: torch.Tensor, rows: NDArray[np.int64]) -> float:
        device, task = self._device(), assignment.task
        labels = torch.from_numpy(self.plan.train.identities[rows]).to(device, non_blocking=True)
        learner = assignment.cluster if self.plan.schedule.stage(task.epoch) == Stage.DIVIDE else None
        images = batch.to(device, non_blocking=True)
        return self.plan.learning.step(
            images, labels, torch.from_numpy(rows).to(device), (task.epoch, task.step), learner
        )

    def _set_rate(self, epoch: int, part: float) -> None:
        factor = self.plan.schedule.learning_rate_factor(epoch, part)
        for group in self.plan.learning.optimiser.param_groups:
            group["lr"] = group["base_lr"] * factor

    def _divide(self, epoch: int) -> None:
        if not self.plan.schedule.divides(epoch):
            return
        started = time.perf_counter()
        features = self._features(self.plan.train, _pooled if self.plan.space == "pooled" else _embedding)
        extracted = time.perf_counter() - started
        previous = self.progress.division
        division = self.plan.divider.divide(
            features, self.plan.train.identities, epoch // self.plan.schedule.every, previous
        )
        self.progress.division, self.progress.divided = division, epoch
        self.run.write_division(epoch, division)
        identities = [
            len(np.unique(self.plan.train.identities[division.clusters == k])) for k in range(division.learners)
        ]
        self._tell(
            {
                "event": "division",
                "epoch": epoch,
                "sizes": division.sizes().tolist(),
                "identities": identities,
                "sitting_out": division.sitting_out(),
                "agreement": None if previous is None else _agreement(previous, division),
                "merged": division.merged,
                "retries": division.retries,
                "feature_seconds": extracted,
                "seconds": time.perf_counter() - started,
            }
        )

    def _features(
        self, records: Records, function: Callable[[EmbeddingNetwork, torch.Tensor], torch.Tensor]
    ) -> NDArray[np.float32]:
        def infer(network: EmbeddingNetwork, batch: torch.Tensor) -> NDArray[np.float32]:
            bf16 = self.plan.learning.bf16
            with torch.inference_mode(), torch.autocast(batch.device.type, dtype=torch.bfloat16, enabled=bf16):
                made: NDArray[np.float32] = function(network, batch).float().cpu().numpy()
            return made

        reader = Reader(
            records.files(), Fixed(transform(self.plan.description)), max_megapixels=self.plan.augmented.max_megapixels
        )
        return run_over(reader, self.plan.learning.network, self._device(), infer, workers=self.plan.workers)

    def _validate(self, epoch: int) -> float | None:
        if self.plan.validation is None:
            self._keep(epoch)
            return None
        vectors = self._features(self.plan.validation, _embedding)
        score = all_vs_all(Embeddings(vectors, self.plan.validation), nmi_seeds=0).mean_average_precision
        if score > self.progress.best:
            self.progress.best = score
            self._keep(epoch)
        return score

    def _keep(self, epoch: int) -> None:
        self.progress.best_epoch = epoch
        save_model(self.run.path, self.plan.learning.network, self.plan.description)

    def _save(self) -> None:
        learning, progress = self.plan.learning, self.progress
        self.run.write_state(
            {
                "network": learning.network.state_dict(),
                "criterion": learning.criterion.state_dict(),
                "optimiser": learning.optimiser.state_dict(),
                "clusters": None if progress.division is None else torch.from_numpy(progress.division.clusters),
                "progress": {
                    name: getattr(progress, name) for name in ("epoch", "divided", "best", "best_epoch", "images")
                },
                "data": self.plan.data_digest,
            }
        )

    def _device(self) -> torch.device:
        return self.plan.learning.network.mean.device

    def _tell(self, event: Mapping[str, Any]) -> None:
        self.run.log(event)
        self.listen(event)


def _pooled(network: EmbeddingNetwork, batch: torch.Tensor) -> torch.Tensor:
    return network.pooled(batch)


def _embedding(network: EmbeddingNetwork, batch: torch.Tensor) -> torch.Tensor:
    made: torch.Tensor = network(batch)
    return made


def _agreement(previous: Division, now: Division) -> float:
    both = (previous.clusters >= 0) & (now.clusters >= 0)
    return normalised_mutual_information(previous.clusters[both], now.clusters[both])
