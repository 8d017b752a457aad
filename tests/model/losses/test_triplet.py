"""Triplet losses against loops over all triplets, and against the library."""

import math

import loss_batches
import pytest
import torch
from pytorch_metric_learning import losses, miners, reducers
from torch import Tensor

from reid.model.losses.triplet import SemihardTripletLoss, TripletLoss

MARGINS = [0.2, 0.0, "soft"]


def term(positive: float, negative: float, margin: float | str) -> float:
    """One triplet's loss."""
    excess = positive - negative
    return math.log1p(math.exp(excess)) if margin == "soft" else max(0.0, excess + float(margin))


def looped(vectors: Tensor, labels: list[int], margin: float | str, mining: str) -> tuple[float, int]:
    """The loss and the number of triplets above zero, one after the other."""
    distance = (vectors[:, None] - vectors[None, :]).norm(dim=2).tolist()
    terms, anchors = [], 0
    for a in range(len(labels)):
        positives = [distance[a][p] for p in range(len(labels)) if p != a and labels[p] == labels[a]]
        negatives = [distance[a][n] for n in range(len(labels)) if labels[n] != labels[a]]
        if not positives or not negatives:
            continue
        anchors += 1
        if mining == "hard":
            positives, negatives = [max(positives)], [min(negatives)]
        if mining == "one semihard":
            for positive in positives:
                beyond = [n for n in negatives if n > positive]
                terms.append(term(positive, min(beyond) if beyond else max(negatives), margin))
        else:
            pairs = [(p, n) for p in positives for n in negatives if mining != "semihard" or n > p]
            terms += [term(p, n, margin) for p, n in pairs]
    active = sum(value > 0 for value in terms)
    return sum(terms) / max(1, anchors if mining == "hard" else active), active


@pytest.mark.parametrize("mining", ["all", "hard", "semihard"])
@pytest.mark.parametrize("margin", MARGINS)
def test_triplet_loss_equals_loops(mining, margin):
    """For identities of uneven size, some with a single image."""
    vectors, labels = loss_batches.uneven()
    loss = TripletLoss(margin=margin, mining=mining)
    value, active = looped(vectors, labels.tolist(), margin, mining)

    assert loss(vectors, labels).item() == pytest.approx(value, abs=1e-9)
    assert loss.active_pairs == active
    assert active > 5 or (margin, mining) == (0.0, "semihard")


@pytest.mark.parametrize("mining", ["all", "hard", "semihard"])
@pytest.mark.parametrize("margin", MARGINS)
def test_triplet_loss_equals_the_library(mining, margin):
    """Value and gradient, with its miners; of the batch-hard loss it takes the mean over all anchors."""
    vectors, labels = loss_batches.uneven()
    number, smooth = (0.0, True) if margin == "soft" else (margin, False)
    mean = reducers.MeanReducer() if mining == "hard" else None
    theirs = losses.TripletMarginLoss(margin=number, smooth_loss=smooth, reducer=mean)
    miner = {
        "all": lambda *_: None,
        "hard": miners.BatchHardMiner(),
        "semihard": miners.TripletMarginMiner(margin=10.0 if smooth else number, type_of_triplets="semihard"),
    }[mining]

    assert loss_batches.agree(
        loss_batches.value_and_gradients(TripletLoss(margin=margin, mining=mining), vectors, labels),
        loss_batches.value_and_gradients(lambda x, y: theirs(x, y, miner(x, y)), vectors, labels),
        1e-7,
    )


@pytest.mark.parametrize("margin", [0.2, 0.6])
def test_semihard_triplet_loss_equals_loops(margin):
    """Also where a positive is farther than all negatives."""
    vectors, labels = loss_batches.uneven()
    vectors[labels == 3] = torch.stack([vectors[0], -vectors[0]])
    loss = SemihardTripletLoss(margin=margin)
    value, active = looped(vectors, labels.tolist(), margin, "one semihard")

    assert loss(vectors, labels).item() == pytest.approx(value, abs=1e-9)
    assert loss.active_pairs == active
    assert active > 5
