"""What a loss is given by the classes that losses are made of."""

import pytest
import torch
from torch import Tensor

from reid.model.losses.base import ClassVectorLoss, PairLoss, at_least_float32


class Probe(PairLoss):
    """Multiplies, and remembers in what precision."""

    def compare(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        self.seen = (embeddings.dtype, (embeddings @ embeddings.T).dtype)
        return embeddings.sum() * 0 + labels.sum()


class ClassProbe(ClassVectorLoss):
    """Likewise, and keeps the class vectors it is given."""

    def compare(self, embeddings: Tensor, vectors: Tensor, labels: Tensor) -> Tensor:
        self.seen = (embeddings.dtype, (embeddings @ vectors.T).dtype)
        self.given = vectors.detach()
        return embeddings.sum() * 0 + labels.sum()


@pytest.mark.parametrize("loss", [Probe(), ClassProbe(classes=5, dimension=4)])
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_losses_are_computed_in_float32(loss, kind):
    """Whatever precision the embeddings come in, also inside somebody's autocast region."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss(torch.ones(3, 4, dtype=kind), torch.arange(3))

    assert loss.seen == (torch.float32, torch.float32)


@pytest.mark.parametrize("loss", [Probe(), ClassProbe(classes=5, dimension=4)])
def test_float64_stays(loss):
    """For those who want to check gradients."""
    loss(torch.ones(3, 4, dtype=torch.float64), torch.arange(3))

    assert loss.seen == (torch.float64, torch.float64)
    assert at_least_float32(torch.ones(1, dtype=torch.float64)).dtype == torch.float64


def test_class_vectors_are_seen_and_then_made_unit_length():
    """The view comes first: a slice of a vector has length 1 where the loss sees it, and nothing hurts a zero one."""
    loss = ClassProbe(classes=3, dimension=4, centres=2)
    loss.vectors.data[1] = 0
    loss.through(torch.ones(2, 2), torch.arange(2), lambda vectors: vectors[:, 2:])
    wanted = torch.nn.functional.normalize(loss.vectors[:, 2:], dim=1)

    assert loss.vectors.shape == (6, 4)
    assert torch.allclose(loss.given, wanted, atol=1e-6)
    assert loss.given[[0, 2, 3, 4, 5]].norm(dim=1).tolist() == pytest.approx([1] * 5)


def test_first_class_vectors_follow_from_the_seed():
    """torch's default generator is what draws them."""
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(ClassProbe(classes=3, dimension=4).vectors)

    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
