"""Pooling of feature maps, and the embedding layer's beginning."""

import numpy as np
import pytest
import torch

from reid.errors import ConfigError
from reid.model.head import POOLING, GeneralisedMean, embedding_layer


def test_poolings_equal_numpy() -> None:
    """Average, maximum and the generalised mean (exponent 3) of each channel's map."""
    maps = torch.rand(2, 5, 4, 3, generator=torch.Generator().manual_seed(0))
    flat = maps.numpy().reshape(2, 5, 12)
    wanted = {
        "average": flat.mean(axis=2),
        "max": flat.max(axis=2),
        "generalised-mean": (flat**3).mean(axis=2) ** (1 / 3),
    }

    assert sorted(wanted) == sorted(POOLING)
    for name, value in wanted.items():
        assert POOLING[name]()(maps).detach().numpy() == pytest.approx(value, rel=1e-5)


def test_generalised_mean_learns_its_exponent() -> None:
    """p = 1 is the average, large p goes to the maximum, p has a gradient, and zeros give no NaN."""
    maps = torch.rand(2, 5, 4, 4)
    pool = GeneralisedMean()
    for exponent, wanted in ((1.0, maps.mean(dim=(2, 3))), (200.0, maps.amax(dim=(2, 3)))):
        with torch.no_grad():
            pool.exponent.fill_(exponent)
        assert pool(maps).detach().numpy() == pytest.approx(wanted.numpy(), rel=0.03)
    pool = GeneralisedMean()
    pool(torch.zeros(1, 3, 2, 2)).sum().backward()
    assert pool.exponent.grad is not None
    assert pool.exponent.grad.isfinite()


def test_each_slice_begins_like_a_layer_of_its_own() -> None:
    """A slice's weights spread as Xavier's rule has it for (C -> d/K), wider than for (C -> d); no bias."""
    torch.manual_seed(0)
    layer = embedding_layer(32, 128, 8)

    assert layer.weight.abs().max().item() == pytest.approx(np.sqrt(6 / (32 + 16)), rel=0.01)
    assert not layer.bias.any()


def test_learners_that_do_not_divide_the_dimension_are_refused() -> None:
    """K must divide d."""
    with pytest.raises(ConfigError, match="dimension of 128 cannot be shared equally by 3 learners"):
        embedding_layer(32, 128, 3)
