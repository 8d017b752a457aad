"""Miners by name are the library's, with the keys that are said to mean the same."""

import math

import loss_batches
import pytest
import torch
from pytorch_metric_learning import miners as library

from reid.model.losses.miners import MINERS

CASES = [
    ("batch-hard", {}, library.BatchHardMiner()),
    ("easy-positive", {"negatives": "hard"}, library.BatchEasyHardMiner("easy", "hard")),
    ("triplet-margin", {"margin": 0.4, "triplets": "semihard"}, library.TripletMarginMiner(0.4, "semihard")),
    ("multi-similarity", {"epsilon": 0.05}, library.MultiSimilarityMiner(0.05)),
    ("pair-margin", {"positive_margin": 0.6, "negative_margin": 1.2}, library.PairMarginMiner(0.6, 1.2)),
    ("distance-weighted", {"smallest": 0.8, "cutoff": 1.3}, library.DistanceWeightedMiner(0.8, 1.3)),
    ("angular", {"angle": 0.5}, library.AngularMiner(math.degrees(0.5))),
    ("hard-aware", {"share": 0.3}, library.HDCMiner(0.3)),
]


def test_every_miner_is_tried():
    """Here below."""
    assert [name for name, _, _ in CASES] == list(MINERS)


@pytest.mark.parametrize(("name", "keys", "theirs"), CASES, ids=list(MINERS))
def test_miners_are_those_of_the_library(name, keys, theirs):
    """They find the same pairs or triplets, some but not all."""
    vectors, labels = loss_batches.uneven()
    torch.manual_seed(0)
    found = MINERS[name](**keys)(vectors, labels)
    torch.manual_seed(0)
    wanted = theirs(vectors, labels)

    assert len(found) == len(wanted)
    assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
    assert len(found[0]) > 0
    default = MINERS[name]()(vectors, labels)
    assert not keys or [part.tolist() for part in default] != [part.tolist() for part in found]
