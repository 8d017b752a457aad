"""Network, loss and optimiser from settings."""

import pytest
import torch

from reid.cli.learning import build_learning, build_network, check_learning, group_rates
from reid.config import load_config
from reid.errors import ConfigError, MissingInputError
from reid.model.losses import MarginLoss, WeightedSum


def config_of(*assignments):
    """The recipe `small` with further settings."""
    return load_config("small", ("data.image_size=32", "train.precision=fp32", *assignments))


def learning_of(*assignments):
    """What learns, of five identities."""
    config = config_of(*assignments)
    return build_learning(config, build_network(config, device="cpu"), 5)


@pytest.mark.parametrize(
    ("assignment", "error", "words"),
    [
        ("model.backbone=resnt50", ConfigError, "did you mean"),
        ("loss.name=margn", ConfigError, "did you mean 'margin'"),
        ("loss.alfa=1", ConfigError, "alfa"),
        ("train.precision=fp16", ConfigError, "train.precision: fp16 needs a GPU, and this is cpu"),
        ("train.sync_batchnorm=true", ConfigError, "train.sync_batchnorm: it needs GPUs"),
    ],
)
def test_mistakes_show_before_anything_is_built(assignment, error, words):
    """What names something that is not there, or that this machine cannot do."""
    with pytest.raises(error, match=words):
        check_learning(config_of(assignment), device="cpu")


@pytest.mark.parametrize(
    ("assignment", "error", "words"),
    [
        ("model.weights=/nowhere/w.pth", MissingInputError, "/nowhere/w.pth"),
        ("model.weights=pretrained", ConfigError, "no pretrained weights"),
    ],
)
def test_weights_that_cannot_be_had_show_without_data(assignment, error, words):
    """The network is built before data are read."""
    with pytest.raises(error, match=words):
        build_network(config_of(assignment), device="cpu")


def test_no_such_device():
    """Named."""
    with pytest.raises(ConfigError, match="abacus"):
        build_network(config_of(), device="abacus")


def test_losses():
    """One, or several with weights."""
    assert isinstance(learning_of().criterion.loss, MarginLoss)
    assert isinstance(learning_of("loss=[{name: margin}, {name: triplet, weight: 0.5}]").criterion.loss, WeightedSum)


def test_what_a_loss_learns_begins_alike():
    """Learned subspaces depend on the seed alone, whatever was drawn before."""
    masks = []
    for seed in (1, 1, 2):
        torch.rand(3)
        masks.append(learning_of("division.subspaces=learned", f"seed={seed}").criterion.subspaces.masks.tolist())

    assert masks[0] == masks[1] != masks[2]


def test_rates_of_groups():
    """What has no rate of its own has the common one; only the network's weights decay."""
    own = group_rates(config_of("train.backbone_lr=0.5", "train.loss_lr=0.25", "train.weight_decay=0.125"))
    common = group_rates(config_of("train.lr=0.75"))

    assert (own.backbone, own.layer.weight_decay, own.loss) == ((0.5, 0.125), 0.125, (0.25, 0.0))
    assert {common.backbone.lr, common.layer.lr, common.loss.lr} == {0.75}


def test_a_network_that_cannot_be_compiled_is_refused(monkeypatch):
    """The compiler is tried out before anything is read; its message is in ours."""

    def failing(_function):
        def call(_pictures):
            raise RuntimeError("no C++ compiler found")

        return call

    monkeypatch.setattr(torch, "compile", failing)
    with pytest.raises(ConfigError, match=r"train\.compile: .*no C\+\+ compiler found\); set it to false"):
        learning_of("train.compile=true")
