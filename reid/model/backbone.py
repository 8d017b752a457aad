"""Networks that turn a batch of normalised pictures into features, by name."""

import fnmatch
import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reid.errors import ConfigError, MissingInputError
from reid.model.layout import Layout
from reid.model.resnet_variants import (
    INSTANCE_BATCH,
    LICENCE,
    published_weights,
    with_instance_batchnorm,
    without_last_stride,
)
from reid.text import did_you_mean, printable

SMALL_CNN = "small-cnn"
SMALL_CNN_WIDTHS = (32, 64, 128, 256)
_ANY_SIZE = (64, 64)  # of a picture that a network of any size is tried with


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


@dataclass(frozen=True)
class Backbone:
    """A network without its classifier.

    Attributes:
        network: (B, 3, H, W) normalised pictures in, features out.
        layout: how these are laid out.
        notes: where its weights come from and under which licence, if they are published ones; a sentence each.
    """

    network: nn.Module
    layout: Layout
    notes: tuple[str, ...] = ()


def build_backbone(
    name: str, *, size: tuple[int, int] | None = None, last_stride: int = 2, pretrained: bool = False
) -> Backbone:
    """A backbone by name.

    Args:
        name: "small-cnn", a ResNet with IBN-a ("resnet50-ibn-a"), or any image model of timm's.
        size: (height, width) of its pictures, which networks with a position embedding are built for; None is their own.
        last_stride: 1 keeps the maps of a ResNet's last stage as large as those before it; 2 is the network as it is.
        pretrained: whether it gets the weights that are published, from the local cache or downloaded.

    Raises:
        ConfigError: no such backbone, none of its weights are published, or it cannot take such pictures or stride.
        MissingInputError: the weights are neither cached nor downloadable.
    """
    check_backbone(name, pretrained=pretrained)
    network, notes = _named(name, size, pretrained)
    if last_stride == 1:
        network = without_last_stride(network, name)
    return Backbone(network, _layout(name, network, size), notes)


def check_backbone(name: str, *, pretrained: bool = False) -> None:
    """Refuse the name of a backbone that there is none of.

    Args:
        name: of the backbone.
        pretrained: whether published weights are wanted, too.

    Raises:
        ConfigError: there is no such network, or no weights of it are published.
    """
    own = [SMALL_CNN, *INSTANCE_BATCH]
    if name not in own:
        import timm

        plain, _, tag = name.partition(".")
        if plain not in (known := timm.list_models()):
            near = did_you_mean(name, [*own, *known])
            raise ConfigError(
                f"model.backbone: no backbone {printable(name)!r}{near} reid-train --list-backbones lists all"
            )
        if tag and name not in (tags := timm.list_pretrained(f"{plain}.*")):
            raise ConfigError(f"model.backbone: no weights {printable(name)!r}{did_you_mean(name, tags)}")
        if not pretrained or timm.is_model_pretrained(plain):
            return
    elif not pretrained or name != SMALL_CNN:
        return
    raise ConfigError(f"model.weights: {name} has no pretrained weights; set model.weights=random or name a file")


def known_backbones(pattern: str = "*") -> dict[str, bool]:
    """Names of backbones, and whether weights of each are published.

    Args:
        pattern: with the wildcards of file names; a plain word finds every name that holds it.
    """
    import timm

    wanted = pattern if set(pattern) & set("*?[") else f"*{pattern}*"
    published = {name.partition(".")[0] for name in timm.list_models(pretrained=True)}
    every = {SMALL_CNN: False} | dict.fromkeys(INSTANCE_BATCH, True)
    every |= {name: name in published for name in timm.list_models()}
    return {name: has for name, has in every.items() if fnmatch.fnmatchcase(name, wanted)}


def _named(name: str, size: tuple[int, int] | None, pretrained: bool) -> tuple[nn.Module, tuple[str, ...]]:
    if name == SMALL_CNN:
        return SmallCNN(), ()
    return _instance_batch(name, pretrained) if name in INSTANCE_BATCH else _from_timm(name, size, pretrained)


def _instance_batch(name: str, pretrained: bool) -> tuple[nn.Module, tuple[str, ...]]:
    import timm

    network = with_instance_batchnorm(timm.create_model(INSTANCE_BATCH[name][0], num_classes=0, global_pool=""))
    if not pretrained:
        return network, ()
    url = published_weights(name)
    try:
        state = torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, weights_only=True, progress=sys.stderr.isatty()
        )
        network.load_state_dict({key: value for key, value in state.items() if not key.startswith("fc.")})
    except Exception as error:  # of the network, of a damaged download, or of another file in its place
        raise MissingInputError(
            f"the weights of {name} could not be had from {url} ({type(error).__name__}); "
            f"name a file with --weights FILE, or train from nothing with --set model.weights=random"
        ) from error
    return network, (f"weights of {name}: {url}; licence: {LICENCE}",)


