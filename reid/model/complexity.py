"""How much there is to compute for one picture."""

from typing import Any

import torch
from torch import Tensor, nn

from reid.model.embedder import EmbeddingNetwork


def multiply_adds(network: EmbeddingNetwork, size: tuple[int, int]) -> int:
    """Multiplications, each with its addition, of all convolutions and linear layers for one picture: half its FLOPs.

    What else a network does (normalisation, activations, pooling) is left out, as in the literature's figures. A
    training step takes about three times as many.

    Args:
        network: stays as it is; a picture is passed through it once.
        size: (height, width) of the picture.
    """
    found: list[int] = []

    def count(layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        weight = layer.weight
        if isinstance(weight, Tensor):  # one product of each output with the weights that lead to it
            found.append(output.numel() * (weight.numel() // weight.shape[0]))

    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    modes = {module: module.training for module in network.modules()}
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, *size, 3, dtype=torch.uint8, device=network.mean.device))
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes.items():
            module.training = training
    return sum(found)
