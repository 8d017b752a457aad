"""From a feature map to the embedding layer's output."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from reid.model.subspaces import slice_of


class GeneralisedMean(nn.Module):
    """Generalised-mean pooling with a learned exponent (Radenovic et al., PAMI 2019); p = 1 is the average."""

    def __init__(self) -> None:
        super().__init__()
        self.exponent = nn.Parameter(torch.tensor(3.0))

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) feature maps -> (B, C)."""
        powers = maps.float().clamp(min=1e-6) ** self.exponent
        return powers.mean(dim=(2, 3)) ** (1.0 / self.exponent)


class Average(nn.Module):
    """Mean over the feature map."""

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) feature maps -> (B, C)."""
        return maps.mean(dim=(2, 3))


class Maximum(nn.Module):
    """Maximum over the feature map."""

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, H, W) feature maps -> (B, C)."""
        return maps.amax(dim=(2, 3))


POOLING: dict[str, Callable[[], nn.Module]] = {
    "average": Average,
    "max": Maximum,
    "generalised-mean": GeneralisedMean,
}
"""Poolings by name."""


def embedding_layer(channels: int, dimension: int, learners: int) -> nn.Linear:
    """The linear layer from pooled features to the embedding, each learner's slice initialised as a layer of its own.

    Args:
        channels: C, length of a pooled feature.
        dimension: d, length of the embedding.
        learners: K, a divisor of d.

    Raises:
        ConfigError: K does not divide d.
    """
    layer = nn.Linear(channels, dimension)
    for learner in range(learners):
        nn.init.xavier_uniform_(layer.weight[slice_of(learner, learners, dimension)])
    nn.init.zeros_(layer.bias)
    return layer
