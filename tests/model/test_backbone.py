"""Backbones by name, and where their published weights come from."""

import pytest
import timm
import torch
from torch import nn

from reid.errors import ConfigError, MissingInputError
from reid.model.backbone import SmallCNN, build_backbone, check_backbone, known_backbones
from reid.model.layout import Layout
from reid.model.resnet_variants import with_instance_batchnorm

RESNET = "test_resnet"  # ResNet's names and layout, and small


@pytest.mark.parametrize("size", [(32, 32), (64, 32)])
@pytest.mark.parametrize("name", ["small-cnn", RESNET])
def test_backbones_give_feature_maps(name: str, size: tuple[int, int]) -> None:
    """(B, 3, H, W) -> (B, C, h, w) with the number of channels that was announced; no classifier is left."""
    found = build_backbone(name)
    maps = found.network.eval()(torch.zeros(2, 3, *size))

    assert (found.layout.kind, found.notes) == ("maps", ())
    assert maps.shape[:2] == (2, found.layout.channels)
    assert maps.shape[2] * size[1] == maps.shape[3] * size[0]
    assert all(isinstance(module, nn.Identity) for name, module in found.network.named_modules() if name == "fc")


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("test_vit", Layout("tokens", 64, 1, (4, 2))),
        ("test_vit4", Layout("tokens", 96, 1, (4, 2))),
        ("deit_tiny_distilled_patch16_224", Layout("tokens", 192, 2, (4, 2))),
        ("test_mambaout", Layout("channels-last", 256)),
        ("efficientvit_b0", Layout("maps", 128)),
    ],
)
def test_other_layouts_are_recognised(name: str, layout: Layout) -> None:
    """Transformers are built for the size of the pictures; those that insist on pooling are taken before it."""
    found = build_backbone(name, size=(64, 32))
    features = found.network.eval()(torch.zeros(2, 3, 64, 32))

    assert found.layout == layout
    assert found.layout.maps(features).shape[:2] == (2, layout.channels)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("levit_128s", None),
        ("nest_tiny", "gives an error for pictures of 64 x 32 .*made for 224 x 224; change data.image_size"),
        ("coat_tiny", "gives list, neither a feature map nor tokens"),
    ],
)
def test_what_cannot_take_the_pictures_says_so(name: str, message: str | None) -> None:
    """A network of one size, or without features in one piece, is refused with what was found."""
    if message is None:
        assert build_backbone(name, size=(64, 32)).layout.kind == "tokens"
        return
    with pytest.raises(ConfigError, match=rf"model\.backbone: {name} {message}"):
        build_backbone(name, size=(64, 32))


