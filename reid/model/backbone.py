"""Networks that turn a batch of normalised pictures into feature maps, and the weights they start from."""

from pathlib import Path

import torch
from torch import Tensor, nn

from reid.errors import ArtefactError, ConfigError, MissingInputError
from reid.model.state import differences, not_finite, read_state
from reid.text import did_you_mean, listed, printable

SMALL_CNN_WIDTHS = (32, 64, 128, 256)
_ELSEWHERE = ("fc.", "classifier.", "head.", "last_linear.", "layer.", "pool.", "mean", "deviation")
_COUNTERS = (".num_batches_tracked",)  # of BatchNorm, which old files lack


class SmallCNN(nn.Module):
    """Four convolutions with batch normalisation, three of stride 2: trains from nothing on a CPU in minutes.

    Strides instead of pooling cost a quarter of the time, for most of it goes into the first, largest maps.
    """

    def __init__(self) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        channels = 3
        for place, width in enumerate(SMALL_CNN_WIDTHS):
            size, stride = (5 if place == 0 else 3), (1 if width == SMALL_CNN_WIDTHS[-1] else 2)
            stages += [
                nn.Conv2d(channels, width, size, stride=stride, padding=size // 2, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            channels = width
        self.stages = nn.Sequential(*stages)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) normalised pictures -> (B, 256, H / 8, W / 8) feature maps."""
        maps: Tensor = self.stages(pictures)
        return maps


def build_backbone(name: str, weights: str) -> tuple[nn.Module, int]:
    """A backbone without its classifier, and the number of channels of its feature map.

    Args:
        name: "small-cnn", or any convolutional image model of timm's.
        weights: "pretrained", "random", or the path of a .safetensors, .pth or .pt file.

    Raises:
        ConfigError: no such backbone, or none of its weights are published.
        MissingInputError: the weights are neither cached nor downloadable, or the file does not exist.
        ArtefactError: the file does not hold this backbone's weights; missing and unexpected keys are listed.
    """
    backbone, channels = (_small_cnn if name == "small-cnn" else _from_timm)(name, weights == "pretrained")
    if weights not in {"pretrained", "random"}:
        load_weights(backbone, Path(weights))
    return backbone, channels


def check_backbone(name: str) -> None:
    """Refuse the name of a backbone that there is none of.

    Raises:
        ConfigError: neither "small-cnn" nor a model of timm's is called so.
    """
    if name == "small-cnn":
        return
    import timm

    known = timm.list_models()
    if name.split(".", maxsplit=1)[0] not in known:
        raise ConfigError(f"model.backbone: no backbone {printable(name)!r}{did_you_mean(name, ['small-cnn', *known])}")


def load_weights(backbone: nn.Module, path: Path) -> None:
    """Fill `backbone` from a file of weights: a state dict of the same network, or a model of this toolkit.

    Weights of a classifier or an embedding layer are left out, as is a "module." or "backbone." in front of every key.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: unreadable, not a state dict, NaN, or keys or shapes differ from the backbone's.
    """
    found = {key.removeprefix("module.").removeprefix("backbone."): value for key, value in read_state(path).items()}
    if problems := differences(backbone.state_dict(), found, may_lack=_COUNTERS, may_have=_ELSEWHERE):
        raise ArtefactError(f"{printable(path)} does not hold the weights of this backbone: {problems}")
    if broken := not_finite(found):
        raise ArtefactError(f"{printable(path)} holds NaN or infinity in {listed(broken, 5)}; use another file")
    backbone.load_state_dict({key: found.get(key, value) for key, value in backbone.state_dict().items()})


def _small_cnn(_name: str, pretrained: bool) -> tuple[nn.Module, int]:
    if pretrained:
        raise ConfigError("model.weights: small-cnn has no pretrained weights; set model.weights=random or name a file")
    return SmallCNN(), SMALL_CNN_WIDTHS[-1]


def _from_timm(name: str, pretrained: bool) -> tuple[nn.Module, int]:
    import timm

    check_backbone(name)
    try:
        network = timm.create_model(name, pretrained=pretrained, num_classes=0, global_pool="")
    except Exception as error:  # whatever the hub's client of the day raises
        if not pretrained:
            raise
        raise MissingInputError(
            f"the pretrained weights of {name} are not in timm's cache and could not be downloaded ({type(error).__name__}); "
            f"name a file with --weights FILE, or train from nothing with --set model.weights=random"
        ) from error
    return network, _channels(name, network)


def _channels(name: str, network: nn.Module) -> int:
    """Channels of the feature map of a network of timm's."""
    refusal = "choose a convolutional network"
    try:
        with torch.no_grad():
            maps = network.eval()(torch.zeros(1, 3, 64, 64))
    except Exception as error:  # networks of one size only raise what they like
        raise ConfigError(
            f"model.backbone: {name} gives an error for pictures of 64 x 64 ({printable(error)[:80]}); {refusal}"
        ) from error
    if maps.ndim != 4:
        raise ConfigError(f"model.backbone: {name} gives tokens of shape {tuple(maps.shape)}; {refusal}")
    if maps.shape[1] not in {network.num_features, network.head_hidden_size}:
        raise ConfigError(f"model.backbone: {name} gives maps with channels last, {tuple(maps.shape)}; {refusal}")
    return int(maps.shape[1])
