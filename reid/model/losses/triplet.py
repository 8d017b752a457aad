"""Triplet losses: an anchor nearer to its own identity than to any other, by a margin."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

from reid.config.kinds import NotNegative
from reid.model.losses.base import PairLoss
from reid.model.losses.pairs import distances, mean_of_active, positive_pairs, same_identity, without_self

_FAR = 4.0  # than which no two unit vectors are farther apart


class TripletLoss(PairLoss):
    """Triplet loss: a positive is to be nearer than a negative by a margin (Weinberger and Saul, JMLR 2009).

    Over Euclidean distances. "all" and "semihard" are the mean over triplets whose loss is above zero; "hard" is the
    mean over anchors that have a positive and a negative (Hermans et al., "In defense of the triplet loss", 2017).

    Args:
        margin: by how much, or "soft": `log(1 + exp(D_ap - D_an))`, which never stops pulling.
        mining: "all" triplets; "hard": for each anchor its farthest positive and its nearest negative; "semihard": all
            triplets whose negative is farther than the positive (and within the margin, or the loss is zero).
    """

    def __init__(
        self,
        *,
        margin: NotNegative | Literal["soft"] = 0.2,
        mining: Literal["all", "hard", "semihard"] = "all",
    ) -> None:
        super().__init__()
        self.margin, self.mining = margin, mining

    def compare(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch; 0 with a gradient of 0 where there is no triplet."""
        same, distance = same_identity(labels), distances(embeddings)
        if self.mining == "hard":
            return self._hard(distance, same)
        anchors, positives = positive_pairs(same)
        near, others = distance[anchors, positives][:, None], distance[anchors]
        counts = ~same[anchors]
        if self.mining == "semihard":
            counts &= others > near
        loss, self.active_pairs = mean_of_active(self._terms(near - others) * counts)
        return loss

    def _hard(self, distance: Tensor, same: Tensor) -> Tensor:
        farthest = distance.masked_fill(~same, 0.0).max(dim=1).values
        nearest = distance.masked_fill(same, _FAR).min(dim=1).values
        anchors = without_self(same).any(dim=1) & ~same.all(dim=1)
        terms = self._terms(farthest - nearest) * anchors
        self.active_pairs = torch.count_nonzero(terms.detach())
        return terms.sum() / torch.count_nonzero(anchors).clamp(min=1)

    def _terms(self, excess: Tensor) -> Tensor:
        return softplus(excess) if self.margin == "soft" else (excess + self.margin).relu()


class SemihardTripletLoss(PairLoss):
    """Triplet loss of every positive pair with one semi-hard negative (Schroff et al., "FaceNet", CVPR 2015).

    The negative is the nearest one that is farther than the positive, or, where none is, the farthest one. The mean over
    triplets whose loss is above zero, over Euclidean distances.

    Args:
        margin: by how much the positive is to be nearer.
    """

    def __init__(self, *, margin: NotNegative = 0.2) -> None:
        super().__init__()
        self.margin = margin

    def compare(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch; 0 with a gradient of 0 where there is no triplet."""
        same, distance = same_identity(labels), distances(embeddings)
        anchors, positives = positive_pairs(same)
        near, others, own = distance[anchors, positives], distance[anchors], same[anchors]
        beyond = ~own & (others > near[:, None])
        nearest = others.masked_fill(~beyond, _FAR).min(dim=1).values
        farthest = others.masked_fill(own, 0.0).max(dim=1).values
        far = torch.where(beyond.any(dim=1), nearest, farthest)
        loss, self.active_pairs = mean_of_active((near - far + self.margin).relu())
        return loss
