"""The network that is trained and deployed: uint8 pictures in, unit vectors out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from reid.errors import ConfigError
from reid.model.backbone import build_backbone
from reid.model.head import CLASS_TOKEN, NECKS, POOLING, embedding_layer
from reid.model.subspaces import NORMALISE
from reid.model.weights import load_weights

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
        last_stride: of a ResNet, see `build_backbone`.
        layer: "linear" or "none", see `head.embedding_layer`.
        neck: see `head.NECKS`.
        image_size: (height, width) that the backbone is built for, see `build_backbone`; None is its own.
    """

    backbone: str
    dimension: int
    learners: int
    pooling: str = "average"
    normalise: str = "slices"
    dropout: float = 0.0
    mean: tuple[float, float, float] = IMAGENET_MEAN
    deviation: tuple[float, float, float] = IMAGENET_DEVIATION
    last_stride: int = 2  # models of earlier versions lack this and what follows
    layer: str = "linear"
    neck: str = "none"
    image_size: tuple[int, int] | None = None


class EmbeddingNetwork(nn.Module):
    """Backbone, pooling, dropout, embedding layer, neck, normalisation.

    Attributes:
        layout: how the backbone lays out its features.
        notes: where its weights come from, a sentence each.

    Args:
        architecture: what to build.
        weights: where it starts from: "random", "pretrained" (the backbone's published weights), or a file or run, see
            `load_weights`.
        partial: whether a file of weights may lack some of the backbone's.

    Raises:
        ConfigError: no such backbone, K does not divide d, or parts do not fit each other.
        MissingInputError: the backbone's weights cannot be had.
        ArtefactError: the file of weights is another network's.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, architecture: Architecture, weights: str = "random", *, partial: bool = False) -> None:
        super().__init__()
        self.architecture = architecture
        found = build_backbone(
            architecture.backbone,
            size=architecture.image_size,
            last_stride=architecture.last_stride,
            pretrained=weights == "pretrained",
        )
        self.backbone, self.layout, self.notes = found.network, found.layout, found.notes
        self.channels = found.layout.channels
        if architecture.pooling == CLASS_TOKEN and not found.layout.prefix:
            raise ConfigError(
                f"model.pooling: {architecture.backbone} has no class token; use average, max or generalised-mean"
            )
        self.pool = POOLING[architecture.pooling]()
        self.dropout = nn.Dropout(architecture.dropout)
        self.layer = embedding_layer(
            self.channels, architecture.dimension, architecture.learners, kind=architecture.layer
        )
        self.neck = NECKS[architecture.neck](architecture.dimension)
        self.register_buffer("mean", _per_channel(architecture.mean))
        self.register_buffer("deviation", _per_channel(architecture.deviation))
        if weights not in {"random", "pretrained"}:
            self.notes += load_weights(self, Path(weights), partial=partial)

    def pooled(self, images: Tensor) -> Tensor:
        """(B, H, W, 3) uint8 RGB images -> (B, C) float32 pooled features of the backbone."""
        features: Tensor = self.backbone(self.normalised(images))
        if self.architecture.pooling != CLASS_TOKEN:
            features = self.layout.maps(features)
        pooled: Tensor = self.pool(features)
        return pooled.float()

    def normalised(self, images: Tensor) -> Tensor:
        """(B, H, W, 3) uint8 RGB images -> (B, 3, H, W) float32, less the mean, over the deviation; channels-last in memory."""
        batch, height, width, channels = images.shape
        # A whole row of pixels at once: with three numbers as the innermost dimension it takes three times as long.
        rows = images.reshape(batch * height, width * channels).float()
        rows = rows.sub_(self.mean.reshape(-1).repeat(width)).div_(self.deviation.reshape(-1).repeat(width))
        return rows.reshape(batch, height, width, channels).permute(0, 3, 1, 2)

    def before_neck(self, images: Tensor) -> Tensor:
        """(B, H, W, 3) uint8 RGB images -> (B, d) float32 output of the embedding layer."""
        vectors: Tensor = self.layer(self.dropout(self.pooled(images)))
        return vectors.float()

    def raw(self, images: Tensor) -> Tensor:
        """(B, H, W, 3) uint8 RGB images -> (B, d) float32 vectors after the neck, before normalisation."""
        vectors: Tensor = self.neck(self.before_neck(images))
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
