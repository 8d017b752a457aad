"""Contrastive loss by signal-to-noise ratio."""

import torch
from torch import Tensor

from reid.config.kinds import NotNegative
from reid.model.losses.base import PairLoss
from reid.model.losses.pairs import mean_of_active, same_identity, without_self


class SignalToNoiseLoss(PairLoss):
    """Contrastive loss over noise-to-signal ratios instead of distances (Yuan et al., CVPR 2019).

    The distance of an image from its anchor is the variance of their difference over the variance of the anchor, both
    over the elements of the vectors. The mean over positives above zero plus the mean over negatives above zero.

    Args:
        positive_margin: distance within which positives are left alone.
        negative_margin: distance beyond which negatives are left alone.
    """

    def __init__(self, *, positive_margin: NotNegative = 0.0, negative_margin: NotNegative = 1.0) -> None:
        super().__init__()
        self.positive_margin, self.negative_margin = positive_margin, negative_margin

    def compare(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch."""
        distance, same = noise_to_signal(embeddings), same_identity(labels)
        pull, positives = mean_of_active((distance - self.positive_margin).relu() * without_self(same))
        push, negatives = mean_of_active((self.negative_margin - distance).relu() * ~same)
        self.active_pairs = positives + negatives
        return pull + push


def noise_to_signal(embeddings: Tensor) -> Tensor:
    """(B, B) variance of the difference of two rows over the variance of the first; finite also for a constant row."""
    centred = embeddings - embeddings.mean(dim=1, keepdim=True)
    products = centred @ centred.T
    signal = products.diagonal()
    noise = (signal[:, None] + signal[None, :] - 2.0 * products).clamp(min=0.0)
    return noise / signal[:, None].clamp(min=torch.finfo(signal.dtype).eps)
