"""The `loss` section of a configuration, and everything that can be wrong with it."""

import sys

import loss_batches
import pytest
import torch
from pytorch_metric_learning import miners

from reid.errors import ConfigError
from reid.model.losses import LOSSES, MarginLoss, WeightedSum, active_pairs, build_loss, check_loss
from reid.model.losses.exponential import MultiSimilarityLoss
from reid.model.losses.library import LibraryLoss
from reid.model.losses.triplet import TripletLoss


def test_keys_of_a_loss_reach_it():
    """A loss's own keys are its arguments, numbers, words and none."""
    margin = build_loss({"name": "margin", "alpha": 0.1, "beta": 1, "cutoff": 1.3, "smallest": 0.4})
    triplet = build_loss({"name": "triplet", "margin": "soft", "mining": "hard"})
    similarity = build_loss({"name": "multi-similarity", "epsilon": 0.2, "base": 0.6})

    assert isinstance(margin, MarginLoss)
    assert (margin.alpha, margin.beta.item(), margin.cutoff, margin.smallest) == (0.1, 1.0, 1.3, 0.4)
    assert isinstance(triplet, TripletLoss)
    assert (triplet.margin, triplet.mining) == ("soft", "hard")
    assert isinstance(similarity, MultiSimilarityLoss)
    assert (similarity.epsilon, similarity.base) == (0.2, 0.6)
    assert build_loss({"name": "contrastive", "negative_margin": 0.7}).loss.neg_margin == 0.7


def test_classes_and_dimension_are_given_to_those_that_want_them():
    """The size of their class vectors."""
    assert build_loss({"name": "softmax"}, classes=5, dimension=3).vectors.shape == (5, 3)
    several = build_loss([{"name": "soft-triple", "centres": 2}, {"name": "margin"}], classes=5, dimension=3)
    assert several.losses[0].vectors.shape == (10, 3)


@pytest.mark.parametrize("chosen", ["hard-aware", {"name": "hard-aware"}, {"name": "hard-aware", "share": 0.5}])
def test_a_miner_is_named_or_described(chosen):
    """By its name alone, or by a mapping with its own keys."""
    loss = build_loss({"name": "contrastive", "miner": chosen})

    assert isinstance(loss, LibraryLoss)
    assert isinstance(loss.miner, miners.HDCMiner)
    assert loss.miner.filter_percentage == 0.5
    assert build_loss({"name": "contrastive", "miner": None}).miner is None


def test_a_list_is_a_weighted_sum():
    """Weights are 1 where none is given."""
    vectors, labels = loss_batches.uneven()
    total = build_loss([{"name": "triplet", "weight": 0.5}, {"name": "contrastive"}, {"name": "margin", "weight": 0}])
    parts = [build_loss({"name": "triplet"}), build_loss({"name": "contrastive"})]

    assert isinstance(total, WeightedSum)
    assert total(vectors, labels).item() == pytest.approx(
        0.5 * float(parts[0](vectors, labels)) + float(parts[1](vectors, labels))
    )
    assert len(list(total.parameters())) == 1
    assert active_pairs(total) is not None


MISTAKES = [
    ({"name": "margn"}, r"^loss\.name: no loss 'margn'; did you mean 'margin'\? Known: margin, triplet"),
    ({}, r"loss\.name: no loss 'None'"),
    ({"name": ["margin"]}, r"loss\.name"),
    ({"name": "margin", "alhpa": 0.1}, r"loss\.alhpa: margin has no such key; did you mean 'alpha'\? It has: alpha"),
    ({"name": "margin", "generator": 1}, r"loss\.generator: margin has no such key"),
    ({"name": "margin", "alpha": "0.1"}, r'loss\.alpha: got "0\.1", wanted a number'),
    ({"name": "margin", "alpha": True}, r"loss\.alpha: got true, wanted a number"),
    ({"name": "margin", "alpha": None}, r"loss\.alpha: got null, wanted a number"),
    ({"name": "margin", "smallest": 2}, r"loss\.smallest: got 2(\.0)?, wanted less than 2"),
    ({"name": "margin", "weight": 2.0}, r"loss\.weight: margin has no such key"),
    ({"name": "margin", "miner": "batch-hard"}, r"loss\.miner: margin has no such key"),
    ({"name": "n-pairs", "margin": 1}, r"loss\.margin: n-pairs has no such key\. It has: miner"),
    ({"name": "softmax", "classes": 7}, r"loss\.classes: softmax has no such key"),
    (
        {"name": "contrastive", "miner": "batch-hrad"},
        r"loss\.miner\.name: no miner 'batch-hrad'; did you mean 'batch-hard'",
    ),
    ({"name": "contrastive", "miner": {"share": 1}}, r"loss\.miner\.name: no miner 'None'"),
    (
        {"name": "circle", "miner": {"name": "hard-aware", "share": 2}},
        r"loss\.miner\.share: got 2(\.0)?, wanted 1 or less",
    ),
    ({"name": "circle", "miner": 7}, r"loss\.miner: got 7, wanted the name of a miner"),
    ([], "^loss: the list is empty"),
    ([{"name": "margin"}, {"name": "tripet"}], r"^loss\.1\.name: no loss 'tripet'; did you mean 'triplet'"),
    ([{"name": "margin", "weight": "x"}], r'loss\.0\.weight: got "x", wanted a number of 0 or more'),
    ([{"name": "margin", "weight": -1}], r"loss\.0\.weight: got -1, wanted a number of 0 or more"),
    ([{"name": "margin", "weight": float("nan")}], r"loss\.0\.weight: got NaN, wanted a number of 0 or more"),
    ([{"name": "margin", "weight": True}], r"loss\.0\.weight: got true, wanted"),
    ([{"name": "margin", "x\n": 1}], r"loss\.0\.x\\n: margin has no such key"),
    ([7], r"loss\.0: got 7, wanted a mapping"),
    ({"name": "nowhere_at_all:make"}, r"loss\.name: there is no module 'nowhere_at_all'"),
]