@pytest.mark.parametrize("name", ["small-cnn", RESNET])
def test_memory_stays_channels_last(name: str) -> None:
    """Pictures that lie channels-last in memory stay so through the network: nothing is copied on the way."""
    backbone = build_backbone(name).network.eval().to(memory_format=torch.channels_last)
    strays = []

    def watch(module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        if output.ndim == 4 and not output.is_contiguous(memory_format=torch.channels_last):
            strays.append(type(module).__name__)

    for module in backbone.modules():
        if isinstance(module, (nn.Conv2d, nn.BatchNorm2d, nn.ReLU)):
            module.register_forward_hook(watch)
    backbone(torch.zeros(2, 3, 32, 32).to(memory_format=torch.channels_last))

    assert strays == []


def test_names_that_do_not_exist() -> None:
    """An unknown backbone names the nearest; small-cnn has no published weights, nor has one that timm has none of."""
    with pytest.raises(ConfigError, match=r"model\.backbone: no backbone 'resnet51'; did you mean 'resnet5"):
        build_backbone("resnet51")
    with pytest.raises(ConfigError, match="no backbone 'smallcnn'; did you mean 'small-cnn'"):
        build_backbone("smallcnn")
    with pytest.raises(
        ConfigError, match=r"no backbone 'resnet50_ibn_a'; did you mean 'resnet50-ibn-a'.*--list-backbones"
    ):
        check_backbone("resnet50_ibn_a")
    with pytest.raises(ConfigError, match=r"no weights 'resnet18\.a1_in2k'; did you mean 'resnet18\.a1_in1k'"):
        check_backbone("resnet18.a1_in2k")
    for name in ("small-cnn", next(name for name, published in known_backbones().items() if not published)):
        check_backbone(name)
        with pytest.raises(ConfigError, match=rf"{name} has no pretrained weights; set model\.weights=random"):
            check_backbone(name, pretrained=True)


def test_backbones_are_listed() -> None:
    """All of timm's and our own; a word finds every name that holds it, wildcards match whole names."""
    every = known_backbones()

    assert set(timm.list_models()) < every.keys()
    assert list(known_backbones("ibn-a")) == [f"resnet{depth}-ibn-a" for depth in (18, 34, 50, 101)]
    assert known_backbones("small-cnn") == {"small-cnn": False}
    assert known_backbones("test_resne?") == {"test_resnet": True}
    assert known_backbones("no such thing") == {}


def test_a_failed_download_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Published weights that can neither be found nor downloaded: exit code 66, and --weights is named."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError("[Errno 101] Network is unreachable")

    monkeypatch.setattr("timm.create_model", fail)
    with pytest.raises(
        MissingInputError, match=r"pretrained weights of resnet18 .* --weights FILE, .* model\.weights=random"
    ):
        build_backbone("resnet18", pretrained=True)
    monkeypatch.undo()
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", fail)
    with pytest.raises(
        MissingInputError, match=r"resnet18-ibn-a could not be had from https.* \(OSError\).* --weights FILE"
    ):
        build_backbone("resnet18-ibn-a", pretrained=True)


def test_published_weights_come_with_their_licence(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the hub says of weights that it gives (here a stand-in for it) is passed on; of IBN-a, its authors' licence."""
    torch.manual_seed(0)
    published, create = timm.create_model(RESNET), timm.create_model

    def hub(name: str, **options: object) -> nn.Module:
        overlay = {"state_dict": published.state_dict(), "license": "cc-by-nc-4.0", "origin_url": "https://example.org"}
        return create(name, **options, pretrained_cfg_overlay=overlay)

    monkeypatch.setattr("timm.create_model", hub)
    found = build_backbone(RESNET, pretrained=True)
    assert torch.equal(found.network.layer1[0].conv1.weight, published.layer1[0].conv1.weight)
    assert found.notes == ("weights of test_resnet.r160_in1k, https://example.org; licence: cc-by-nc-4.0",)
    assert build_backbone(RESNET).notes == ()

    monkeypatch.undo()
    state = with_instance_batchnorm(timm.create_model("resnet18")).state_dict()
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", lambda *_args, **_options: state)
    found = build_backbone("resnet18-ibn-a", pretrained=True)
    assert torch.equal(found.network.layer1[0].bn1.IN.weight, state["layer1.0.bn1.IN.weight"])
    assert torch.equal(found.network.layer2[0].conv1.weight, state["layer2.0.conv1.weight"])
    assert found.notes[0].endswith("resnet18_ibn_a-2f571257.pth; licence: MIT")


def test_a_normalisation_behind_the_pooling_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transformers that are published with it there have no other: taken without their pooling, they would begin without."""
    torch.manual_seed(0)
    published, create = timm.create_model("test_vit2", num_classes=1000), timm.create_model
    nn.init.uniform_(published.fc_norm.weight)

    def hub(name: str, **options: object) -> nn.Module:
        return create(name, **options, pretrained_cfg_overlay={"state_dict": dict(published.state_dict())})

    monkeypatch.setattr("timm.create_model", hub)
    found = build_backbone("test_vit2", pretrained=True)

    assert torch.equal(found.network.norm.weight, published.fc_norm.weight)
    assert torch.equal(found.network.pos_embed, published.pos_embed)
    assert "published for behind its pooling" in found.notes[1]


def test_small_cnn_is_small() -> None:
    """Its maps have an eighth of the size."""
    assert SmallCNN()(torch.zeros(2, 3, 48, 32)).shape == (2, 256, 6, 4)
