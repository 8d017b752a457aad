"""Divide and conquer around any loss."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from torch import Tensor, nn
from torch.nn.functional import normalize

from reid.errors import ConfigError
from reid.model.losses.weighted import WeightedSum, seen_through
from reid.model.subspaces import NORMALISE, FixedSubspaces, LearnedSubspaces
from reid.text import did_you_mean

SUBSPACES = ("fixed", "learned")
View = Callable[[Tensor], Tensor]
"""How a learner sees vectors of the embedding's length: (C, d) -> (C, d')."""


class Loss(Protocol):
    """Any metric-learning loss.

    One that has learned vectors for classes also has a method `through(embeddings, labels, view)`, which sees these
    vectors, (C, d), through the same view as the embeddings.
    """

    def __call__(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The scalar loss of (B, d') embeddings with (B,) labels."""
        ...


class DivideAndConquer(nn.Module):
    """A loss that sees one learner's subspace in the divide stage and the whole embedding afterwards.

    Sanakoyeu et al., "Divide and conquer the embedding space for metric learning", CVPR 2019, and "Improving deep metric
    learning by divide and conquer", PAMI 2021. The base loss is shared by all learners and labels stay global, so a loss
    with learned parameters keeps one set of them.

    Args:
        loss: the base loss; its parameters, if it has any, are those of this module.
        dimension: d, length of the embedding.
        learners: K, a divisor of d.
        normalise: rule of the whole embedding, "slices" or "whole".
        subspaces: "fixed" slices, or "learned" masks, which are parameters of this module.
        mask_weight: lambda, weight of the mean cosine between learned masks in a learner's loss.
        start: number of learners at first, K divided by a power of two; None is K. `grow` doubles it.

    Raises:
        ConfigError: K does not divide d, or there is no such rule.
    """

    def __init__(
        self,
        loss: Loss,
        *,
        dimension: int,
        learners: int,
        normalise: str = "slices",
        subspaces: str = "fixed",
        mask_weight: float = 0.01,
        start: int | None = None,
    ) -> None:
        super().__init__()
        FixedSubspaces(dimension, learners)  # K must divide d also where fewer learners begin
        for name, known, what in ((normalise, tuple(NORMALISE), "normalise rule"), (subspaces, SUBSPACES, "subspaces")):
            if name not in known:
                raise ConfigError(f"no {what} {name!r}{did_you_mean(name, known)} Known: {', '.join(known)}")
        self.loss = loss  # a Module registers itself, and so its parameters; a plain function need not
        first = learners if start is None else start
        self.subspaces = (
            LearnedSubspaces(dimension, first, learners) if subspaces == "learned" else FixedSubspaces(dimension, first)
        )
        self.dimension, self.learners, self.normalise = dimension, learners, normalise
        self.mask_weight = mask_weight

    def forward(
        self, raw: Tensor, labels: Tensor, learner: int | None = None, *, before: Tensor | None = None
    ) -> Tensor:
        """The loss of a batch.

        Args:
            raw: (B, d) output of the network, not normalised: of its embedding layer, or of its neck if it has one.
            labels: (B,) global integer identities.
            learner: whose subspace is trained (stage divide); None trains the whole vector (conquer, finetune).
            before: (B, d) output of the embedding layer where `raw` is that of a neck; those losses of a `WeightedSum`
                that are to see it are given it, in the same subspace.

        Returns:
            A scalar.

        Raises:
            ConfigError: there is no such learner.
        """
        if learner is None:
            return self._base(self.embed, self.embed, raw, labels, before)
        view = partial(self.subspaces.view, learner=learner)
        value = self._base(lambda vectors: normalize(view(vectors), dim=1), view, raw, labels, before)
        overlap = self.subspaces.overlap()
        return value if overlap is None else value + self.mask_weight * overlap

    def embed(self, raw: Tensor) -> Tensor:
        """The embedding at inference, (B, d) unit vectors."""
        return NORMALISE[self.normalise](raw, self.learners)

    def grow(self, learners: int) -> bool:
        """Split subspaces until there are `learners`; whether any was split.

        Raises:
            ConfigError: that many cannot be had by splitting those there are.
        """
        before = self.subspaces.learners
        while self.subspaces.learners < learners:
            self.subspaces.split()
        if self.subspaces.learners != learners:
            raise ConfigError(f"{before} learners cannot become {learners} by splitting each in two")
        return learners != before

    def _base(self, unit: View, view: View, raw: Tensor, labels: Tensor, before: Tensor | None) -> Tensor:
        if before is not None and isinstance(self.loss, WeightedSum):
            return self.loss.through(unit(raw), labels, view, unit(before))
        return seen_through(self.loss, unit(raw), labels, view)
