"""Sums of losses, and what is asked of any loss."""

import loss_batches
import pytest
import torch

from reid.model.losses.classification import SoftmaxLoss
from reid.model.losses.exponential import NTXentLoss
from reid.model.losses.margin import MarginLoss
from reid.model.losses.triplet import TripletLoss
from reid.model.losses.weighted import WeightedSum, active_pairs, seen_through


def test_a_sum_is_the_weighted_sum_of_its_terms():
    """And has the parameters of all."""
    vectors, labels = loss_batches.uneven()
    softmax, triplet = SoftmaxLoss(classes=7, dimension=8), TripletLoss(mining="hard")
    total = WeightedSum([(1.0, softmax), (0.5, triplet)])
    wanted = softmax(vectors, labels) + 0.5 * triplet(vectors, labels)

    assert total(vectors, labels).item() == pytest.approx(wanted.item())
    assert [id(parameter) for parameter in total.parameters()] == [id(softmax.vectors)]


def test_a_sum_hands_the_view_on():
    """To those that have class vectors, also in a sum of sums; the others see the embeddings as they come."""
    vectors, labels = loss_batches.uneven()
    view = lambda some: some[:, 2:5]  # noqa: E731
    softmax, triplet = SoftmaxLoss(classes=7, dimension=8), TripletLoss()
    total = WeightedSum([(1.0, WeightedSum([(2.0, softmax)])), (1.0, triplet)])
    seen = torch.nn.functional.normalize(view(vectors), dim=1)
    wanted = 2.0 * softmax.through(seen, labels, view) + triplet(seen, labels)

    assert total.through(seen, labels, view).item() == pytest.approx(wanted.item())
    assert seen_through(triplet, seen, labels, view).item() == triplet(seen, labels).item()


def test_active_pairs_of_any_loss():
    """The number of the last batch; of a sum the sum of those that count; None before a call and where none counts."""
    vectors, labels = loss_batches.uneven()
    one, two, silent = TripletLoss(), TripletLoss(mining="hard"), NTXentLoss()
    total = WeightedSum([(1.0, one), (0.0, two), (1.0, silent)])
    assert active_pairs(total) is None
    total(vectors, labels)

    assert active_pairs(total) == one.active_pairs + two.active_pairs
    assert active_pairs(WeightedSum([(1.0, silent)])) is None
    assert active_pairs(lambda embeddings, labels: embeddings.sum()) is None
    assert active_pairs(total).shape == ()
    assert not active_pairs(total).requires_grad
    margin = MarginLoss()
    margin(vectors, labels)
    assert 0 < int(active_pairs(margin)) <= 2 * 54


def test_each_loss_sees_its_side_of_the_neck() -> None:
    """Those that are to see the vectors before it are given these; without a neck all see the same."""
    seen: list[torch.Tensor] = []

    class Looks(torch.nn.Module):
        def forward(self, embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            seen.append(embeddings)
            return embeddings.sum()

    after, before, labels = torch.ones(2, 3), torch.zeros(2, 3), torch.arange(2)
    total = WeightedSum([(1.0, Looks()), (1.0, Looks())], [True, False])
    total.through(after, labels, lambda vectors: vectors, before)
    total.through(after, labels, lambda vectors: vectors)
    total(after, labels)

    assert [bool(vectors.any()) for vectors in seen] == [False, True, True, True, True, True]
