"""The optimiser of a run: which parameters learn how fast, and how precisely the network multiplies."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from reid.model.divide import DivideAndConquer
from reid.model.embedder import EmbeddingNetwork


class Rate(NamedTuple):
    """Learning rate and weight decay of a group of parameters."""

    lr: float
    weight_decay: float


class GroupRates(NamedTuple):
    """Of each group there is: the backbone, what follows it, what the loss learns, and learned subspaces."""

    backbone: Rate
    layer: Rate
    loss: Rate
    masks: Rate


def build_optimiser(
    name: str, network: EmbeddingNetwork, criterion: DivideAndConquer, rates: GroupRates
) -> torch.optim.Optimizer:
    """An optimiser of the network and of whatever the loss learns.

    Its groups have a "name", one of the fields of `GroupRates`, and their own "base_lr"; empty ones are left out.

    Args:
        name: "adam", "adamw" or "sgd" (momentum 0.9).
        network: the model.
        criterion: the loss.
        rates: of the groups.
    """
    masks = list(criterion.subspaces.parameters())
    parts = {
        "backbone": list(network.backbone.parameters()),
        "layer": _without(network.parameters(), network.backbone.parameters()),
        "loss": _without(criterion.parameters(), masks),
        "masks": masks,
    }
    groups: list[dict[str, Any]] = [
        {"params": parameters, "name": group, "lr": rate.lr, "base_lr": rate.lr, "weight_decay": rate.weight_decay}
        for (group, parameters), rate in zip(parts.items(), rates, strict=True)
        if parameters
    ]
    optimisers: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": partial(torch.optim.Adam, fused=True),
        "adamw": partial(torch.optim.AdamW, fused=True),
        "sgd": partial(torch.optim.SGD, momentum=0.9, fused=True),
    }
    return optimisers[name](groups)


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """The type a network multiplies in: what a `train.precision` means on a device.

    "auto" is bfloat16 where the hardware multiplies it natively, else float32.
    """
    if wanted != "auto":
        return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[wanted]
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device.type == "cpu" and torch.cpu._is_amx_tile_supported()  # noqa: SLF001  no public name for it
    return torch.bfloat16 if native else torch.float32


def _without(parameters: Iterable[nn.Parameter], others: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    left_out = {id(parameter) for parameter in others}
    return [parameter for parameter in parameters if id(parameter) not in left_out]
