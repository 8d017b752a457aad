"""The whole network: what goes in, what comes out, what stays frozen."""

import numpy as np
import pytest
import small_runs
import torch
from torch.nn.functional import cosine_similarity

from reid.model.embedder import Architecture, EmbeddingNetwork, freeze_batchnorm


@pytest.mark.parametrize("normalise", ["slices", "whole"])
@pytest.mark.parametrize("pooling", ["average", "max", "generalised-mean"])
def test_pictures_become_unit_vectors(normalise: str, pooling: str) -> None:
    """(B, H, W, 3) uint8 of any size -> (B, d) float32 of unit length."""
    network = EmbeddingNetwork(Architecture("small-cnn", 16, 2, pooling=pooling, normalise=normalise)).eval()
    for size in ((32, 32), (64, 32), (33, 47)):
        vectors = network(small_runs.pictures(5, size=size))

        assert vectors.shape == (5, 16)
        assert vectors.dtype == torch.float32
        assert vectors.norm(dim=1).detach().numpy() == pytest.approx(np.ones(5), abs=1e-6)


def test_slices_compare_by_the_mean_of_their_cosines() -> None:
    """The inner product of two embeddings is the mean of the learners' cosines of the raw output."""
    network = small_runs.network(learners=4).eval()
    pictures = small_runs.pictures(6)
    with torch.no_grad():
        unit, raw = network(pictures), network.raw(pictures).reshape(6, 4, 4)
    cosines = cosine_similarity(raw[:, None], raw[None, :], dim=3).mean(dim=2)

    assert (unit @ unit.T).numpy() == pytest.approx(cosines.numpy(), abs=1e-5)


def test_pixels_are_normalised_inside() -> None:
    """The backbone sees (pixel / 255 - mean) / deviation, red first, channels first."""
    network = small_runs.network()
    seen: list[torch.Tensor] = []
    network.backbone.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    pictures = small_runs.pictures(3)
    network.pooled(pictures)
    architecture = network.architecture
    wanted = (pictures.numpy() / 255.0 - np.array(architecture.mean)) / np.array(architecture.deviation)

    assert seen[0].permute(0, 2, 3, 1).numpy() == pytest.approx(wanted, abs=1e-5)
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


def test_parts_follow_each_other() -> None:
    """raw = layer(pooled) without dropout in evaluation, and dropout acts in training only."""
    network = EmbeddingNetwork(Architecture("small-cnn", 16, 2, dropout=0.5)).eval()
    pictures = small_runs.pictures(4)
    with torch.no_grad():
        assert torch.equal(network.raw(pictures), network.layer(network.pooled(pictures)))
        assert torch.equal(network.raw(pictures), network.raw(pictures))
        freeze_batchnorm(network.train())
        assert not torch.equal(network.raw(pictures), network.raw(pictures))


def test_output_is_float32_under_autocast() -> None:
    """In bfloat16 the pooled features and the output come back as float32, near the exact ones."""
    network, pictures = small_runs.network().eval(), small_runs.pictures(4)
    with torch.no_grad():
        exact = network(pictures)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            pooled, unit = network.pooled(pictures), network(pictures)

    assert pooled.dtype == unit.dtype == torch.float32
    assert (unit * exact).sum(dim=1).min() > 0.99
    assert unit.norm(dim=1).numpy() == pytest.approx(np.ones(4), abs=1e-5)


def test_frozen_statistics_stay_while_scale_and_shift_learn() -> None:
    """After `freeze_batchnorm` a training step changes BatchNorm's weights but not its statistics; without it both."""
    for frozen in (True, False):
        network = small_runs.network().train()
        if frozen:
            freeze_batchnorm(network.backbone)
        before = {name: value.clone() for name, value in network.state_dict().items() if "running" in name}
        network.raw(small_runs.pictures(4)).square().sum().backward()
        changed = [name for name, value in before.items() if not torch.equal(value, network.state_dict()[name])]

        assert (changed == []) == frozen
        scales = [module.weight for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        assert all(scale.grad is not None and bool(scale.grad.any()) for scale in scales)
