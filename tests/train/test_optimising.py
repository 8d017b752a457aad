"""The optimiser of a run, and the type that the network multiplies in."""

import pytest
import small_runs
import torch

from reid.model.divide import DivideAndConquer
from reid.train.optimising import GroupRates, Rate, build_optimiser, choose_precision


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_the_optimiser_has_every_parameter_once(name: str) -> None:
    """METHOD 9: network, loss (beta included) and masks, each group with the rate and decay asked for."""
    learning = small_runs.learning(subspaces="learned")
    rates = GroupRates(Rate(0.1, 0.2), Rate(0.3, 0.4), Rate(0.5, 0.6), Rate(0.7, 0.8))
    made = build_optimiser(name, learning.network, learning.criterion, rates)
    network, criterion = learning.network, learning.criterion
    wanted = {
        "backbone": list(network.backbone.parameters()),
        "layer": list(network.layer.parameters()),
        "loss": [criterion.loss.beta],
        "masks": [criterion.subspaces.masks],
    }

    assert [group["name"] for group in made.param_groups] == list(wanted)
    for group in made.param_groups:
        assert [id(p) for p in group["params"]] == [id(p) for p in wanted[group["name"]]]
        assert (group["lr"], group["weight_decay"]) == getattr(rates, group["name"])
        assert group["base_lr"] == group["lr"]
        assert name != "sgd" or group["momentum"] == 0.9


def test_what_has_no_parameters_needs_no_group() -> None:
    """A plain function as loss and fixed slices: the network alone is optimised."""
    learning = small_runs.learning()
    criterion = DivideAndConquer(lambda embeddings, _labels: embeddings.sum(), dimension=16, learners=2)
    made = build_optimiser("sgd", learning.network, criterion, small_runs.rates_of(0.1))

    assert [group["name"] for group in made.param_groups] == ["backbone", "layer"]


def test_a_pooling_with_parameters_learns_with_the_layer() -> None:
    """What follows the backbone is new, and so is in the group that is not the backbone's."""
    network = small_runs.network(pooling="generalised-mean")
    criterion = DivideAndConquer(lambda embeddings, _labels: embeddings.sum(), dimension=16, learners=2)
    layer = build_optimiser("adam", network, criterion, small_runs.rates_of(0.1)).param_groups[1]

    assert {id(p) for p in layer["params"]} == {id(p) for p in (network.pool.exponent, *network.layer.parameters())}


def test_precision() -> None:
    """Names mean what they say on every device; auto decides by the hardware."""
    cpu = torch.device("cpu")

    assert choose_precision("bf16", cpu) == torch.bfloat16
    assert choose_precision("fp16", torch.device("cuda")) == torch.float16
    assert choose_precision("fp32", cpu) == torch.float32
    assert (choose_precision("auto", cpu) == torch.bfloat16) == torch.cpu._is_amx_tile_supported()
    assert choose_precision("auto", torch.device("mps")) == torch.float32
