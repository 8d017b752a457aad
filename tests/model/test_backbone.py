"""Backbones by name, and where their weights come from."""

from pathlib import Path

import pytest
import small_runs
import timm
import torch
from torch import nn

from reid.errors import ArtefactError, ConfigError, MissingInputError
from reid.model.backbone import build_backbone, check_backbone
from reid.model.store import save_model

RESNET = "test_resnet"  # ResNet's names and layout, and small


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    """A network with a classifier, as its weights are published."""
    torch.manual_seed(3)
    return timm.create_model(RESNET, pretrained=False, num_classes=10)


@pytest.mark.parametrize("size", [(32, 32), (64, 32)])
@pytest.mark.parametrize("name", ["small-cnn", RESNET])
def test_backbones_give_feature_maps(name: str, size: tuple[int, int]) -> None:
    """(B, 3, H, W) -> (B, C, h, w) with the number of channels that was announced; no classifier is left."""
    backbone, channels = build_backbone(name, "random")
    maps = backbone.eval()(torch.zeros(2, 3, *size))

    assert maps.ndim == 4
    assert maps.shape[:2] == (2, channels)
    assert maps.shape[2] * size[1] == maps.shape[3] * size[0]
    assert all(isinstance(module, nn.Identity) for name, module in backbone.named_modules() if name == "fc")


@pytest.mark.parametrize("name", ["small-cnn", RESNET])
def test_memory_stays_channels_last(name: str) -> None:
    """Pictures that lie channels-last in memory stay so through the network: nothing is copied on the way."""
    backbone, _ = build_backbone(name, "random")
    backbone = backbone.eval().to(memory_format=torch.channels_last)
    strays = []

    def watch(module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        if output.ndim == 4 and not output.is_contiguous(memory_format=torch.channels_last):
            strays.append(type(module).__name__)

    for module in backbone.modules():
        if isinstance(module, (nn.Conv2d, nn.BatchNorm2d, nn.ReLU)):
            module.register_forward_hook(watch)
    backbone(torch.zeros(2, 3, 32, 32).to(memory_format=torch.channels_last))

    assert strays == []


def test_weights_of_a_classifier_fit_after_their_last_layer_is_removed(resnet: nn.Module, tmp_path: Path) -> None:
    """A state dict with "fc.", with "module." or "backbone." before every key, or without BatchNorm's counters."""
    state = resnet.state_dict()
    torch.save(state, tmp_path / "plain.pth")
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "parallel.pth")
    torch.save({f"module.backbone.{key}": value for key, value in state.items()}, tmp_path / "both.pth")
    torch.save({key: value for key, value in state.items() if "num_batches" not in key}, tmp_path / "old.pth")
    for path in sorted(tmp_path.iterdir()):
        backbone, _ = build_backbone(RESNET, str(path))

        assert all(torch.equal(value, state[key]) for key, value in backbone.state_dict().items()), path.name


def test_weights_of_a_run(tmp_path: Path) -> None:
    """A model of ours gives its backbone, whatever its embedding layer and pooling are."""
    network = small_runs.network(pooling="generalised-mean", seed=5)
    save_model(tmp_path, network, small_runs.description(network.architecture))
    backbone, _ = build_backbone("small-cnn", str(tmp_path / "model.safetensors"))

    assert all(torch.equal(a, b) for a, b in zip(backbone.parameters(), network.backbone.parameters(), strict=True))


def test_weights_of_another_network_are_refused_and_listed(resnet: nn.Module, tmp_path: Path) -> None:
    """D6: missing, unexpected and misshapen keys are listed; nothing is loaded in part."""
    state = resnet.state_dict()
    first = next(iter(state))
    changed = {key: value for key, value in state.items() if key != first}
    changed["layer2.0.bn1.weight"], changed["new.weight"] = torch.zeros(3), torch.zeros(1)
    path = tmp_path / "weights.pth"
    torch.save(changed, path)

    with pytest.raises(ArtefactError) as caught:
        build_backbone(RESNET, str(path))
    message = str(caught.value)
    assert "weights.pth does not hold the weights of this backbone" in message
    assert f"missing: {first}" in message
    assert "unexpected: new.weight" in message
    assert "shapes: layer2.0.bn1.weight is (3,), wanted" in message


def test_nan_in_weights_is_refused(resnet: nn.Module, tmp_path: Path) -> None:
    """D7: weights with NaN are refused by name."""
    state = {key: value.clone() for key, value in resnet.state_dict().items()}
    state["conv1.0.weight"][0, 0] = torch.nan
    torch.save(state, tmp_path / "nan.pth")

    with pytest.raises(ArtefactError, match=r"nan\.pth holds NaN or infinity in conv1\.0\.weight"):
        build_backbone(RESNET, str(tmp_path / "nan.pth"))


def test_names_and_weights_that_do_not_exist() -> None:
    """An unknown backbone names the nearest; small-cnn has no published weights; a file must be there."""
    with pytest.raises(ConfigError, match=r"model\.backbone: no backbone 'resnet51'; did you mean 'resnet5"):
        build_backbone("resnet51", "random")
    with pytest.raises(ConfigError, match="no backbone 'smallcnn'; did you mean 'small-cnn'"):
        build_backbone("smallcnn", "random")
    with pytest.raises(ConfigError, match=r"small-cnn has no pretrained weights; set model\.weights=random"):
        build_backbone("small-cnn", "pretrained")
    with pytest.raises(MissingInputError, match=r"nowhere\.pth"):
        build_backbone("small-cnn", "nowhere.pth")


@pytest.mark.parametrize(
    ("name", "found"),
    [("test_vit", r"tokens of shape \(1, \d+, 64\)"), ("vit_tiny_patch16_224", "an error for pictures of 64 x 64")],
)
def test_a_network_without_a_feature_map_is_refused(name: str, found: str) -> None:
    """A vision transformer gives tokens, or takes one size only: the message says what was found."""
    with pytest.raises(ConfigError, match=rf"model\.backbone: {name} gives {found}.*; choose a convolutional network"):
        build_backbone(name, "random")


def test_a_failed_download_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretrained weights that can neither be found nor downloaded: exit code 66, and --weights is named."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError("[Errno 101] Network is unreachable")

    monkeypatch.setattr("timm.create_model", fail)
    with pytest.raises(
        MissingInputError, match=r"pretrained weights of resnet18 .* --weights FILE, .* model\.weights=random"
    ):
        build_backbone("resnet18", "pretrained")


def test_names_are_checked_without_building_anything() -> None:
    """A name that there is no network for is refused with the nearest one; the others pass."""
    check_backbone("small-cnn")
    check_backbone("resnet18")

    with pytest.raises(ConfigError, match="did you mean 'resnet50'"):
        check_backbone("resnt50")
