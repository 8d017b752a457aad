"""ResNets with IBN-a and with last stride 1."""

import pytest
import timm
import torch
from torch import nn

from reid.errors import ConfigError
from reid.model.backbone import build_backbone
from reid.model.resnet_variants import INSTANCE_BATCH, InstanceBatchNorm, published_weights, without_last_stride


def test_half_is_normalised_by_picture_and_half_by_batch() -> None:
    """By hand: the first half of the channels over each picture's places, the second over the batch's."""
    torch.manual_seed(0)
    maps = torch.randn(3, 6, 4, 5) * 2 + 1
    made = InstanceBatchNorm(6)(maps).detach()
    for half, places in ((slice(0, 3), (2, 3)), (slice(3, 6), (0, 2, 3))):
        part = maps[:, half]
        mean, variance = part.mean(dim=places, keepdim=True), part.var(dim=places, unbiased=False, keepdim=True)
        assert made[:, half].numpy() == pytest.approx(((part - mean) / (variance + 1e-5).sqrt()).numpy(), abs=1e-5)


def test_contrast_of_a_picture_goes() -> None:
    """Instance normalisation undoes a camera's gain and offset, batch normalisation in evaluation does not."""
    torch.manual_seed(0)
    norm, maps = InstanceBatchNorm(4).eval(), torch.randn(2, 4, 6, 6)
    plain, changed = norm(maps), norm(maps * 3 + 2)

    assert changed[:, :2].detach().numpy() == pytest.approx(plain[:, :2].detach().numpy(), abs=1e-4)
    assert not torch.allclose(changed[:, 2:], plain[:, 2:], atol=0.1)


@pytest.mark.parametrize(("name", "blocks"), [("resnet18-ibn-a", 2 + 2 + 2), ("resnet50-ibn-a", 3 + 4 + 6)])
def test_the_first_three_stages_have_it(name: str, blocks: int) -> None:
    """The first normalisation of every block but the last stage's; all else is the plain network's, and so are its names."""
    network = build_backbone(name).network
    places = [place for place, module in network.named_modules() if isinstance(module, InstanceBatchNorm)]
    plain = timm.create_model(INSTANCE_BATCH[name][0], num_classes=0, global_pool="").state_dict()
    own = network.state_dict()

    assert len(places) == blocks
    assert all(place.startswith(("layer1.", "layer2.", "layer3.")) and place.endswith(".bn1") for place in places)
    assert {key for key in own if ".IN." not in key and ".BN." not in key} == {
        key for key in plain if not key.startswith(tuple(f"{place}." for place in places))
    }
    assert own["layer1.0.bn1.IN.weight"].shape == own["layer1.0.bn1.BN.running_mean"].shape == (32,)


def test_published_weights_are_named_by_their_digest() -> None:
    """Every variant has an address, in which torch's downloader finds the digest to verify."""
    for name in INSTANCE_BATCH:
        assert torch.hub.HASH_REGEX.search(published_weights(name).rpartition("/")[2]) is not None


@pytest.mark.parametrize("name", ["resnet10t", "test_resnet", "resnet18-ibn-a"])
def test_maps_are_twice_as_large_without_the_last_stride(name: str) -> None:
    """Same weights, same receptive grid: every second place is what it was, and nothing is dilated."""
    torch.manual_seed(0)
    plain, kept = build_backbone(name).network.eval(), build_backbone(name, last_stride=1).network.eval()
    kept.load_state_dict(plain.state_dict())
    with torch.no_grad():
        before, after = (network(torch.zeros(1, 3, 64, 32)) for network in (plain, kept))

    assert after.shape == (*before.shape[:2], 2 * before.shape[2], 2 * before.shape[3])
    assert all(module.dilation == (1, 1) for module in kept.modules() if isinstance(module, nn.Conv2d))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("test_convnext", "is for ResNets"),
        ("resnest14d", "pools within its last stage"),
        ("resnetblur18", "no plain stride"),
    ],
)
def test_other_networks_keep_theirs(name: str, found: str) -> None:
    """What has no plain stride in a last stage is refused, not built wrongly."""
    with torch.device("meta"):
        network = timm.create_model(name, num_classes=0, global_pool="")
    with pytest.raises(ConfigError, match=rf"model\.last_stride: .*{found}.*; leave it at 2"):
        without_last_stride(network, name)
