"""Sums of losses, and what can be asked of any loss."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from reid.model.losses.base import View


class WeightedSum(nn.Module):
    """A sum of losses, each with a weight.

    Args:
        terms: weight and loss, at least one.
        before: for each whether it sees the embedding before the neck, where there is one; None is after it for all.
    """

    def __init__(self, terms: Sequence[tuple[float, nn.Module]], before: Sequence[bool] | None = None) -> None:
        super().__init__()
        self.factors = [factor for factor, _ in terms]
        self.before_neck = [False] * len(terms) if before is None else list(before)
        self.losses = nn.ModuleList(loss for _, loss in terms)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The weighted sum for (B, d') unit vectors and (B,) identities."""
        return self._total([loss(embeddings, labels) for loss in self.losses])

    def through(self, embeddings: Tensor, labels: Tensor, view: View, before: Tensor | None = None) -> Tensor:
        """The weighted sum in a subspace.

        Args:
            embeddings: (B, d') unit vectors, what a learner sees of the batch.
            labels: (B,) identities.
            view: (C, d) -> (C, d'), how it sees vectors, and so those of classes where a loss has such.
            before: (B, d') unit vectors, the same before the neck; None where there is no neck.
        """
        sides = [embeddings if before is None or not early else before for early in self.before_neck]
        pairs = zip(self.losses, sides, strict=True)
        return self._total([seen_through(loss, side, labels, view) for loss, side in pairs])

    def _total(self, values: list[Tensor]) -> Tensor:
        return torch.stack([factor * value for factor, value in zip(self.factors, values, strict=True)]).sum()


def seen_through(loss: Callable[[Tensor, Tensor], Tensor], embeddings: Tensor, labels: Tensor, view: View) -> Tensor:
    """Any loss in a subspace.

    Args:
        loss: if it has class vectors, it has a method `through`.
        embeddings: (B, d') unit vectors, what a learner sees of the batch.
        labels: (B,) identities.
        view: (C, d) -> (C, d'), how it sees vectors.
    """
    through = getattr(loss, "through", None)
    value: Tensor = loss(embeddings, labels) if through is None else through(embeddings, labels, view)
    return value


def active_pairs(loss: object) -> Tensor | None:
    """Number of pairs or triplets of the last batch with a loss above zero, in all losses of a sum together.

    Args:
        loss: any loss that was called.

    Returns:
        0-d integer tensor where the batch was, not waited for; None where no loss in it counts.
    """
    if not isinstance(loss, WeightedSum):
        count: Tensor | None = getattr(loss, "active_pairs", None)
        return count
    counts = [count for part in loss.losses if (count := active_pairs(part)) is not None]
    return torch.stack(counts).sum() if counts else None
