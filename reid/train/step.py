"""One step of the optimiser."""

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from reid import rng
from reid.model.divide import DivideAndConquer
from reid.model.embedder import EmbeddingNetwork
from reid.model.losses import active_pairs
from reid.model.subspaces import first_occurrences, inherit
from reid.train.group import Group

_SMALLEST_SCALE = 1e-3  # of a loss in half precision: with less, no gradient would be left to save


class Batch(NamedTuple):
    """What a learner is shown at once.

    Attributes:
        images: (B, H, W, 3) uint8, on the network's device; of several processes, (B / W, H, W, 3), its own share.
        labels: (B,) int64 identities, there too.
        rows: (B,) int64 place of each image in the training set, on the CPU; a repeated one counts once in the loss.
        position: (epoch, step).
        learner: whose subspace is trained; None trains the whole embedding.
        cluster: whose images they are; None where they come from the whole training set.
    """

    images: Tensor
    labels: Tensor
    rows: Tensor
    position: tuple[int, int]
    learner: int | None
    cluster: int | None = None


class Outcome(NamedTuple):
    """What came of a step.

    Attributes:
        losses: of each batch.
        active: of each batch, number of pairs with a loss above zero; None where the loss does not count them.
        steepness: norm of the whole gradient, before it was clipped.
        stepped: whether weights were changed; they are not where a number is NaN or infinite.
        rescaled: whether that was half precision's doing, in which the next step scales its loss less.
    """

    losses: list[float]
    active: list[Tensor | None]
    steepness: float
    stepped: bool
    rescaled: bool = False


@dataclass(frozen=True)
class Learning:
    """What a step changes.

    Attributes:
        network: the model.
        criterion: the divided loss.
        optimiser: of the parameters of both.
        seed: of the run.
        precision: what the network multiplies in; the loss is always float32.
        clip: largest norm of the gradient; None does not clip.
        average: moving average of the network's weights, or None.
        scaler: of the loss in half precision, or None.
        forward: called in place of `network.before_neck`, which it is but for being compiled or shared by processes; or None.
        group: the processes of the run.
    """

    network: EmbeddingNetwork
    criterion: DivideAndConquer
    optimiser: torch.optim.Optimizer
    seed: int
    precision: torch.dtype = torch.float32
    clip: float | None = None
    average: AveragedModel | None = None
    scaler: torch.amp.GradScaler | None = None
    forward: Callable[[Tensor], Tensor] | None = None
    group: Group = field(default_factory=Group)

    @property
    def deployed(self) -> EmbeddingNetwork:
        """The network that is validated and kept: the average where there is one."""
        if self.average is None:
            return self.network
        return cast("EmbeddingNetwork", self.average.module)

    def step(self, batches: Sequence[Batch]) -> Outcome:
        """One step on the mean loss of some batches, usually one.

        All chance in it (dropout, the loss's draws) follows from the seed and the positions; dropout also from the
        process, for each has other images, while all draw alike for the loss of the whole batch. Where the loss or the
        gradient is not finite nothing changes, statistics of BatchNorm included.
        """
        self.optimiser.zero_grad(set_to_none=True)
        kept = self._keep_statistics()
        with self.group.watched():
            found = [self._backward(batch, number, len(batches)) for number, batch in enumerate(batches, 1)]
        losses, active = zip(*found, strict=True)
        if self.scaler is not None:
            self.scaler.unscale_(self.optimiser)
        parameters = [p for group in self.optimiser.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        *values, steepness = torch.stack([*losses, norm]).tolist()  # the GPU is waited for once
        finite = all(math.isfinite(value) for value in values)
        if not (finite and math.isfinite(steepness)):
            return Outcome(values, list(active), steepness, stepped=False, rescaled=self._give_up(kept, finite=finite))
        if self.clip is not None:
            torch.nn.utils.clip_grads_with_norm_(parameters, self.clip, norm)
        self._update()
        return Outcome(values, list(active), steepness, stepped=True)

    def loss(self, batch: Batch) -> Tensor:
        """The scalar loss of a batch, with its graph."""
        before, labels = self.group.gather(self._before_neck(batch)), batch.labels
        once = first_occurrences(batch.rows)
        if not bool(once.all()):
            places = once.nonzero().squeeze(1).to(before.device)
            before, labels = before[places], labels[places]
        before = before.float()
        torch.manual_seed(rng.number(self.seed, "loss", *batch.position))
        if self.network.architecture.neck == "none":
            loss: Tensor = self.criterion(before, labels, batch.learner)
        else:  # here, as the loss, of the whole batch on every process
            loss = self.criterion(self.network.neck(before), labels, batch.learner, before=before)
        return loss

    def set_rates(self, factor: float, *, backbone_rests: bool = False) -> None:
        """Make every learning rate `factor` times what it is in the settings, and the backbone's 0 where it rests."""
        for group in self.optimiser.param_groups:
            rests = backbone_rests and group["name"] == "backbone"
            group["lr"] = 0.0 if rests else group["base_lr"] * factor

    def grow(self, learners: int) -> None:
        """Split subspaces until there are `learners`; what the optimiser knows of a parent, its children inherit.

        Raises:
            ConfigError: that many cannot be had by splitting those there are.
        """
        before = self.criterion.subspaces.learners
        if not self.criterion.grow(learners):
            return
        for masks in self.criterion.subspaces.parameters():
            known = [value for value in self.optimiser.state.get(masks, {}).values() if value.shape == masks.shape]
            for value in known:
                parents = before
                while parents < learners:
                    inherit(value, parents)
                    parents *= 2

    def _before_neck(self, batch: Batch) -> Tensor:
        torch.manual_seed(rng.number(self.seed, "step", *batch.position, self.group.rank))
        half = self.precision != torch.float32
        with torch.autocast(batch.images.device.type, dtype=self.precision if half else None, enabled=half):
            vectors: Tensor = (self.network.before_neck if self.forward is None else self.forward)(batch.images)
        return vectors

    def _backward(self, batch: Batch, number: int, count: int) -> tuple[Tensor, Tensor | None]:
        with contextlib.nullcontext() if number == count else self.group.unfinished(self.forward):
            loss = self.loss(batch)
            part = loss if count == 1 else loss / count
            (part if self.scaler is None else self.scaler.scale(part)).backward()  # type: ignore[no-untyped-call]
        return loss.detach(), active_pairs(self.criterion.loss)

    def _update(self) -> None:
        if self.scaler is None:
            self.optimiser.step()
        else:
            self.scaler.step(self.optimiser)
            self.scaler.update()
        if self.average is not None:
            self.average.update_parameters(self.network)

    def _keep_statistics(self) -> list[Tensor]:
        return [buffer.clone() for buffer in self._statistics()]

    def _statistics(self) -> list[Tensor]:
        """What a forward pass changes: buffers of the normalising layers that are not frozen."""
        return [
            buffer for module in self.network.modules() if module.training for buffer in module.buffers(recurse=False)
        ]

    def _give_up(self, kept: list[Tensor], *, finite: bool) -> bool:
        """Undo what the forward pass changed; whether half precision is to blame and may be tried with another scale."""
        for buffer, value in zip(self._statistics(), kept, strict=True):
            buffer.copy_(value)
        if self.scaler is None:
            return False
        self.scaler.update()
        return finite and self.scaler.get_scale() >= _SMALLEST_SCALE
