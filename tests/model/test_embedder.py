"""The whole network: what goes in, what comes out, what stays frozen."""

import numpy as np
import pytest
import small_runs
import torch
from torch.nn.functional import cosine_similarity

from reid.errors import ConfigError
from reid.model.embedder import Architecture, EmbeddingNetwork, freeze_batchnorm
from reid.model.store import Description, load_model, save_model

FAMILIES = {  # a small network of each kind, and poolings that differ for it
    "small-cnn": ("average",),
    "resnet18-ibn-a": ("generalised-mean",),
    "test_resnet": ("max",),
    "test_efficientnet": ("average",),
    "test_byobnet": ("average",),
    "test_nfnet": ("average",),
    "test_convnext": ("generalised-mean",),
    "test_mambaout": ("max",),
    "test_vit": ("cls", "average"),
    "test_vit4": ("max", "generalised-mean"),
    "mobilenetv3_small_050": ("average",),
    "regnetx_002": ("generalised-mean",),
    "edgenext_xx_small": ("average",),
    "xcit_nano_12_p16_224": ("cls",),
    "levit_128s": ("average",),
}


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


@pytest.mark.parametrize(("name", "pooling"), [(name, one) for name, every in FAMILIES.items() for one in every])
def test_every_family_keeps_the_contract(name: str, pooling: str, tmp_path) -> None:
    """Forward and backward at 64 x 32 with finite gradients, the same vectors every time and after saving and loading."""
    torch.manual_seed(0)
    architecture = Architecture(name, 8, 2, pooling=pooling, neck="batchnorm", image_size=(64, 32))
    network, pictures = EmbeddingNetwork(architecture), small_runs.pictures(4, size=(64, 32))
    raw = network.raw(pictures)
    (raw * torch.randn(4, 8)).sum().backward()
    lacking = [key for key, weight in network.named_parameters() if weight.requires_grad and weight.grad is None]

    assert raw.shape == (4, 8)
    assert all(bool(weight.grad.isfinite().all()) for weight in network.parameters() if weight.grad is not None)
    assert lacking == [], "parameters that nothing reaches stop training in several processes"
    with torch.inference_mode():
        unit = network.eval()(pictures)
        assert torch.equal(unit, network(pictures))
        save_model(tmp_path, network, Description(architecture, (64, 32), "resize", "area", "vehicle", "patches"))
        again, description, _ = load_model(tmp_path)
        assert torch.equal(unit, again(pictures))
    assert description.architecture == architecture
    assert unit.norm(dim=1).numpy() == pytest.approx(np.ones(4), abs=1e-5)


def test_channels_last_families() -> None:
    """Swin, whose maps have channels last and whose windows are made for the size of the pictures."""
    architecture = Architecture("swin_tiny_patch4_window7_224", 8, 2, image_size=(64, 32))
    with torch.inference_mode():
        network = EmbeddingNetwork(architecture).eval()
        features = network.backbone(network.normalised(small_runs.pictures(2, size=(64, 32))))
        pooled = network.pooled(small_runs.pictures(2, size=(64, 32)))

    assert features.shape == (2, 2, 1, 768)
    assert pooled.numpy() == pytest.approx(features.mean(dim=(1, 2)).numpy(), abs=1e-5)


def test_a_class_token_must_be_there() -> None:
    """Maps have none, nor have some transformers."""
    for name in ("small-cnn", "test_convnext", "levit_128s"):
        with pytest.raises(ConfigError, match=rf"model\.pooling: {name} has no class token; use average"):
            EmbeddingNetwork(Architecture(name, 8, 2, pooling="cls"))


def test_the_neck_comes_before_normalisation() -> None:
    """raw = neck(layer(pooled)), by running statistics in evaluation, and the embedding is that at unit length."""
    network = EmbeddingNetwork(Architecture("small-cnn", 16, 1, neck="batchnorm"))
    pictures = small_runs.pictures(6)
    for _ in range(3):
        network.raw(pictures)
    with torch.no_grad():
        before = network.eval().before_neck(pictures)
        neck = network.neck
        wanted = (before - neck.running_mean) / (neck.running_var + 1e-5).sqrt()
        assert network.raw(pictures).numpy() == pytest.approx(wanted.numpy(), abs=1e-4)
        assert network(pictures).numpy() == pytest.approx((wanted / wanted.norm(dim=1, keepdim=True)).numpy(), abs=1e-5)
