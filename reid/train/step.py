"""One step of the optimiser."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from reid import rng
from reid.errors import TrainingDiverged
from reid.model.divide import DivideAndConquer
from reid.model.embedder import EmbeddingNetwork
from reid.model.subspaces import first_occurrences


@dataclass(frozen=True)
class Learning:
    """What a step changes.

    Attributes:
        network: the model.
        criterion: the divided loss.
        optimiser: of the parameters of both.
        seed: of the run.
        bf16: whether the network multiplies in bfloat16; the loss never does.
    """

    network: EmbeddingNetwork
    criterion: DivideAndConquer
    optimiser: torch.optim.Optimizer
    seed: int
    bf16: bool

    def step(
        self, images: Tensor, labels: Tensor, rows: Tensor, position: tuple[int, int], learner: int | None
    ) -> float:
        """One step; returns the loss.

        All chance in it (dropout, the loss's draws) follows from the seed and the position.

        Args:
            images: (B, H, W, 3) uint8, on the network's device.
            labels: (B,) int64 identities, there too.
            rows: (B,) int64 place of each image in the training set; a repeated one counts once in the loss.
            position: (epoch, step).
            learner: whose slice is trained; None trains the whole embedding.

        Raises:
            TrainingDiverged: the loss or its gradient is NaN or infinite; no weight was changed.
        """
        torch.manual_seed(rng.number(self.seed, "step", *position))
        with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            raw = self.network.raw(images)
        once = first_occurrences(rows)
        if not bool(once.all()):
            raw, labels = raw[once], labels[once]
        loss: Tensor = self.criterion(raw.float(), labels, learner)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        value, steepness = torch.stack([loss.detach(), self._gradient_norm()]).tolist()  # the GPU is waited for once
        if not (math.isfinite(value) and math.isfinite(steepness)):
            raise TrainingDiverged(
                f"the loss is {value} and the norm of its gradient {steepness} in epoch {position[0] + 1}, "
                f"batch {position[1] + 1}, learner {learner}; lower train.lr (a checkpoint, if there is one, is from before)"
            )
        self.optimiser.step()
        return float(value)

    def _gradient_norm(self) -> Tensor:
        parameters = [parameter for group in self.optimiser.param_groups for parameter in group["params"]]
        return torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])

    def set_rate(self, factor: float) -> None:
        """Make every learning rate `factor` times what it is in the settings."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["base_lr"] * factor


def build_optimiser(
    name: str, network: torch.nn.Module, criterion: torch.nn.Module, *, lr: float, weight_decay: float
) -> torch.optim.Optimizer:
    """An optimiser of the network and of whatever the loss learns, which is never decayed.

    Args:
        name: "adam", "adamw" or "sgd" (momentum 0.9).
        network: the model.
        criterion: the loss.
        lr: learning rate.
        weight_decay: on the network's parameters.
    """
    groups: list[dict[str, Any]] = [{"params": list(network.parameters()), "weight_decay": weight_decay}]
    if own := list(criterion.parameters()):
        groups.append({"params": own, "weight_decay": 0.0})
    optimisers: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "sgd": partial(torch.optim.SGD, momentum=0.9),
    }
    optimiser = optimisers[name](groups, lr=lr)
    for group in optimiser.param_groups:
        group["base_lr"] = lr
    return optimiser


def runs_bf16(precision: str, device: torch.device) -> bool:
    """Whether a `train.precision` means bfloat16 on a device; "auto" does where the hardware multiplies it natively."""
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu._is_amx_tile_supported())  # noqa: SLF001  no public name for it
