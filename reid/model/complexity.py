"""How much there is to compute for one picture."""

import torch

from reid.model.embedder import EmbeddingNetwork


def multiply_adds(network: EmbeddingNetwork, size: tuple[int, int]) -> int:
    """Multiplications, each with its addition, of all matrix products for one picture: half its FLOPs.

    Convolutions, linear layers and attention. What else a network does (normalisation, activations, pooling) is left out,
    as in the literature's figures. A training step takes about three times as many.

    Args:
        network: stays as it is; a picture is passed through it once.
        size: (height, width) of the picture.
    """
    from torch.utils.flop_counter import FlopCounterMode

    modes = {module: module.training for module in network.modules()}
    counter = FlopCounterMode(display=False)
    try:
        with torch.inference_mode(), counter:
            network.eval()(torch.zeros(1, *size, 3, dtype=torch.uint8, device=network.mean.device))
    finally:
        for module, training in modes.items():
            module.training = training
    return int(counter.get_total_flops()) // 2
