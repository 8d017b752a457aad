"""How the embedding is divided among learners, and how it becomes a unit vector."""

from collections.abc import Callable

import torch
from torch import Tensor
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
    parts = normalize(raw.reshape(len(raw), learners, -1), dim=2)
    return torch.div(parts.reshape(raw.shape), learners**0.5)


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


def learner_view(raw: Tensor, learner: int, learners: int) -> Tensor:
    """What the loss of one learner sees: its slice alone, as a unit vector, (B, d / K)."""
    return normalize(raw[:, slice_of(learner, learners, raw.shape[1])], dim=1)


def first_occurrences(rows: Tensor) -> Tensor:
    """(B,) bool: whether a batch's image stands there for the first time; a repeated image must not be its own positive."""
    same = rows[:, None] == rows[None, :]
    return ~torch.tril(same, diagonal=-1).any(dim=1)
