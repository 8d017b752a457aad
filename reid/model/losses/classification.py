"""Losses that classify an image among learned vectors of all training identities."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from reid.config.kinds import Count, NotNegative, Positive
from reid.model.losses.base import ClassVectorLoss
from reid.model.losses.exponential import Angle, turned


class SoftmaxLoss(ClassVectorLoss):
    """Cross-entropy over the cosines between an image and all class vectors (Zhai and Wu, BMVC 2019).

    Args:
        classes: C, number of training identities.
        dimension: d, length of the embedding.
        scale: of cosines, before the softmax: one over the temperature.
        label_smoothing: share of the target that is spread over all classes (Szegedy et al., CVPR 2016).
    """

    def __init__(
        self,
        *,
        classes: int,
        dimension: int,
        scale: Positive = 20.0,
        label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__(classes, dimension)
        self.scale, self.label_smoothing = scale, label_smoothing

    def compare(self, embeddings: Tensor, vectors: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch, the mean over images."""
        logits = (self.scale * embeddings) @ vectors.T
        return cross_entropy(logits, labels, label_smoothing=self.label_smoothing)


class ProxyNCALoss(SoftmaxLoss):
    """Proxy-NCA: a softmax over squared distances to class vectors (Movshovitz-Attias et al., ICCV 2017).

    With the temperature of Proxy-NCA++ (Teh et al., ECCV 2020). Between unit vectors a squared distance is
    2 - 2 cos, so this is `softmax` with twice the scale.

    Args:
        classes: C, number of training identities.
        dimension: d, length of the embedding.
        scale: of squared distances: one over the temperature.
    """

    def __init__(self, *, classes: int, dimension: int, scale: Positive = 9.0) -> None:
        super().__init__(classes=classes, dimension=dimension, scale=2.0 * scale)


class CosFaceLoss(ClassVectorLoss):
    """CosFace: softmax in which the own class's cosine is lowered by a margin (Wang et al., CVPR 2018).

    Args:
        classes: C, number of training identities.
        dimension: d, length of the embedding.
        margin: by how much.
        scale: of cosines, before the softmax.
    """

    def __init__(self, *, classes: int, dimension: int, margin: NotNegative = 0.35, scale: Positive = 64.0) -> None:
        super().__init__(classes, dimension)
        self.margin, self.scale = margin, scale

    def compare(self, embeddings: Tensor, vectors: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch, the mean over images."""
        logits = self.cosines((self.scale * embeddings) @ vectors.T)
        own = torch.arange(len(labels), device=labels.device), labels
        harder = self.scale * self.harder(logits[own] / self.scale)
        return cross_entropy(logits.index_put(own, harder), labels)

    def cosines(self, products: Tensor) -> Tensor:
        """(B, C) for each class, from (B, centres x C) for each vector; the scale is in them."""
        return products

    def harder(self, cosine: Tensor) -> Tensor:
        """What takes the place of the cosine to the own class."""
        return cosine - self.margin


class ArcFaceLoss(CosFaceLoss):
    """ArcFace: softmax in which the angle to the own class is widened by a margin (Deng et al., CVPR 2019).

    Angles that the margin would push beyond 180 degrees are lowered by a constant instead, so that the loss keeps rising.

    Args:
        classes: C, number of training identities.
        dimension: d, length of the embedding.
        margin: angle in radians.
        scale: of cosines, before the softmax.
    """

    def __init__(self, *, classes: int, dimension: int, margin: Angle = 0.5, scale: Positive = 64.0) -> None:
        super().__init__(classes=classes, dimension=dimension, margin=margin, scale=scale)

    def harder(self, cosine: Tensor) -> Tensor:
        """What takes the place of the cosine to the own class."""
        beyond = cosine < -math.cos(self.margin)
        return torch.where(beyond, cosine - self.margin * math.sin(self.margin), turned(cosine, self.margin))


class SubcenterArcFaceLoss(ArcFaceLoss):
    """ArcFace with several vectors a class, the nearest of which counts (Deng et al., ECCV 2020).

    Args:
        classes: C, number of training identities.
        dimension: d, length of the embedding.
        margin: angle in radians.
        scale: of cosines, before the softmax.
        centres: vectors of each class.
    """

    def __init__(
        self, *, classes: int, dimension: int, margin: Angle = 0.5, scale: Positive = 64.0, centres: Count = 3
    ) -> None:
        super().__init__(classes=classes * centres, dimension=dimension, margin=margin, scale=scale)
        self.classes, self.centres = classes, centres

    def cosines(self, products: Tensor) -> Tensor:
        """(B, C) of the nearest vector of each class."""
        return products.view(len(products), self.centres, -1).amax(dim=1)


class SphereFaceLoss(CosFaceLoss):
    """SphereFace: softmax in which the angle to the own class is multiplied (Liu et al., CVPR 2017).

    Args:
        classes: C, number of training identities.
        dimension: d, length of the embedding.
        margin: by what the angle is multiplied.
        scale: of cosines, before the softmax (in the paper it is the length of the embedding).
    """

    def __init__(
        self,
        *,
        classes: int,
        dimension: int,
        margin: Annotated[int, Field(ge=1, le=8)] = 4,
        scale: Positive = 16.0,
    ) -> None:
        super().__init__(classes=classes, dimension=dimension, margin=margin, scale=scale)
        self.times = margin

    def harder(self, cosine: Tensor) -> Tensor:
        """What takes the place of the cosine to the own class: it falls on where the cosine of the angle would rise."""
        before, multiplied = torch.ones_like(cosine), cosine  # Chebyshev's polynomials: cos(m t) from cos t
        for _ in range(self.times - 1):
            before, multiplied = multiplied, 2.0 * cosine * multiplied - before
        turns = (cosine.detach().clamp(-1.0, 1.0).arccos() * self.times / math.pi).floor()
        return (1.0 - 2.0 * turns.remainder(2.0)) * multiplied - 2.0 * turns


class SoftTripleLoss(ClassVectorLoss):
    """SoftTriple: softmax over several vectors a class, averaged by how near they are (Qian et al., ICCV 2019).

    Without the paper's term that merges vectors of one class.

    Args:
        classes: C, number of training identities.
        dimension: d, length of the embedding.
        centres: vectors of each class.
        scale: of cosines, before the softmax over classes (lambda in the paper).
        gamma: temperature of the average over the vectors of one class.
        margin: by how much the own class's cosine is lowered.
    """

    def __init__(
        self,
        *,
        classes: int,
        dimension: int,
        centres: Count = 10,
        scale: Positive = 20.0,
        gamma: Positive = 0.1,
        margin: NotNegative = 0.01,
    ) -> None:
        super().__init__(classes, dimension, centres)
        self.scale, self.gamma, self.margin = scale, gamma, margin

    def compare(self, embeddings: Tensor, vectors: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch, the mean over images."""
        cosines = (embeddings @ vectors.T).view(len(embeddings), self.centres, -1)
        logits = self.scale * ((cosines / self.gamma).softmax(dim=1) * cosines).sum(dim=1)
        logits[torch.arange(len(labels), device=labels.device), labels] -= self.scale * self.margin
        return cross_entropy(logits, labels)
