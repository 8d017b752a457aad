"""ResNets as re-identification uses them: instance beside batch normalisation, and a last stage without its stride."""

import torch
from torch import Tensor, nn

from reid.errors import ConfigError
from reid.text import printable

INSTANCE_BATCH = {
    "resnet18-ibn-a": ("resnet18", "2f571257"),
    "resnet34-ibn-a": ("resnet34", "94bc1577"),
    "resnet50-ibn-a": ("resnet50", "d9d0bb7b"),
    "resnet101-ibn-a": ("resnet101", "59ea0ac6"),
}
"""ResNets with IBN-a by name: timm's plain one, and the first digits of the sha256 of the weights that its authors publish."""
LICENCE = "MIT"
"""Of the published weights of IBN-Net."""
_PUBLISHED = "https://github.com/XingangPan/IBN-Net/releases/download/v1.0/{name}-{digest}.pth"


class InstanceBatchNorm(nn.Module):
    """Instance normalisation of the first half of the channels and batch normalisation of the others.

    IBN-a of Pan et al., "Two at once: enhancing learning and generalization capacities via IBN-Net", ECCV 2018. Instance
    normalisation takes out contrast and colour cast, which differ from camera to camera. The two parts are called as in
    published weights.

    Args:
        channels: of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = channels // 2
        self.IN = nn.InstanceNorm2d(self.first, affine=True)
        self.BN = nn.BatchNorm2d(channels - self.first)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h, w)."""
        first, second = maps[:, : self.first], maps[:, self.first :]
        return torch.cat([self.IN(first), self.BN(second)], dim=1)


def with_instance_batchnorm(network: nn.Module) -> nn.Module:
    """Put IBN-a after the first convolution of every block of the first three stages of a ResNet, in place.

    Args:
        network: a ResNet of timm's without weights worth keeping there.
    """
    for stage in ("layer1", "layer2", "layer3"):
        for block in network.get_submodule(stage).children():
            plain = block.get_submodule("bn1")
            setattr(block, "bn1", InstanceBatchNorm(plain.num_features))  # type: ignore[arg-type]  # noqa: B010
    return network


def published_weights(name: str) -> str:
    """Where the authors of IBN-Net publish the ImageNet weights of a network in `INSTANCE_BATCH`; MIT licence."""
    plain, digest = INSTANCE_BATCH[name]
    return _PUBLISHED.format(name=f"{plain}_ibn_a", digest=digest)


def without_last_stride(network: nn.Module, name: str) -> nn.Module:
    """Make the last stage of a ResNet keep its input's size, in place: feature maps twice as high and wide.

    Sun et al., "Beyond part models", ECCV 2018; Luo et al., "Bag of tricks and a strong baseline for deep person
    re-identification", CVPRW 2019. Weights stay the same, and nothing is dilated.

    Args:
        network: a ResNet of timm's.
        name: for the message.

    Raises:
        ConfigError: it is no ResNet, or one with a last stage of another make.
    """
    stage = getattr(network, "layer4", None)
    if not isinstance(stage, nn.Sequential):
        raise ConfigError(
            f"model.last_stride: 1 is for ResNets, and model.backbone is {printable(name)}; leave it at 2"
        )
    changed = 0
    for block, module in list(stage[0].named_modules()):
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
            module.stride = (1, 1)
            changed += 1
        elif isinstance(module, nn.AvgPool2d) and module.stride in (2, (2, 2)):
            if not block.startswith("downsample"):
                raise ConfigError(f"model.last_stride: {printable(name)} pools within its last stage; leave it at 2")
            _put(stage[0], block, nn.Identity())
            changed += 1
    if changed != 2:  # the block itself and what goes past it
        raise ConfigError(f"model.last_stride: the last stage of {printable(name)} has no plain stride; leave it at 2")
    return network


def _put(block: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(block.get_submodule(parent), name, module)