@pytest.mark.parametrize(("settings", "message"), MISTAKES)
def test_mistakes_name_their_key(settings, message):
    """C5, C7: an unknown name or key or a wrong value is named by its path, with the nearest that is known."""
    for call in (check_loss, build_loss):
        with pytest.raises(ConfigError, match=message):
            call(settings)


def test_all_mistakes_are_told_at_once():
    """One line each, under their number."""
    settings = [{"name": "margin", "alpha": 0, "bta": 1}, {"name": "tripet"}, {"name": "circle", "weight": -1}]
    with pytest.raises(ConfigError) as error:
        check_loss(settings)
    first, *lines = str(error.value).split("\n")

    assert first == "4 mistakes in the loss:"
    assert [line.split(":")[0].strip() for line in lines] == [
        "loss.0.bta",
        "loss.0.alpha",
        "loss.1.name",
        "loss.2.weight",
    ]


def test_checking_builds_nothing():
    """Nothing is drawn, the library is not imported, and every name passes with its defaults."""
    state = torch.get_rng_state()
    before = {name for name in sys.modules if name.startswith("pytorch_metric_learning")}
    check_loss([{"name": name, "weight": 0.5} for name in LOSSES] + [{"name": "circle", "miner": "angular"}])

    assert torch.equal(torch.get_rng_state(), state)
    assert {name for name in sys.modules if name.startswith("pytorch_metric_learning")} == before


def test_first_class_vectors_follow_from_the_seed():
    """The caller's."""
    drawn = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        drawn.append(build_loss([{"name": "softmax"}, {"name": "proxy-anchor"}], classes=4, dimension=3))

    same, again, other = (torch.cat([p.flatten() for p in loss.parameters()]) for loss in drawn)
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


@pytest.mark.parametrize(
    ("settings", "before"),
    [
        ([{"name": "softmax"}, {"name": "triplet"}], [False, True]),
        ([{"name": "triplet"}, {"name": "circle"}, {"name": "arcface"}], [True, True, False]),
        ([{"name": "triplet"}, {"name": "circle"}], [False, False]),
        ([{"name": "triplet"}, {"name": "circle", "neck": "after"}], [True, False]),
        ([{"name": "softmax", "neck": "before"}, {"name": "triplet"}], [True, False]),
        ([{"name": "softmax"}, {"name": "triplet", "neck": "after"}], [False, False]),
        ({"name": "triplet", "neck": "before"}, [True]),
    ],
)
def test_sides_of_the_neck(settings, before) -> None:
    """Losses between images see the vectors before it where another loss sees them after it; `neck` decides otherwise."""
    assert build_loss(settings, classes=4, dimension=8).before_neck == before


def test_another_side_is_refused() -> None:
    """There are two; a loss alone that sees the vectors after the neck is itself."""
    with pytest.raises(ConfigError, match=r"loss\.1\.neck: got \W*beside\W*, wanted one of before, after"):
        check_loss([{"name": "softmax"}, {"name": "triplet", "neck": "beside"}])
    assert type(build_loss({"name": "triplet", "neck": "after"})).__name__ == "TripletLoss"
