"""Batches of vectors and labels that losses are tried on, and what to compare."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize


def clustered(dimension: int, identities: int = 6, each: int = 3, seed: int = 0) -> Tensor:
    """(identities * each, dimension) float64 unit vectors around a few centres that are near each other, so that
    distances reach from under 0.5 to over 1.4."""
    random = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=random, dtype=torch.float64) / dimension**0.5  # noqa: E731
    # Depths differ, so that some pairs are nearly orthogonal and some nearly equal in any dimension.
    depth = torch.rand(identities * each, 1, generator=random, dtype=torch.float64)
    centres = (draw(1, dimension) + 0.6 * draw(identities, dimension)).repeat_interleave(each, dim=0)
    return normalize(centres + 1.5 * depth * draw(identities * each, dimension), dim=1)


def labels_of(identities: int = 6, each: int = 3, factor: int = 10) -> Tensor:
    """(identities * each,) labels, in order, multiples of `factor`."""
    return torch.arange(identities).repeat_interleave(each) * factor


def uneven() -> tuple[Tensor, Tensor]:
    """(20, 8) float64 unit vectors of 7 identities with 1 to 5 images, in mixed order, and their labels 0..6."""
    labels = torch.arange(7).repeat_interleave(torch.tensor([3, 1, 5, 2, 4, 1, 4]))
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    return clustered(8, len(labels), 1, seed=5)[order], labels[order]


def value_and_gradients(
    loss: Callable[[Tensor, Tensor], Tensor], raw: Tensor, labels: Tensor, *more: Tensor
) -> list[Tensor]:
    """The loss of `raw`, normalised, and its gradients with respect to it and `more`, zero where there is none."""
    leaf = raw.detach().clone().requires_grad_()
    value = loss(normalize(leaf, dim=1), labels)
    gradients = torch.autograd.grad(value, [leaf, *more], allow_unused=True)
    zeros = [torch.zeros_like(one) for one in (leaf, *more)]
    return [value.detach(), *(zero if one is None else one for one, zero in zip(gradients, zeros, strict=True))]


def agree(ours: list[Tensor], theirs: list[Tensor], tolerance: float = 1e-9) -> bool:
    """Whether all are equal up to a tolerance, relative to the largest element of each."""
    return len(ours) == len(theirs) and all(
        float((a - b).abs().max()) <= tolerance * max(1.0, float(b.abs().max()))
        for a, b in zip(ours, theirs, strict=True)
    )


def class_vectors(loss: nn.Module, classes: int) -> tuple[nn.Parameter, Tensor]:
    """The parameter that holds a loss's class vectors, and a view of its data, (centres, classes, d)."""
    (parameter,) = loss.parameters()
    rows = parameter.data if parameter.shape[0] % classes == 0 else parameter.data.T
    return parameter, rows.unflatten(0, (-1, classes))
