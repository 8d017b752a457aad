"""From settings to what learns: network, loss and optimiser."""

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from reid import rng
from reid.config import Config
from reid.embed import choose_device
from reid.errors import ConfigError
from reid.model.backbone import check_backbone
from reid.model.divide import DivideAndConquer
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.losses import build_loss, check_loss
from reid.text import printable
from reid.train.group import Group
from reid.train.optimising import GroupRates, Rate, build_optimiser, choose_precision
from reid.train.step import Learning


def check_learning(config: Config, *, device: str = "auto") -> None:
    """Refuse what cannot be had, which takes no time, before weights are looked for or data read.

    Raises:
        ConfigError: no such loss, backbone or device, or one that the settings do not fit.
    """
    place = choose_device(device)
    check_loss(config.loss)
    check_backbone(config.model.backbone, pretrained=config.model.weights == "pretrained")
    if config.train.precision == "fp16" and place.type != "cuda":
        raise ConfigError(f"train.precision: fp16 needs a GPU, and this is {place}; use auto, bf16 or fp32")
    if config.train.sync_batchnorm and place.type != "cuda":
        raise ConfigError(f"train.sync_batchnorm: it needs GPUs, and this is {place}; set it to false")


def build_network(config: Config, *, device: str = "auto", kind: str = "", resumed: bool = False) -> EmbeddingNetwork:
    """The network as `config` has it, which needs no data: mistakes show before a large set is read.

    Args:
        config: all settings.
        device: "auto", "cpu", "cuda", ...
        kind: what the dataset shows, see `picture_size`.
        resumed: whether a checkpoint has the weights, so that those it began with need not be there any more.

    Raises:
        ConfigError: settings that do not fit this machine, or name a backbone that is not there.
        MissingInputError: the backbone's weights cannot be had.
    """
    model = config.model
    architecture = Architecture(
        backbone=model.backbone,
        dimension=model.dimension,
        learners=config.division.learners,
        pooling=model.pooling,
        normalise=model.normalise,
        dropout=model.dropout,
        last_stride=model.last_stride,
        layer=model.layer,
        neck=model.neck,
        image_size=picture_size(config, kind),
    )
    torch.manual_seed(rng.number(config.seed, "weights"))  # torch initialises layers from its own generator only
    network = EmbeddingNetwork(architecture, "random" if resumed else model.weights, partial=model.partial_weights)
    network.to(choose_device(device))
    return network.to(memory_format=torch.channels_last) if config.train.channels_last else network


def picture_size(config: Config, kind: str) -> tuple[int, int]:
    """(height, width) of the network's pictures.

    Args:
        config: all settings.
        kind: what the dataset shows; a standing person is about twice as high as wide.
    """
    size = config.data.image_size
    if isinstance(size, int):
        return (2 * size if kind == "person" else size, size)
    return size


def build_learning(config: Config, network: EmbeddingNetwork, classes: int) -> Learning:
    """What a run trains: a network, the divided loss, and the optimiser of both.

    Args:
        config: all settings.
        network: what `build_network` made of them.
        classes: number of training identities, for losses that have vectors for them.

    Raises:
        ConfigError: a loss cannot be built, or the network cannot be compiled here.
    """
    train, division, place = config.train, config.division, network.mean.device
    torch.manual_seed(rng.number(config.seed, "loss weights"))
    criterion = DivideAndConquer(
        build_loss(config.loss, classes=classes, dimension=config.model.dimension),
        dimension=config.model.dimension,
        learners=division.learners,
        normalise=config.model.normalise,
        subspaces=division.subspaces,
        mask_weight=division.mask_weight,
        start=1 if division.schedule == "doubling" else None,
    ).to(place)
    precision = choose_precision(train.precision, place)
    return Learning(
        network,
        criterion,
        build_optimiser(train.optimiser, network, criterion, group_rates(config)),
        config.seed,
        precision=precision,
        clip=train.clip,
        average=_average(network, train.ema),
        scaler=torch.amp.GradScaler(place.type) if precision == torch.float16 else None,
        forward=_compiled(network) if train.compile else None,
    )


def shared(learning: Learning, group: Group) -> Learning:
    """The same for one of several processes; all begin with the first one's weights."""
    if group.world == 1:
        return learning
    network, forward = learning.network, learning.forward
    forward = network.before_neck if forward is None else forward
    parts = torch.nn.ModuleList(
        part for part in network.children() if part is not network.neck
    )  # which all compute alike
    return dataclasses.replace(learning, group=group, forward=group.forward(parts, forward))


def group_rates(config: Config) -> GroupRates:
    """Learning rate and weight decay of each group of parameters."""
    train, division = config.train, config.division
    return GroupRates(
        backbone=Rate(train.lr if train.backbone_lr is None else train.backbone_lr, train.weight_decay),
        layer=Rate(train.lr, train.weight_decay),
        loss=Rate(train.lr if train.loss_lr is None else train.loss_lr, 0.0),
        masks=Rate(division.mask_lr, division.mask_decay),
    )


def _average(network: EmbeddingNetwork, decay: float) -> torch.optim.swa_utils.AveragedModel | None:
    if not decay:
        return None
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]


def _compiled(network: EmbeddingNetwork) -> Callable[[Tensor], Tensor]:
    """The compiled network, tried out, so that what is missing here shows before anything is read.

    Raises:
        ConfigError: it cannot be compiled.
    """
    compiled = torch.compile(network.before_neck)
    height, width = network.architecture.image_size or (64, 64)
    try:
        with torch.no_grad():
            compiled(torch.zeros(2, height, width, 3, dtype=torch.uint8, device=network.mean.device))
    except Exception as error:  # the compiler's own classes, and whatever the C++ compiler says
        raise ConfigError(
            f"train.compile: this network cannot be compiled here ({printable(error)[:200]}); set it to false"
        ) from error
    return compiled
