"""State dicts of other projects, told apart by their keys, in the names of our network.

Known are those of torchvision, timm, IBN-Net and torchreid (a network and its classifier), of fast-reid ("backbone." and
"heads."), and of the strong baseline of Luo et al. and what was made from it ("base.", "bottleneck.", "classifier.").
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

_WRAPPERS = ("module.", "_orig_mod.", "model.", "network.", "encoder.")  # of data parallelism, compilers and trainers
_CLASSIFIERS = ("fc.", "classifier.", "head.", "head_dist.", "heads.", "last_linear.", "cls_head.", "logits.")
_PARTS = {"backbone", "pool", "layer", "neck"}
_PIXELS = {"mean", "deviation", "pixel_mean", "pixel_std"}

State = dict[str, Tensor]


class Renamed(NamedTuple):
    """A state dict in our names.

    Attributes:
        origin: whose it is, in words.
        tensors: by our names: "backbone.", "pool.", "layer." and "neck." with what follows.
        left_out: keys of a classifier and of whatever else has no place here, as they were called.
    """

    origin: str
    tensors: State
    left_out: list[str]


def renamed(state: Mapping[str, Tensor], wanted: set[str]) -> Renamed:
    """A state dict in our names, whoever saved it.

    Args:
        state: as it was read.
        wanted: names of the tensors of our network, which are never taken for a classifier's.
    """
    tensors = _unwrapped(dict(state), wanted)
    origin, name_of = next((origin, name_of) for origin, belongs, name_of in _ORIGINS if belongs(tensors))
    found, left_out = Renamed(origin, {}, []), []
    for key, tensor in tensors.items():
        name = name_of(key, tensor)
        if name is None:
            left_out += [] if key in _PIXELS else [key]
        elif name.partition(".")[0] not in _PARTS or (
            name not in wanted and name.startswith(tuple(f"backbone.{word}" for word in _CLASSIFIERS))
        ):
            left_out.append(key)
        else:
            found.tensors[name] = tensor
    return found._replace(left_out=left_out, tensors=_shaped(found.tensors))


def _unwrapped(state: State, wanted: set[str]) -> State:
    """Without the words that wrappers put in front of every key."""
    while True:
        words = [word for word in _WRAPPERS if any(key.startswith(word) for key in state)]
        words = [word for word in words if not any(name.startswith(f"backbone.{word}") for name in wanted)]
        if not words:
            return state
        state = {key.removeprefix(words[0]): tensor for key, tensor in state.items()}


def _ours(key: str, _tensor: Tensor) -> str | None:
    return None if key in _PIXELS else key


def _fast_reid(key: str, tensor: Tensor) -> str | None:
    if key.startswith("backbone."):
        return key
    if key == "heads.pool_layer.p":
        return "pool.exponent"
    if match := re.fullmatch(r"heads\.bottleneck\.\d+\.(\w+)", key):
        return f"layer.{match[1]}" if tensor.ndim == 4 else f"neck.{match[1]}"
    return None


def _baseline(key: str, _tensor: Tensor) -> str | None:
    if key.startswith("base."):
        return f"backbone.{key.removeprefix('base.')}"
    return f"neck.{key.removeprefix('bottleneck.')}" if key.startswith("bottleneck.") else None


def _plain(key: str, _tensor: Tensor) -> str | None:
    return f"backbone.{key}"


def _any(word: str) -> Callable[[State], bool]:
    return lambda state: any(key.startswith(word) for key in state)


_ORIGINS: tuple[tuple[str, Callable[[State], bool], Callable[[str, Tensor], str | None]], ...] = (
    ("a model of fast-reid", _any("heads."), _fast_reid),
    ("a model of the strong baseline", _any("base."), _baseline),
    ("a model of this toolkit", lambda state: "mean" in state and "deviation" in state, _ours),
    ("a backbone", _any("backbone."), _ours),
    ("a network with IBN-a", lambda state: any(".bn1.IN." in key for key in state), _plain),
    ("a network", lambda _state: True, _plain),
)
"""Whose a state dict is, how one sees it, and what its keys are called here; None for what there is no place for."""


def _shaped(tensors: State) -> State:
    """A convolution of one pixel is a linear layer, and a tensor with one number may be that number."""
    shaped = dict(tensors)
    if (weight := shaped.get("layer.weight")) is not None and weight.ndim == 4:
        shaped["layer.weight"] = weight.flatten(1)
    if (exponent := shaped.get("pool.exponent")) is not None:
        shaped["pool.exponent"] = exponent.reshape(())
    return shaped
