"""The network that is trained and deployed: uint8 pictures in, unit vectors out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reid.model.backbone import build_backbone
from reid.model.head import POOLING, embedding_layer
from reid.model.subspaces import NORMALISE

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Architecture:
    """Everything but the weights that is needed to build the network again.

    Attributes:
        backbone: name, see `build_backbone`.
        dimension: d, length of the embedding.
        learners: K, number of slices.
        pooling: see `head.POOLING`.
        normalise: see `subspaces.NORMALISE`.
        dropout: share of pooled features dropped in training.
        mean: of the pixels, RGB, in 0..1.
        deviation: standard deviation of the pixels, RGB, in 0..1.
    """

    backbone: str
    dimension: int
    learners: int
    pooling: str = "average"
    normalise: str = "slices"
    dropout: float = 0.0
    mean: tuple[float, float, float] = IMAGENET_MEAN
    deviation: tuple[float, float, float] = IMAGENET_DEVIATION


class EmbeddingNetwork(nn.Module):
    """Backbone, pooling, dropout, embedding layer, normalisation.

    Args:
        architecture: what to build.
        weights: where the backbone starts from, see `build_backbone`.

    Raises:
        ConfigError: no such backbone, or K does not divide d.
        MissingInputError: the backbone's weights cannot be had.
        ArtefactError: the file of weights is another network's.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, architecture: Architecture, weights: str = "random") -> None:
        super().__init__()
        self.architecture = architecture
        self.backbone, self.channels = build_backbone(architecture.backbone, weights)
        self.pool = POOLING[architecture.pooling]()
        self.dropout = nn.Dropout(architecture.dropout)
        self.layer = embedding_layer(self.channels, architecture.dimension, architecture.learners)
        self.register_buffer("mean", _per_channel(architecture.mean))
        self.register_buffer("deviation", _per_channel(architecture.deviation))

    def pooled(self, images: Tensor) -> Tensor:
        """(B, H, W, 3) uint8 RGB images -> (B, C) float32 pooled features of the backbone."""
        features: Tensor = self.pool(self.backbone(self.normalised(images)))
        return features.float()

    def normalised(self, images: Tensor) -> Tensor:
        """(B, H, W, 3) uint8 RGB images -> (B, 3, H, W) float32, less the mean, over the deviation; channels-last in memory."""
        batch, height, width, channels = images.shape
        # A whole row of pixels at once: with three numbers as the innermost dimension it takes three times as long.
        rows = images.reshape(batch * height, width * channels).float()
        rows = rows.sub_(self.mean.reshape(-1).repeat(width)).div_(self.deviation.reshape(-1).repeat(width))
        return rows.reshape(batch, height, width, channels).permute(0, 3, 1, 2)

    def raw(self, images: Tensor) -> Tensor:
        """(B, H, W, 3) uint8 RGB images -> (B, d) float32 output of the embedding layer, before normalisation."""
        vectors: Tensor = self.layer(self.dropout(self.pooled(images)))
        return vectors.float()

    def forward(self, images: Tensor) -> Tensor:
        """(B, H, W, 3) uint8 RGB images -> (B, d) float32 embeddings of unit length."""
        return NORMALISE[self.architecture.normalise](self.raw(images), self.architecture.learners)


def freeze_batchnorm(network: nn.Module) -> None:
    """Put every BatchNorm of `network` in evaluation mode, so that its statistics stay; scale and shift still learn.

    To be called after every `network.train()`, which undoes it.
    """
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001  the common base has no public name
            module.eval()


def _per_channel(values: Sequence[float]) -> Tensor:
    return torch.tensor(values).mul(255.0).reshape(1, 3, 1, 1)
