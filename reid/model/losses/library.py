"""Losses of pytorch-metric-learning, as ours are called."""

import torch
from torch import Tensor, nn

from reid.model.losses.base import at_least_float32


class LibraryLoss(nn.Module):
    """A loss of pytorch-metric-learning, with or without one of its miners.

    Attributes:
        active_pairs: as of `PairLoss`.

    Args:
        loss: one of its losses.
        miner: one of its miners, which chooses the pairs or triplets of each batch.
        counts: whether the loss has a term for each pair or triplet that can be zero.
    """

    def __init__(self, loss: nn.Module, miner: nn.Module | None = None, *, counts: bool = False) -> None:
        super().__init__()
        self.loss, self.miner = loss, miner
        self.counter: _CountingReducer | None = None
        if counts:
            self.counter = self.loss.reducer = _CountingReducer(loss.get_submodule("reducer"))

    @property
    def active_pairs(self) -> Tensor | None:
        """Number of pairs or triplets of the last batch with a loss above zero, if they are counted."""
        return None if self.counter is None else self.counter.active_pairs

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of (B, d') unit vectors with (B,) identities, in at least float32 also under autocast."""
        with torch.autocast(embeddings.device.type, enabled=False):
            images = at_least_float32(embeddings)
            pairs = None if self.miner is None else self.miner(images, labels)
            loss: Tensor = self.loss(images, labels, pairs)
            return loss


class _CountingReducer(nn.Module):
    """The library's reducer, which makes one number of the terms, and beside it the number of terms above zero."""

    active_pairs: Tensor | None = None

    def __init__(self, reducer: nn.Module) -> None:
        super().__init__()
        self.reducer = reducer

    def forward(self, terms: dict[str, dict[str, object]], embeddings: Tensor, labels: Tensor) -> Tensor:
        """What the library's reducer makes of these terms."""
        found = [part["losses"] for part in terms.values()]  # a number, not a tensor, where there are no pairs
        counts = [torch.count_nonzero(part.detach() > 0) for part in found if isinstance(part, Tensor)]
        self.active_pairs = sum(counts, torch.zeros((), dtype=torch.int64, device=embeddings.device))
        loss: Tensor = self.reducer(terms, embeddings, labels)
        return loss
