"""Margin loss with distance-weighted sampling."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from reid.config.kinds import Positive
from reid.model.losses.base import PairLoss
from reid.model.losses.pairs import distances, mean_of_active, positive_pairs, same_identity


class MarginLoss(PairLoss):
    """Margin loss over all positive pairs, each with one negative drawn by distance-weighted sampling.

    Wu et al., "Sampling matters in deep embedding learning", ICCV 2017. For an anchor a, a positive p and a negative n at
    Euclidean distances D: `relu(D_ap - beta + alpha) + relu(beta - D_an + alpha)`, summed and divided by the number of
    terms above zero. Every anchor is used: one whose negatives all lie beyond `cutoff` draws among them uniformly. The
    default of both divide-and-conquer papers.

    Args:
        alpha: half the width of the margin between positive and negative distances.
        beta: first value of the boundary between them, which is learned.
        smallest: distances are taken as at least this when weights are computed.
        cutoff: negatives farther than this are not drawn while there are nearer ones: their loss is zero.
        generator: source of the draws; None is torch's default generator.
    """

    def __init__(
        self,
        *,
        alpha: Positive = 0.2,
        beta: Positive = 1.2,
        smallest: Annotated[float, Field(gt=0, lt=2)] = 0.5,
        cutoff: Positive = 1.4,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.alpha, self.smallest, self.cutoff, self.generator = alpha, smallest, cutoff, generator
        self.beta = nn.Parameter(torch.tensor(float(beta)))

    def compare(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch; 0 with a gradient of 0 where no pair is above zero."""
        same = same_identity(labels)
        anchors, positives = positive_pairs(same)
        distance = distances(embeddings)
        with torch.no_grad():
            weights = self.weights(distance, same, embeddings.shape[1])
            negatives = self._draw(weights[anchors])
        near, far = distance[anchors, positives], distance[anchors, negatives]
        terms = torch.cat([near - self.beta, self.beta - far]).add(self.alpha).relu()
        loss, self.active_pairs = mean_of_active(terms)
        return loss

    def weights(self, distance: Tensor, same: Tensor, dimension: int) -> Tensor:
        """Unnormalised chance of each image to be drawn as the negative of each anchor (Wu et al. 2017, section 3.2).

        The inverse of the density of distances between random points on the unit sphere in `dimension` dimensions,
        log q(d) = (n - 2) log d + (n - 3) / 2 log(1 - d^2 / 4), evaluated at distances of at least `smallest`.

        Args:
            distance: (B, B) Euclidean distances.
            same: (B, B) bool, whether two images show the same identity.
            dimension: n, of the vectors the distances were measured between.

        Returns:
            (B, B), each row scaled so that its largest entry is 1; 0 for the same identity.
        """
        clamped = distance.clamp(min=self.smallest)
        log_weight = (2.0 - dimension) * clamped.log() - (dimension - 3.0) / 2.0 * (1.0 - clamped.square() / 4.0).clamp(
            min=1e-8
        ).log()
        near = ~same & (distance < self.cutoff)
        log_weight = log_weight.masked_fill(~near, -torch.inf)
        scaled = (log_weight - log_weight.amax(dim=1, keepdim=True)).exp()
        return torch.where(near.any(dim=1, keepdim=True), scaled, (~same).float())

    def _draw(self, weights: Tensor) -> Tensor:
        cumulative = weights.double().cumsum(dim=1)
        chance = torch.rand(len(weights), 1, dtype=torch.float64, device=weights.device, generator=self.generator)
        # `right` steps over images of weight zero, which own no part of the interval.
        found = torch.searchsorted(cumulative, chance * cumulative[:, -1:], right=True).squeeze(1)
        return found.clamp(max=weights.shape[1] - 1)
