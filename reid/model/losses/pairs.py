"""Who is compared with whom in a batch, and how far apart they are."""

import torch
from torch import Tensor

from reid.model.losses.base import at_least_float32


def distances(embeddings: Tensor) -> Tensor:
    """(B, B) Euclidean distances between unit vectors (B, d), in at least float32 also under autocast.

    None is less than 1e-6: the square root has no slope at zero, and equal images would give NaN gradients.
    """
    with torch.autocast(embeddings.device.type, enabled=False):
        vectors = at_least_float32(embeddings)
        return (2.0 - 2.0 * vectors @ vectors.T).clamp(min=1e-12).sqrt()


def same_identity(labels: Tensor) -> Tensor:
    """(B, B) bool: whether two images show the same identity; the diagonal is true."""
    return labels[:, None] == labels[None, :]


def without_self(same: Tensor) -> Tensor:
    """`same_identity` without its diagonal: the positive pairs."""
    return same.clone().fill_diagonal_(fill_value=False)


def positive_pairs(same: Tensor) -> tuple[Tensor, Tensor]:
    """Anchor (P,) and positive (P,) of all pairs of one identity whose anchor has a negative to be compared with."""
    positive = without_self(same) & ~same.all(dim=1, keepdim=True)
    anchors, positives = positive.nonzero(as_tuple=True)
    return anchors, positives


def mean_of_active(terms: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of the terms above zero, 0 if there are none, and their number; no term is below."""
    active = torch.count_nonzero(terms.detach())
    return terms.sum() / active.clamp(min=1), active


def has_pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Whether a batch has any positive pair, and any negative pair: without both, most losses have nothing to say.

    Args:
        labels: (B,) integer identities.

    Returns:
        Two 0-d bool tensors where the labels are, so that nobody waits for a GPU.
    """
    return without_self(same_identity(labels)).any(), (labels != labels[:1]).any()
