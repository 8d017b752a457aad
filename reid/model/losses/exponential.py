"""Losses that weigh every pair of a batch by an exponential of how similar it is."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import softplus

from reid.config.kinds import NotNegative, Positive
from reid.model.losses.base import PairLoss
from reid.model.losses.pairs import distances, positive_pairs, same_identity, without_self

Angle = Annotated[float, Field(ge=0, lt=math.pi / 2)]


class MultiSimilarityLoss(PairLoss):
    """Multi-similarity loss: pairs weighed by their own and by their relative similarity (Wang et al., CVPR 2019).

    The mean over images of `log(1 + sum exp(-alpha (s_p - base))) / alpha + log(1 + sum exp(beta (s_n - base))) / beta`
    over cosines s.

    Args:
        alpha: steepness for positive pairs.
        beta: steepness for negative pairs.
        base: similarity around which both are weighed.
        epsilon: pairs are mined by the paper's rule: positives less similar than the most similar negative plus this,
            negatives more similar than the least similar positive less this (the paper has 0.1); None takes all pairs.
    """

    def __init__(
        self,
        *,
        alpha: Positive = 2.0,
        beta: Positive = 50.0,
        base: float = 0.5,
        epsilon: NotNegative | None = None,
    ) -> None:
        super().__init__()
        self.alpha, self.beta, self.base, self.epsilon = alpha, beta, base, epsilon

    def compare(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch."""
        similarity = embeddings @ embeddings.T
        same = same_identity(labels)
        positive, negative = without_self(same), ~same
        if self.epsilon is not None:
            positive, negative = _mined(similarity.detach(), positive, negative, self.epsilon)
            self.active_pairs = torch.count_nonzero(positive) + torch.count_nonzero(negative)
        pull = softplus(log_sum(self.alpha * (self.base - similarity), positive)) / self.alpha
        push = softplus(log_sum(self.beta * (similarity - self.base), negative)) / self.beta
        return (pull + push).mean()


class LiftedStructureLoss(PairLoss):
    """Lifted structure loss: a positive pair against all negatives of both its images (Oh Song et al., CVPR 2016).

    Half the mean over positive pairs of `relu(D_ap - positive_margin + log sum exp(negative_margin - D_n))^2`, where n
    goes through the negatives of both, over Euclidean distances.

    Args:
        negative_margin: distance that negatives are to keep.
        positive_margin: distance within which positives are left alone.
    """

    def __init__(self, *, negative_margin: NotNegative = 1.0, positive_margin: NotNegative = 0.0) -> None:
        super().__init__()
        self.negative_margin, self.positive_margin = negative_margin, positive_margin

    def compare(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch; 0 with a gradient of 0 where there are no pairs of both kinds."""
        same, distance = same_identity(labels), distances(embeddings)
        anchors, positives = positive_pairs(same)
        negatives = log_sum(self.negative_margin - distance, ~same)
        both = torch.logaddexp(negatives[anchors], negatives[positives])
        terms = (distance[anchors, positives] - self.positive_margin + both).relu()
        self.active_pairs = torch.count_nonzero(terms.detach())
        return terms.square().sum() / (2 * max(1, len(terms)))


class NTXentLoss(PairLoss):
    """NT-Xent (InfoNCE) with labels: each positive against all negatives of its anchor (Sohn, 2016; Chen et al., ICML 2020).

    The mean over positive pairs of `-log(exp(s_ap / t) / (exp(s_ap / t) + sum exp(s_an / t)))` over cosines s.

    Args:
        temperature: t; the lower, the more the nearest negatives count.
    """

    def __init__(self, *, temperature: Positive = 0.07) -> None:
        super().__init__()
        self.temperature = temperature

    def compare(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch; 0 with a gradient of 0 where there are no pairs of both kinds."""
        same, scaled = same_identity(labels), embeddings @ embeddings.T / self.temperature
        anchors, positives = positive_pairs(same)
        terms = softplus(log_sum(scaled, ~same)[anchors] - scaled[anchors, positives])
        return terms.sum() / max(1, len(terms))


class TupletMarginLoss(PairLoss):
    """Tuplet margin loss: as NT-Xent, with positives pushed closer by an angle (Yu and Tao, ICCV 2019).

    The mean over positive pairs of `log(1 + sum exp(scale (cos t_an - cos(t_ap - margin))))` over angles t.

    Args:
        margin: angle in radians.
        scale: of cosines, before the exponential.
    """

    def __init__(self, *, margin: Angle = 0.1, scale: Positive = 64.0) -> None:
        super().__init__()
        self.margin, self.scale = margin, scale

    def compare(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch; 0 with a gradient of 0 where there are no pairs of both kinds."""
        same, cosine = same_identity(labels), embeddings @ embeddings.T
        anchors, positives = positive_pairs(same)
        near = turned(cosine[anchors, positives], -self.margin)
        terms = softplus(log_sum(self.scale * cosine, ~same)[anchors] - self.scale * near)
        return terms.sum() / max(1, len(terms))


def _mined(similarity: Tensor, positive: Tensor, negative: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    nearest = similarity.masked_fill(~negative, -torch.inf).amax(dim=1, keepdim=True)
    farthest = similarity.masked_fill(~positive, torch.inf).amin(dim=1, keepdim=True)
    return positive & (similarity - epsilon < nearest), negative & (similarity + epsilon > farthest)


def log_sum(values: Tensor, counts: Tensor) -> Tensor:
    """(B,) logarithm of the sum of `exp(values)` over the columns (B, N) that count; hugely negative where none does."""
    return values.masked_fill(~counts, torch.finfo(values.dtype).min).logsumexp(dim=1)


def turned(cosine: Tensor, angle: float) -> Tensor:
    """`cos(arccos(cosine) + angle)`, with a finite slope everywhere: the arc cosine itself has none at 1 and -1."""
    sine = (1.0 - cosine.square()).clamp(min=1e-6).sqrt()
    return cosine * math.cos(angle) - sine * math.sin(angle)
