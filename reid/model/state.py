"""State dicts in files: those of others, in which nothing is executed, and ours, which check themselves.

A file of ours is a safetensors file whose header holds a description and a sha256 over it and every tensor, so that
weights and description can never come from different moments, and a changed bit is noticed.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reid import files
from reid.errors import ArtefactError
from reid.model.torch_files import read_tensors
from reid.text import listed, printable

FORMAT = 1
_KEY = "reid"


def pack(about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> tuple[bytes, str]:
    """The content of a file of ours, and its fingerprint.

    Args:
        about: description, plain values.
        tensors: contiguous, on the CPU.

    Returns:
        Bytes that are the same whenever the arguments are, and the sha256 over description and tensors.
    """
    from safetensors.torch import save

    about = {"format": FORMAT, **about}
    fingerprint = _digest(about, tensors)
    # One entry: the format writes several in any order.
    return save(dict(tensors), metadata={_KEY: json.dumps({**about, "sha256": fingerprint})}), fingerprint


def unpack(content: bytes, path: Path) -> tuple[dict[str, Any], dict[str, Tensor], str]:
    """Description, tensors and fingerprint of a file of ours.

    Args:
        content: of the file.
        path: for messages.

    Raises:
        ArtefactError: not a file of this toolkit, of a newer version, or altered since it was written.
    """
    from safetensors.torch import load

    try:
        about = json.loads(_header(content)[_KEY])
        fingerprint, tensors = about.pop("sha256"), load(content)
        newer, intact = about["format"] > FORMAT, _digest(about, tensors) == fingerprint
    except Exception as error:  # the reader raises its own class, KeyError, TypeError or ValueError: all mean damage
        raise ArtefactError(
            f"{printable(path)} is corrupt or not a model of this toolkit ({printable(error)[:120]})"
        ) from error
    if newer:
        raise ArtefactError(
            f"{printable(path)} has format {about['format']}, newer than this version reads ({FORMAT}); update reid-toolkit"
        )
    if not intact:
        raise ArtefactError(
            f"{printable(path)} is corrupt: its weights or description differ from the sha256 written with them"
        )
    return about, tensors, fingerprint


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors in a .safetensors or torch file; nothing in it is executed, and a file of ours is verified.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: unreadable, altered, or not a mapping of tensors.
    """
    return read_described(path)[0]


def read_described(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The same, and what a file of ours says of itself; nothing for a file of others.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: unreadable, altered, or not a mapping of tensors.
    """
    if path.suffix != ".safetensors":
        return read_tensors(path), {}
    from safetensors.torch import load

    content = files.read_bytes(path)
    try:
        state, ours = load(content), _KEY in _header(content)
    except Exception as error:  # the reader raises its own class, KeyError, TypeError or ValueError
        raise ArtefactError(
            f"{printable(path)} is not a readable file of weights ({printable(error)[:200]})"
        ) from error
    if ours:
        about, tensors, _ = unpack(content, path)
        return tensors, about
    if not state:
        raise ArtefactError(f"{printable(path)} holds something else than a mapping of names to tensors")
    return state, {}


def differences(
    wanted: Mapping[str, Tensor],
    found: Mapping[str, Tensor],
    *,
    may_lack: tuple[str, ...] = (),
    may_have: tuple[str, ...] = (),
) -> str:
    """What is missing, unexpected or of another shape in a state dict; empty where nothing is.

    Args:
        wanted: state dict of the network.
        found: state dict that is to fill it.
        may_lack: ends of keys that need not be there.
        may_have: beginnings of keys that are passed over.
    """
    shapes = [
        f"{key} is {tuple(found[key].shape)}, wanted {tuple(value.shape)}"
        for key, value in wanted.items()
        if key in found and found[key].shape != value.shape
    ]
    missing = [key for key in wanted if key not in found and not key.endswith(may_lack)]
    extra = [key for key in found if key not in wanted and not key.startswith(may_have)]
    problems = (("missing", missing), ("unexpected", extra), ("shapes", shapes))
    return "; ".join(f"{title}: {listed(keys, 5)}" for title, keys in problems if keys)


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """Names of the tensors that hold NaN or infinity."""
    real = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
    # A finite sum proves all finite, in an eighth of the time; an infinite one may be of finite values.
    return [name for name, tensor in real.items() if not (tensor.sum().isfinite() or tensor.isfinite().all())]


def _header(content: bytes) -> dict[str, str]:
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, str] = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    return metadata


def _digest(about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    total = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
