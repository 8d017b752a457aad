"""What a network starts from: the weights in a file, or those of a run."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reid.errors import ArtefactError
from reid.model.foreign import Renamed, renamed
from reid.model.state import differences, not_finite, read_described
from reid.text import listed, printable

RUN_MODEL = "model.safetensors"
_COUNTERS = (".num_batches_tracked",)  # of BatchNorm, which old files lack
_HEADS = {"pool": "pooling", "layer": "embedding layer", "neck": "neck"}
_LISTED = 5

State = dict[str, Tensor]


def load_weights(network: nn.Module, path: Path, *, partial: bool = False) -> tuple[str, ...]:
    """Fill an embedding network from a file: a state dict of its backbone, a model of another project's, or one of ours.

    The backbone must fit as a whole. Pooling, embedding layer and neck are taken where there are such and they fit; a
    classifier is left out. A position embedding for pictures of another size is resampled.

    Args:
        network: an `EmbeddingNetwork`.
        path: a run folder, a model.safetensors, or a .safetensors, .pth or .pt file of others.
        partial: whether tensors of the backbone may be missing or of another shape; they keep their beginnings then.

    Returns:
        What was taken and what was not, a sentence each.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: unreadable, not a state dict, NaN, or keys or shapes differ from the backbone's.
    """
    path = path / RUN_MODEL if path.is_dir() else path
    state, about = read_described(path)
    wanted = network.state_dict()
    found = renamed(state, set(wanted))
    sizes = _sizes(network, about)
    tensors = {name: _resampled(network, name, tensor, wanted, sizes) for name, tensor in found.tensors.items()}
    backbone = _part(wanted, "backbone")
    given = _part(tensors, "backbone")
    if not partial:
        _check(network, backbone, given, about, path)
    if broken := not_finite(given):
        raise ArtefactError(f"{printable(path)} holds NaN or infinity in {listed(broken, 5)}; use another file")
    taken = {f"backbone.{key}": given[key] for key, value in backbone.items() if _fits(given.get(key), value)}
    if not taken:
        raise ArtefactError(
            f"{printable(path)} does not hold the weights of this backbone: not one of its tensors fits; "
            f"it has {listed(state, _LISTED)}"
        )
    heads, kept, refused = _heads(wanted, tensors)
    network.load_state_dict({**wanted, **taken, **heads})
    part = "the backbone"
    if len(taken) < len(backbone) and partial:
        share = sum(map(torch.numel, taken.values())) / sum(map(torch.numel, backbone.values()))
        part += f" ({len(taken)} of {len(backbone)} tensors, {share:.2%} of its numbers; the rest begins anew)"
    return tuple(_told(path, found, [part, *kept], refused))


def _check(network: nn.Module, wanted: State, given: State, about: Mapping[str, Any], path: Path) -> None:
    problems = differences(wanted, given, may_lack=_COUNTERS)
    if not problems:
        return
    theirs = about.get("architecture", {}).get("backbone")
    own: Any = getattr(network, "architecture", None)
    if theirs is not None and theirs != own.backbone:
        raise ArtefactError(
            f"{printable(path)} is a model with the backbone {printable(theirs)}, and model.backbone is {own.backbone}; "
            f"set model.backbone={printable(theirs)} or name another file"
        )
    raise ArtefactError(
        f"{printable(path)} does not hold the weights of this backbone: {problems}; set model.backbone to the network that "
        "they are of, or take what fits with --partial"
    )


def _heads(wanted: State, tensors: State) -> tuple[State, list[str], list[str]]:
    """Tensors of the parts after the backbone that fit as a whole, what these parts are, and what does not fit."""
    taken: State = {}
    kept, refused = [], []
    for part, title in _HEADS.items():
        own, given = _part(wanted, part), _part(tensors, part)
        if not given:
            continue
        lacking = [key for key in own if key not in given and not f".{key}".endswith((*_COUNTERS, ".bias"))]
        fits = all(_fits(given[key], own[key]) for key in own if key in given)
        if own and fits and not lacking and not not_finite(given):
            biases = {key: torch.zeros_like(own[key]) for key in own if key == "bias"}  # of a layer without
            taken |= {f"{part}.{key}": value for key, value in {**biases, **given}.items() if key in own}
            kept.append(title)
        else:
            refused.append(f"{title} ({_shapes(given)}, here {_shapes(own) if own else 'none'})")
    return taken, kept, refused


def _told(path: Path, found: Renamed, taken: list[str], refused: list[str]) -> list[str]:
    lines = [f"weights from {printable(path)}, {found.origin}: taken are {', '.join(taken)}"]
    left = refused + ([f"classifier and the like ({listed(found.left_out, 3)})"] if found.left_out else [])
    if left:
        lines.append(f"weights left out: {'; '.join(left)}")
    return lines


def _part(state: Mapping[str, Tensor], part: str) -> State:
    return {key.partition(".")[2]: value for key, value in state.items() if key.partition(".")[0] == part}


def _fits(given: Tensor | None, wanted: Tensor) -> bool:
    return given is not None and given.shape == wanted.shape


def _shapes(tensors: State) -> str:
    largest = max(tensors.values(), key=torch.numel)
    return " x ".join(map(str, largest.shape)) or f"{largest.item():.3g}"


def _sizes(network: nn.Module, about: Mapping[str, Any]) -> tuple[Any, Any]:
    """(height, width) of the pictures that a file and the network were built for, as far as that is known."""
    own: Any = getattr(network, "architecture", None)
    return about.get("architecture", {}).get("image_size"), own.image_size


def _resampled(network: nn.Module, name: str, tensor: Tensor, wanted: State, sizes: tuple[Any, Any]) -> Tensor:
    """A position embedding (1, T, C) for the number of patches of this network; anything else as it is."""
    own, layout = wanted.get(name), getattr(network, "layout", None)
    if name != "backbone.pos_embed" or own is None or own.ndim != 3 or tensor.ndim != 3 or layout is None:
        return tensor
    if tensor.shape[2] != own.shape[2] or layout.grid is None or (tensor.shape == own.shape and not all(sizes)):
        return tensor
    from timm.layers.pos_embed import resample_abs_pos_embed

    rows, columns = layout.grid
    prefix = own.shape[1] - rows * columns
    patches = tensor.shape[1] - prefix
    side = math.isqrt(max(patches, 0))
    old = (side, side)
    if all(sizes):
        (height, width), (own_height, own_width) = sizes
        old = height * rows // own_height, width * columns // own_width
    if prefix < 0 or old[0] * old[1] != patches or old == layout.grid:
        return tensor
    resampled: Tensor = resample_abs_pos_embed(tensor, [rows, columns], list(old), num_prefix_tokens=prefix)
    return resampled
