"""From a backbone's features to the vector that is normalised: pooling, embedding layer, neck."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from reid.errors import ConfigError
from reid.model.subspaces import slice_of

LAYERS = ("linear", "none")
"""Embedding layers by name."""
CLASS_TOKEN = "cls"  # noqa: S105  the name of a pooling
"""The pooling that is none: the class token of a transformer."""


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


class ClassToken(nn.Module):
    """The first token of a transformer, which stands for the whole picture."""

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T, C) tokens -> (B, C)."""
        return tokens[:, 0]


POOLING: dict[str, Callable[[], nn.Module]] = {
    "average": Average,
    "max": Maximum,
    "generalised-mean": GeneralisedMean,
    CLASS_TOKEN: ClassToken,
}
"""Poolings by name."""


def embedding_layer(channels: int, dimension: int, learners: int, *, kind: str = "linear") -> nn.Module:
    """From pooled features to the embedding: a linear layer, each learner's slice initialised as a layer of its own.

    Args:
        channels: C, length of a pooled feature.
        dimension: d, length of the embedding.
        learners: K, a divisor of d.
        kind: "linear", or "none": the pooled feature is the embedding.

    Raises:
        ConfigError: K does not divide d, or there is to be no layer and d is not C.
    """
    slice_of(0, learners, dimension)
    if kind == "none":
        if channels != dimension:
            raise ConfigError(
                f"model.dimension: got {dimension}, and without an embedding layer (model.layer: none) it is what the "
                f"backbone gives: set model.dimension={channels}, or model.layer=linear"
            )
        return nn.Identity()
    layer = nn.Linear(channels, dimension)
    for learner in range(learners):
        nn.init.xavier_uniform_(layer.weight[slice_of(learner, learners, dimension)])
    nn.init.zeros_(layer.bias)
    return layer


def _batchnorm(dimension: int) -> nn.Module:
    neck = nn.BatchNorm1d(dimension)
    neck.bias.requires_grad_(False)  # cosines are taken around the origin, where it is to leave the vectors
    return neck


NECKS: dict[str, Callable[[int], nn.Module]] = {"none": lambda _dimension: nn.Identity(), "batchnorm": _batchnorm}
"""Necks by name, for an embedding of length d: (B, d) -> (B, d). Each dimension is normalised on its own, so slices stay
apart. Batch normalisation with its shift fixed at zero is the BNNeck of Luo et al., CVPRW 2019."""
