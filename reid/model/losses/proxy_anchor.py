"""Proxy-anchor loss."""

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from reid.config.kinds import NotNegative, Positive
from reid.model.losses.base import ClassVectorLoss
from reid.model.losses.exponential import log_sum
from reid.model.losses.pairs import same_identity


class ProxyAnchorLoss(ClassVectorLoss):
    """Proxy-anchor loss: every class vector pulls its own images and pushes all others (Kim et al., CVPR 2020).

    The mean of `log(1 + sum exp(-alpha (s - margin)))` over the classes in the batch, s being cosines to their images,
    plus the mean of `log(1 + sum exp(alpha (s + margin)))` over all classes, to the images of others.

    Args:
        classes: C, number of training identities.
        dimension: d, length of the embedding.
        margin: of cosines.
        alpha: steepness.
    """

    def __init__(self, *, classes: int, dimension: int, margin: NotNegative = 0.1, alpha: Positive = 32.0) -> None:
        super().__init__(classes, dimension)
        self.margin, self.alpha = margin, alpha

    def draw(self) -> None:
        """First class vectors, as short as in the paper: its learning rate for them is made for that."""
        nn.init.kaiming_normal_(self.vectors, mode="fan_out")

    def compare(self, embeddings: Tensor, vectors: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch."""
        scaled = (self.alpha * embeddings) @ vectors.T
        same, offset = same_identity(labels), self.alpha * self.margin
        own = torch.arange(len(labels), device=labels.device), labels
        pull = softplus(log_sum((offset - scaled[own]).expand(len(labels), -1), same))
        share = same.sum(dim=1).to(pull.dtype).reciprocal()  # of an image in what its class pulls
        scaled[own] = torch.finfo(scaled.dtype).min
        push = softplus(scaled.logsumexp(dim=0) + offset)
        return (pull * share).sum() / share.sum() + push.mean()
