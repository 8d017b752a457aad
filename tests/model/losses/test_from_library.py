"""Losses that are the library's: they equal it when it is called directly, with the keys that are said to mean the same."""

import math

import loss_batches
import pytest
import torch
from pytorch_metric_learning import losses, miners

from reid.model.losses import from_library as ours

PAIRED = {
    "contrastive": (
        ours.contrastive,
        {"positive_margin": 0.1, "negative_margin": 1.3},
        losses.ContrastiveLoss(pos_margin=0.1, neg_margin=1.3),
    ),
    "n-pairs": (ours.n_pairs, {}, losses.NPairsLoss()),
    "generalised-lifted-structure": (
        ours.generalised_lifted_structure,
        {"positive_margin": 0.1, "negative_margin": 1.3},
        losses.GeneralizedLiftedStructureLoss(pos_margin=0.1, neg_margin=1.3),
    ),
    "angular": (ours.angular, {"alpha": math.radians(45)}, losses.AngularLoss(alpha=45)),
    "circle": (ours.circle, {"margin": 0.4, "gamma": 80.0}, losses.CircleLoss(m=0.4, gamma=80)),
    "supcon": (ours.supcon, {"temperature": 0.2}, losses.SupConLoss(temperature=0.2)),
    "intra-pair-variance": (
        ours.intra_pair_variance,
        {"positive_epsilon": 0.02, "negative_epsilon": 0.03},
        losses.IntraPairVarianceLoss(pos_eps=0.02, neg_eps=0.03),
    ),
}
WHOLE = {
    "ranked-list": (
        ours.ranked_list,
        {
            "margin": 0.3,
            "alpha": 1.1,
            "positive_temperature": 1.0,
            "negative_temperature": 2.0,
            "imbalance": 0.4,
        },
        losses.RankedListLoss(margin=0.3, alpha=1.1, Tp=1.0, Tn=2.0, imbalance=0.4),
    ),
    "fast-ap": (ours.fast_ap, {"bins": 7}, losses.FastAPLoss(num_bins=7)),
}


@pytest.mark.parametrize("name", [*PAIRED, *WHOLE])
def test_losses_equal_the_library(name):
    """Value and gradient, bit for bit."""
    build, keys, theirs = {**PAIRED, **WHOLE}[name]
    vectors, labels = loss_batches.uneven()

    assert loss_batches.agree(
        loss_batches.value_and_gradients(build(**keys), vectors, labels),
        loss_batches.value_and_gradients(theirs, vectors, labels),
        0.0,
    )


@pytest.mark.parametrize("name", PAIRED)
def test_losses_with_a_miner_equal_the_library(name):
    """What the miner finds is what the loss sees."""
    build, keys, theirs = PAIRED[name]
    vectors, labels = loss_batches.uneven()
    found = loss_batches.value_and_gradients(build(**keys, miner=miners.HDCMiner(0.4)), vectors, labels)
    miner = miners.HDCMiner(0.4)
    wanted = loss_batches.value_and_gradients(lambda x, y: theirs(x, y, miner(x, y)), vectors, labels)
    everything = loss_batches.value_and_gradients(theirs, vectors, labels)

    assert loss_batches.agree(found, wanted, 0.0)
    assert name == "n-pairs" or not loss_batches.agree(found, everything, 1e-6)


def test_miners_are_part_of_what_is_called_by_name():
    """None is taken as all pairs."""
    vectors, labels = loss_batches.uneven()
    for build, keys, _ in PAIRED.values():
        assert torch.equal(build(**keys)(vectors, labels), build(**keys, miner=None)(vectors, labels))
