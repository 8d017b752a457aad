"""Pooling of feature maps, and the embedding layer's beginning."""

import numpy as np
import pytest
import torch

from reid.errors import ConfigError
from reid.model.head import CLASS_TOKEN, NECKS, POOLING, GeneralisedMean, embedding_layer


def test_poolings_equal_numpy() -> None:
    """Average, maximum and the generalised mean (exponent 3) of each channel's map."""
    maps = torch.rand(2, 5, 4, 3, generator=torch.Generator().manual_seed(0))
    flat = maps.numpy().reshape(2, 5, 12)
    wanted = {
        "average": flat.mean(axis=2),
        "max": flat.max(axis=2),
        "generalised-mean": (flat**3).mean(axis=2) ** (1 / 3),
    }

    assert sorted(wanted) == sorted(POOLING.keys() - {CLASS_TOKEN})
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


def test_the_class_token_is_the_first() -> None:
    """(B, T, C) tokens -> (B, C), whatever the others are."""
    tokens = torch.arange(2 * 5 * 3).float().reshape(2, 5, 3)

    assert torch.equal(POOLING[CLASS_TOKEN]()(tokens), tokens[:, 0])


def test_without_a_layer_the_pooled_feature_is_the_embedding() -> None:
    """Nothing is learned in between, and another dimension is refused with the one that fits."""
    assert not list(embedding_layer(32, 32, 4, kind="none").parameters())
    with pytest.raises(
        ConfigError, match=r"model\.dimension: got 16, .*: set model\.dimension=32, or model\.layer=linear"
    ):
        embedding_layer(32, 16, 4, kind="none")
    with pytest.raises(ConfigError, match="dimension of 32 cannot be shared equally by 3 learners"):
        embedding_layer(32, 32, 3, kind="none")


def test_the_neck_normalises_each_dimension_over_the_batch() -> None:
    """Mean 0 and deviation 1 by hand; a slice of the output is the neck of a slice; its shift is not learned."""
    torch.manual_seed(0)
    vectors = torch.randn(10, 8) * 3 + 1
    neck = NECKS["batchnorm"](8)
    wanted = (vectors - vectors.mean(dim=0)) / (vectors.var(dim=0, unbiased=False) + 1e-5).sqrt()

    assert neck(vectors).detach().numpy() == pytest.approx(wanted.numpy(), abs=1e-5)
    assert NECKS["batchnorm"](4)(vectors[:, :4]).detach().numpy() == pytest.approx(wanted[:, :4].numpy(), abs=1e-5)
    assert [name for name, parameter in neck.named_parameters() if parameter.requires_grad] == ["weight"]
    assert NECKS["none"](8)(vectors) is vectors
