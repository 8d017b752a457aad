"""Runs of a few steps on a few pictures, by any number of processes: what they read, lose and learn."""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import small_runs
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reid.cli.learning import shared
from reid.data.loader import Pixels, Reader, Task
from reid.data.transforms import Augmentation, TrainTransform
from reid.errors import TrainingInterrupted
from reid.model.divide import DivideAndConquer
from reid.records import Records
from reid.train.batches import BatchSource
from reid.train.group import Group
from reid.train.optimising import build_optimiser
from reid.train.plan import Plan
from reid.train.run_folder import RunFolder
from reid.train.stopping import Stopping
from reid.train.trainer import Trainer

Ids = list[tuple[int, int, int, list[int]]]
IDENTITIES, EPOCHS = 4, 3


class ClassVectors(nn.Module):
    """Softmax over the cosines to one learned vector for each class, seen through the learner's subspace."""

    def __init__(self, classes: int, dimension: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(classes, dimension, generator=torch.Generator().manual_seed(0)))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss without a subspace."""
        return self.through(embeddings, labels, lambda vectors: vectors)

    def through(self, embeddings: Tensor, labels: Tensor, view: Callable[[Tensor], Tensor]) -> Tensor:
        """The loss of a subspace."""
        vectors = nn.functional.normalize(view(self.vectors), dim=1)
        return nn.functional.cross_entropy(8 * embeddings @ vectors.T, labels)


@dataclass(frozen=True)
class Noting(Reader):
    """Keeps what it was asked to read: epoch, step, place in the batch and rows."""

    notes: Ids = field(default_factory=list)

    def batch(self, task: Task, *begin: Callable[[int], None]) -> Pixels:
        """See `Reader.batch`."""
        self.notes.append((task.epoch, task.step, task.first, task.rows.tolist()))
        return super().batch(task, *begin)


@dataclass(frozen=True)
class Kind:
    """What is special about a run.

    Attributes:
        loss: "margin" or "classes".
        subspaces: "fixed" or "learned".
        doubling: whether learners double.
        rest: epochs after a division in which the backbone rests.
        accumulate: batches in a step.
        ema: decay of averaged weights, or 0.
        optimiser: "sgd" or "adam".
    """

    loss: str = "margin"
    subspaces: str = "fixed"
    doubling: bool = False
    rest: int = 0
    accumulate: int = 1
    optimiser: str = "sgd"


@dataclass(frozen=True)
class Ran:
    """What a process did.

    Attributes:
        ids: what it read.
        losses: (epoch, step, loss) of every step.
        weights: of network and loss, flattened, in order.
        stopped: the message with which it was stopped; None if it came to the end.
        at: the epoch and step it came to.
    """

    ids: Ids
    losses: list[tuple[int, int, float]]
    weights: NDArray[np.float32]
    stopped: str | None
    at: tuple[int, int]


@dataclass
class Act:
    """A listener that does something to its process after one step.

    Attributes:
        what: "stop" as if asked to, a signal to send itself, a function to call, or None.
        at: (epoch, step).
        rank: the process that does it.
    """

    what: str | signal.Signals | Callable[[object], None] | None = None
    at: tuple[int, int] = (0, 0)
    rank: int = 0
    me: int = 0
    stopping: Stopping = field(default_factory=Stopping)
    losses: list[tuple[int, int, float]] = field(default_factory=list)

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Hear one event."""
        if event["event"] != "step":
            return
        self.losses.append((event["epoch"], event["step"], event["loss"]))
        if (event["epoch"], event["step"]) == self.at and self.rank == self.me:
            if self.what == "stop":
                self.stopping.request()
            elif isinstance(self.what, signal.Signals):
                os.kill(os.getpid(), self.what)
            elif callable(self.what):
                self.what(event)


def shared_plan(group: Group, data: tuple[Records, Records], kind: Kind) -> Plan:
    """A run of three epochs, one in each stage, for a process of `group`: batches of 4 identities x 3 images of 16
    pixels, frozen BatchNorm statistics."""
    train, validation = data
    plan = small_runs.plan(train, validation, epochs=EPOCHS, subspaces=kind.subspaces, doubling=kind.doubling)
    network = plan.learning.network
    network.dropout.p = 0.0  # each process drops other features
    learning = plan.learning
    if kind.loss == "classes":
        classes = ClassVectors(len(np.unique(train.identities)), 16)
        criterion = DivideAndConquer(
            classes, dimension=16, learners=2, subspaces=kind.subspaces, start=1 if kind.doubling else None
        )
        learning = replace(learning, criterion=criterion)
    optimiser = build_optimiser(kind.optimiser, network, learning.criterion, small_runs.rates_of(0.0003))
    learning = shared(replace(learning, optimiser=optimiser), group)
    return replace(
        plan,
        learning=learning,
        schedule=replace(plan.schedule, every=1, conquer_from=1, finetune_from=2, freeze_backbone=kind.rest),
        description=replace(plan.description, image_size=(16, 16)),
        divider=replace(plan.divider, identities_needed=IDENTITIES),
        source=BatchSource(train.identities, IDENTITIES, 3, 0),
        augmented=Noting(plan.augmented.paths, TrainTransform((16, 16), Augmentation(crop="pad", flip=0.5)), 0),
        freeze_batchnorm=True,
        accumulate=kind.accumulate,
    )


def ran(
    group: Group,
    folder: Path,
    data: tuple[Records, Records],
    kind: Kind = Kind(),
    act: Act = Act(),  # noqa: B008  copied below
    *,
    resume: bool = False,
    save_minutes: float = 10.0,
) -> Ran:
    """Train, or go on, as a process of `group`."""
    folder.mkdir(exist_ok=True)
    plan = replace(shared_plan(group, data, kind), save_minutes=save_minutes)
    listener, stopped = Act(act.what, act.at, act.rank, group.rank), None
    trainer = Trainer(plan, RunFolder(folder), listener, stopping=listener.stopping)
    if resume:
        trainer.resume()
    try:
        trainer.train()
    except TrainingInterrupted as error:
        if group.world > 1 and "another process" in str(error):
            raise
        stopped = str(error)
    assert isinstance(plan.augmented, Noting)
    progress = trainer.progress
    return Ran(plan.augmented.notes, listener.losses, _weights(plan), stopped, (progress.epoch, progress.step))


def untrained(group: Group, data: tuple[Records, Records], kind: Kind) -> NDArray[np.float32]:
    """The weights that a run begins with."""
    return _weights(shared_plan(group, data, kind))


def _weights(plan: Plan) -> NDArray[np.float32]:
    learning = plan.learning
    learned = [*learning.deployed.parameters(), *learning.deployed.buffers(), *learning.criterion.parameters()]
    return np.concatenate([value.detach().flatten().float().numpy() for value in learned])


def whole_ids(every: list[Ran]) -> Ids:
    """What all processes read together, in the order of places in a batch."""
    parts = sorted(note for one in every for note in one.ids)
    together: dict[tuple[int, int], list[int]] = {}
    for epoch, step, first, rows in parts:
        batch = together.setdefault((epoch, step), [])
        assert len(batch) == first
        batch += rows
    return [(*position, 0, rows) for position, rows in sorted(together.items())]