def _from_timm(name: str, size: tuple[int, int] | None, pretrained: bool) -> tuple[nn.Module, tuple[str, ...]]:
    import timm

    about = timm.get_pretrained_cfg(name)
    fixed = {"img_size": size} if size is not None and about is not None and about.fixed_input_size else {}
    network: nn.Module | None = None
    for options in ({"global_pool": "", **fixed}, fixed, {"global_pool": ""}, {}):  # not all know all of these
        try:
            network = timm.create_model(name, pretrained=pretrained, num_classes=0, **options)
        except (AssertionError, TypeError, ValueError):
            continue
        except Exception as error:  # whatever the hub's client of the day raises
            if not pretrained:
                raise
            raise MissingInputError(
                f"the pretrained weights of {name} are not in timm's cache and could not be downloaded ({type(error).__name__}); "
                f"name a file with --weights FILE, or train from nothing with --set model.weights=random"
            ) from error
        notes = (*_licence(network), *_last_norm(name, network)) if pretrained else ()
        return _headless(network, options), notes
    raise ConfigError(f"model.backbone: {name} cannot be built without its classifier; choose another")


def _last_norm(name: str, network: nn.Module) -> tuple[str, ...]:
    """Give a transformer without its pooling the last normalisation that was published for behind the pooling."""
    import timm

    own = network.state_dict()
    if "norm.weight" not in own or not hasattr(network, "fc_norm"):
        return ()
    published = timm.create_model(name, pretrained=True, num_classes=0).state_dict()
    behind = {key: value for key, value in published.items() if key.startswith("fc_norm.")}
    if not behind:
        return ()
    network.load_state_dict({**own, **{key.removeprefix("fc_"): value for key, value in behind.items()}})
    return (f"the last normalisation of {name}, published for behind its pooling, is applied to every token before it",)


def _headless(network: nn.Module, options: dict[str, Any]) -> nn.Module:
    if "global_pool" not in options:  # it insists on pooling: what comes before is taken
        network.forward = network.forward_features  # type: ignore[assignment]
        if hasattr(network, "head"):
            network.head = nn.Identity()
    return network


def _licence(network: nn.Module) -> tuple[str, ...]:
    about: dict[str, Any] = getattr(network, "pretrained_cfg", None) or {}
    name = ".".join(part for part in (about.get("architecture"), about.get("tag")) if part)
    origin = f", {printable(about['origin_url'])}" if about.get("origin_url") else ""
    return (f"weights of {printable(name)}{origin}; licence: {printable(about.get('license') or 'not stated')}",)


def _layout(name: str, network: nn.Module, size: tuple[int, int] | None) -> Layout:
    """How a network lays out its features, found by trying it."""
    own = getattr(network, "pretrained_cfg", None) or {}
    natural = own["input_size"][1:] if own.get("fixed_input_size") else _ANY_SIZE
    height, width = natural if size is None else size
    try:
        with torch.no_grad():
            features = network.eval()(torch.zeros(1, 3, height, width))
    except Exception as error:  # networks of certain sizes only raise what they like
        made_for = f"it is made for {natural[0]} x {natural[1]}; " if own.get("fixed_input_size") else ""
        raise ConfigError(
            f"model.backbone: {name} gives an error for pictures of {height} x {width} ({printable(error)[:80]}); "
            f"{made_for}change data.image_size or choose another network"
        ) from error
    network.train()  # as modules are when they are made
    shape = tuple(features.shape) if isinstance(features, Tensor) else ()
    if len(shape) == 4:
        last = getattr(network, "output_fmt", "NCHW") == "NHWC"
        return Layout("channels-last", shape[3]) if last else Layout("maps", shape[1])
    if len(shape) != 3:
        what = f"features of shape {shape}" if shape else type(features).__name__
        raise ConfigError(f"model.backbone: {name} gives {what}, neither a feature map nor tokens; choose another")
    return _tokens(network, shape, (height, width))


def _tokens(network: nn.Module, shape: tuple[int, ...], size: tuple[int, int]) -> Layout:
    prefix = getattr(network, "num_prefix_tokens", None)
    if prefix is None:
        prefix = int(isinstance(getattr(network, "cls_token", None), Tensor))
    patches, height, width = shape[1] - prefix, *size
    # the grid is as oblong as the picture, as near as whole patches allow
    grids = [(rows, patches // rows) for rows in range(1, patches + 1) if patches % rows == 0]
    grid = min(grids, key=lambda grid: abs(grid[0] * width - grid[1] * height), default=None)
    return Layout("tokens", shape[2], prefix, grid)
