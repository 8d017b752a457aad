"""How the embedding is divided among learners, and how it becomes a unit vector."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from reid.errors import ConfigError


def slice_of(learner: int, learners: int, dimension: int) -> slice:
    """The columns of one learner: equal, contiguous, in order.

    Args:
        learner: 0..learners-1.
        learners: K.
        dimension: d, length of the embedding.

    Raises:
        ConfigError: K does not divide d, or there is no such learner.
    """
    if learners < 1 or dimension % learners:
        raise ConfigError(f"a dimension of {dimension} cannot be shared equally by {learners} learners")
    if not 0 <= learner < learners:
        raise ConfigError(f"there is no learner {learner}; they are 0..{learners - 1}")
    width = dimension // learners
    return slice(learner * width, (learner + 1) * width)


def unit_slices(raw: Tensor, learners: int) -> Tensor:
    """L2 per learner's slice, concatenated, divided by sqrt(K), so that the whole has unit length.

    The inner product of two results is the mean of the K cosines (METHOD `normalise: slices`, CVPR 2019).

    Args:
        raw: (B, d) output of the embedding layer.
        learners: K, a divisor of d.

    Returns:
        (B, d), each row of unit length.
    """
    parts = normalize(raw.reshape(-1, learners, raw.shape[1] // learners), dim=2)
    return torch.div(parts.flatten(1), learners**0.5)


def unit_whole(raw: Tensor, learners: int) -> Tensor:  # noqa: ARG001  the same signature as `unit_slices`
    """One L2 norm over all d columns (METHOD `normalise: whole`, PAMI 2021).

    Args:
        raw: (B, d) output of the embedding layer.
        learners: not used.

    Returns:
        (B, d), each row of unit length.
    """
    return normalize(raw, dim=1)


NORMALISE: dict[str, Callable[[Tensor, int], Tensor]] = {"slices": unit_slices, "whole": unit_whole}
"""Rules for the embedding at inference, by name."""


def first_occurrences(rows: Tensor) -> Tensor:
    """(B,) bool: whether a batch's image stands there for the first time; a repeated image must not be its own positive."""
    same = rows[:, None] == rows[None, :]
    return ~torch.tril(same, diagonal=-1).any(dim=1)


class FixedSubspaces(nn.Module):
    """Every learner has its own columns of the embedding, equal and contiguous (CVPR 2019).

    Splitting halves every slice: the children of learner k are 2k and 2k + 1, and own its columns between them.

    Attributes:
        dimension: d, length of the embedding.
        learners: number of learners now; part of the state.

    Args:
        dimension: d.
        learners: number of learners at first.

    Raises:
        ConfigError: `learners` does not divide d.
    """

    def __init__(self, dimension: int, learners: int) -> None:
        super().__init__()
        slice_of(0, learners, dimension)
        self.dimension, self.learners = dimension, learners

    def view(self, vectors: Tensor, learner: int) -> Tensor:
        """What one learner sees of (..., d) vectors: its columns, (..., d / learners), of any length.

        Raises:
            ConfigError: there is no such learner.
        """
        return vectors[..., slice_of(learner, self.learners, self.dimension)]

    def split(self) -> None:
        """Twice as many learners.

        Raises:
            ConfigError: they do not divide d.
        """
        slice_of(0, 2 * self.learners, self.dimension)
        self.learners *= 2

    def overlap(self) -> Tensor | None:
        """What is added to a learner's loss to keep subspaces apart: nothing, for they cannot meet."""
        return None

    def weights(self) -> Tensor | None:
        """(learners, d) weight of every column for every learner, without gradient; None where they are slices."""
        return None

    def get_extra_state(self) -> Tensor:
        """The number of learners, which is kept with the weights."""
        return torch.tensor(self.learners)

    def set_extra_state(self, state: Tensor) -> None:
        """Take up the number of learners."""
        self.learners = int(state)


class LearnedSubspaces(FixedSubspaces):
    """Every learner has a learned weight for every column, `relu(m_k)` (PAMI 2021).

    On a split each child starts as a copy of its parent. The paper's initial values are not known: masks that are there
    from the start are drawn from a normal distribution around 0.9 with deviation 0.7, as in conditional similarity
    networks (Veit et al., CVPR 2017), so that no two are alike; a single first one, from which all others descend, is 1.

    Args:
        dimension: d.
        learners: number of learners at first.
        most: number of learners at the end, for whom there must be room.
    """

    def __init__(self, dimension: int, learners: int, most: int) -> None:
        super().__init__(dimension, learners)
        first = torch.ones(1, dimension) if learners == 1 else 0.9 + 0.7 * torch.randn(learners, dimension)
        self.masks = nn.Parameter(first[torch.arange(most) % learners].clone())

    def view(self, vectors: Tensor, learner: int) -> Tensor:
        """What one learner sees of (..., d) vectors: each column times the learner's weight, (..., d).

        Raises:
            ConfigError: there is no such learner.
        """
        slice_of(learner, self.learners, self.learners)
        return vectors * self.masks[learner].relu()

    def split(self) -> None:
        """Twice as many learners, each child a copy of its parent.

        Raises:
            ConfigError: there is no room for so many.
        """
        if 2 * self.learners > len(self.masks):
            raise ConfigError(f"there is room for {len(self.masks)} learned subspaces, not for {2 * self.learners}")
        with torch.no_grad():
            inherit(self.masks, self.learners)
        self.learners *= 2

    def overlap(self) -> Tensor | None:
        """Mean cosine between the weights of two different learners, 0..1; None where there is only one learner."""
        if self.learners == 1:
            return None
        unit = normalize(self.masks[: self.learners].relu(), dim=1)
        total: Tensor = unit.sum(dim=0).square().sum() - unit.square().sum()
        return total / (self.learners * (self.learners - 1))

    def weights(self) -> Tensor | None:
        """(learners, d) weight of every column for every learner, 0 or larger, without gradient."""
        return self.masks[: self.learners].detach().relu()


def inherit(rows: Tensor, parents: int) -> None:
    """Give the children of the first `parents` rows of a (K, ...) tensor, 2k and 2k + 1 of row k, their parent's values."""
    rows[: 2 * parents] = rows[torch.arange(2 * parents, device=rows.device) // 2].clone()
