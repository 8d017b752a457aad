"""Losses with exponentials against loops over all pairs, and against the library."""

import math

import loss_batches
import pytest
import torch
from pytorch_metric_learning import losses, miners
from torch import Tensor

from reid.model.losses.exponential import (
    LiftedStructureLoss,
    MultiSimilarityLoss,
    NTXentLoss,
    TupletMarginLoss,
    log_sum,
    turned,
)

CASES = {
    "multi-similarity": (MultiSimilarityLoss(), losses.MultiSimilarityLoss()),
    "multi-similarity keys": (
        MultiSimilarityLoss(alpha=10.0, beta=20.0, base=0.7),
        losses.MultiSimilarityLoss(alpha=10.0, beta=20.0, base=0.7),
    ),
    "lifted-structure": (LiftedStructureLoss(), losses.LiftedStructureLoss()),
    "lifted-structure keys": (
        LiftedStructureLoss(negative_margin=0.5, positive_margin=1.9),
        losses.LiftedStructureLoss(neg_margin=0.5, pos_margin=1.9),
    ),
    "ntxent": (NTXentLoss(), losses.NTXentLoss()),
    "ntxent keys": (NTXentLoss(temperature=0.5), losses.NTXentLoss(temperature=0.5)),
    "tuplet-margin": (TupletMarginLoss(margin=math.radians(5.73)), losses.TupletMarginLoss()),
    "tuplet-margin keys": (TupletMarginLoss(margin=0.3, scale=8.0), losses.TupletMarginLoss(math.degrees(0.3), 8.0)),
}


@pytest.mark.parametrize("name", CASES)
def test_losses_equal_the_library(name):
    """Value and gradient, for identities of uneven size."""
    ours, theirs = CASES[name]
    vectors, labels = loss_batches.uneven()

    assert loss_batches.agree(
        loss_batches.value_and_gradients(ours, vectors, labels),
        loss_batches.value_and_gradients(theirs, vectors, labels),
        1e-7,
    )


def mined(similarity: list[list[float]], labels: list[int], epsilon: float | None) -> tuple[list, list]:
    """Positive and negative pairs of the multi-similarity paper's rule, one after the other."""
    every, positives, negatives = range(len(labels)), [], []
    for a in every:
        own = {p: similarity[a][p] for p in every if p != a and labels[p] == labels[a]}
        others = {n: similarity[a][n] for n in every if labels[n] != labels[a]}
        if epsilon is not None:
            least, most = min(own.values(), default=math.inf), max(others.values(), default=-math.inf)
            own = {p: s for p, s in own.items() if s < most + epsilon}
            others = {n: s for n, s in others.items() if s > least - epsilon}
        positives.append(list(own.values()))
        negatives.append(list(others.values()))
    return positives, negatives


@pytest.mark.parametrize("epsilon", [None, 0.0, 0.1])
def test_multi_similarity_equals_loops(epsilon):
    """With and without the paper's mining; the pairs that are mined are counted."""
    vectors, labels = loss_batches.uneven()
    loss = MultiSimilarityLoss(epsilon=epsilon)
    positives, negatives = mined((vectors @ vectors.T).tolist(), labels.tolist(), epsilon)
    pull = [math.log1p(sum(math.exp(-2 * (s - 0.5)) for s in row)) / 2 for row in positives]
    push = [math.log1p(sum(math.exp(50 * (s - 0.5)) for s in row)) / 50 for row in negatives]

    assert loss(vectors, labels).item() == pytest.approx((sum(pull) + sum(push)) / len(labels), abs=1e-9)
    count = None if epsilon is None else sum(len(row) for row in positives + negatives)
    assert (None if loss.active_pairs is None else int(loss.active_pairs)) == count
    assert count is None or 10 < count < len(labels) * (len(labels) - 1)


def test_mined_multi_similarity_equals_the_library():
    """With its miner, value and gradient."""
    vectors, labels = loss_batches.uneven()
    theirs, miner = losses.MultiSimilarityLoss(), miners.MultiSimilarityMiner(epsilon=0.1)

    assert loss_batches.agree(
        loss_batches.value_and_gradients(MultiSimilarityLoss(epsilon=0.1), vectors, labels),
        loss_batches.value_and_gradients(lambda x, y: theirs(x, y, miner(x, y)), vectors, labels),
    )


def test_lifted_structure_counts_active_pairs():
    """Pairs so near that their loss is zero are not counted."""
    vectors, labels = torch.eye(4)[[0, 0, 1, 1, 2, 3]].double(), torch.tensor([0, 0, 1, 1, 2, 2])
    loss = LiftedStructureLoss(negative_margin=0.0, positive_margin=1.0)
    loss(vectors, labels)

    assert loss.active_pairs == 2


def test_no_exponential_overflows():
    """Steepnesses far beyond the papers' give finite losses and gradients."""
    vectors, labels = loss_batches.uneven()
    steep = [
        MultiSimilarityLoss(alpha=500.0, beta=500.0),
        LiftedStructureLoss(negative_margin=900.0),
        NTXentLoss(temperature=1e-3),
        TupletMarginLoss(scale=1000.0),
    ]
    for loss in steep:
        found = loss_batches.value_and_gradients(loss, vectors.float(), labels)

        assert all(one.isfinite().all() for one in found)


def test_log_sum_of_those_that_count():
    """Against the sum itself; where nothing counts it adds nothing to anything."""
    values = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], requires_grad=True)
    found = log_sum(values, torch.tensor([[True, False, True], [False, False, False]]))
    found.exp().sum().backward()

    assert found[0].item() == pytest.approx(math.log(math.e + math.e**3))
    assert found[1].exp() == 0
    assert values.grad.tolist() == [[pytest.approx(math.e), 0, pytest.approx(math.e**3, rel=1e-5)], [0, 0, 0]]


@pytest.mark.parametrize("angle", [-0.1, 0.0, 0.5])
def test_turned_by_an_angle(angle):
    """Against the arc cosine, which has no slope at the ends where this one has."""
    cosine = torch.linspace(-0.999, 0.999, 31, dtype=torch.float64)
    ends = torch.tensor([1.0, -1.0], requires_grad=True)
    turned(ends, angle).sum().backward()

    assert torch.allclose(turned(cosine, angle), torch.cos(torch.arccos(cosine) + angle))
    assert ends.grad.isfinite().all()


def test_two_images_alike_give_a_finite_tuplet_gradient():
    """The library's arc cosine gives NaN here."""
    vectors = torch.eye(4)[[0, 0, 1, 1]].requires_grad_()
    value: Tensor = TupletMarginLoss()(vectors, torch.tensor([0, 0, 1, 1]))
    value.backward()

    assert vectors.grad.isfinite().all()
