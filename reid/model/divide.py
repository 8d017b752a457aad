"""Divide and conquer around any loss."""

from typing import Protocol

from torch import Tensor, nn

from reid.errors import ConfigError
from reid.model.subspaces import NORMALISE, learner_view, slice_of
from reid.text import did_you_mean


class Loss(Protocol):
    """Any metric-learning loss."""

    def __call__(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The scalar loss of (B, d') embeddings with (B,) labels."""
        ...


class DivideAndConquer(nn.Module):
    """A loss that sees one learner's slice in the divide stage and the whole embedding afterwards.

    Sanakoyeu et al., "Divide and conquer the embedding space for metric learning", CVPR 2019. The base loss is shared
    by all learners and labels stay global, so a loss with learned parameters keeps one set of them.

    Args:
        loss: the base loss; its parameters, if it has any, are those of this module.
        dimension: d, length of the embedding.
        learners: K, a divisor of d.
        normalise: rule of the whole embedding, "slices" or "whole".

    Raises:
        ConfigError: K does not divide d, or there is no such rule.
    """

    def __init__(self, loss: Loss, *, dimension: int, learners: int, normalise: str = "slices") -> None:
        super().__init__()
        slice_of(0, learners, dimension)
        if normalise not in NORMALISE:
            raise ConfigError(
                f"no normalise rule {normalise!r}{did_you_mean(normalise, NORMALISE)} Known: {', '.join(NORMALISE)}"
            )
        self.loss = loss  # a Module registers itself, and so its parameters; a plain function need not
        self.dimension, self.learners, self.normalise = dimension, learners, normalise

    def forward(self, raw: Tensor, labels: Tensor, learner: int | None = None) -> Tensor:
        """The loss of a batch.

        Args:
            raw: (B, d) output of the embedding layer, not normalised.
            labels: (B,) global integer identities.
            learner: whose slice is trained (stage divide); None trains the whole vector (conquer, finetune).

        Returns:
            A scalar.
        """
        seen = self.embed(raw) if learner is None else learner_view(raw, learner, self.learners)
        return self.loss(seen, labels)

    def embed(self, raw: Tensor) -> Tensor:
        """The embedding at inference, (B, d) unit vectors."""
        return NORMALISE[self.normalise](raw, self.learners)
