"""A model on disk: `model.safetensors`, which describes and checks itself, and `model.json`, the same to read.

The description and a sha256 over it and every tensor are in the header of the safetensors file, so that weights and
description can never come from different moments, and a changed bit is noticed. `model.json` is a copy for people
and other programs.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reid import files
from reid.errors import ArtefactError, MissingInputError
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.text import listed, printable

WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"
FORMAT = 1


@dataclass(frozen=True)
class Description:
    """What a model is and how images must be prepared for it.

    Attributes:
        architecture: the network.
        image_size: (height, width) of the network's input in pixels.
        crop: how an image becomes that size: "resize", or "centre" (a little larger, then the middle).
        interpolation: rule for changing an image's size, see `reid.data.transforms.resize`.
        kind: what it was trained on: "vehicle", "person", ...
        dataset: name of the dataset it was trained on.
    """

    architecture: Architecture
    image_size: tuple[int, int]
    crop: str
    interpolation: str
    kind: str
    dataset: str


def save_model(folder: Path, network: EmbeddingNetwork, description: Description) -> str:
    """Write a model into `folder`, which must exist, and return its fingerprint.

    Raises:
        ArtefactError: a weight is NaN or infinite, or writing failed.
    """
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    broken = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if broken:
        raise ArtefactError(f"the model was not saved: NaN or infinity in {listed(broken, 5)}")
    about = {"format": FORMAT, **dataclasses.asdict(description)}
    fingerprint = _digest(about, tensors)
    header = {"reid": json.dumps(about), "sha256": fingerprint}
    files.write_bytes(folder / WEIGHTS, save(tensors, metadata=header))
    files.write_json(
        folder / DESCRIPTION, {**about, "fingerprint": fingerprint, "sha256": files.sha256(folder / WEIGHTS)}
    )
    return fingerprint


def load_model(folder: Path) -> tuple[EmbeddingNetwork, Description, str]:
    """The network in evaluation mode, its description, and its fingerprint (sha256 of weights and description).

    Args:
        folder: a run, or the path of a model.safetensors.

    Raises:
        MissingInputError: no model there.
        ArtefactError: not a model of this toolkit, of a newer version, or altered since it was written.
    """
    path = folder if folder.suffix == ".safetensors" else folder / WEIGHTS
    if not path.is_file():
        raise MissingInputError(
            f"there is no model {printable(path)}; train one with reid-train, or name another run with --run"
        )
    content = files.read_bytes(path)
    try:
        about, fingerprint, tensors = _read(content)
    except Exception as error:  # the reader raises its own class or KeyError or ValueError, all of them meaning damage
        raise ArtefactError(
            f"{printable(path)} is corrupt or not a model of this toolkit ({printable(error)[:120]})"
        ) from error
    if about["format"] > FORMAT:
        raise ArtefactError(
            f"{printable(path)} has format {about['format']}, newer than this version reads ({FORMAT}); update reid-toolkit"
        )
    if _digest(about, tensors) != fingerprint:
        raise ArtefactError(
            f"{printable(path)} is corrupt: its weights or description differ from the sha256 written with them"
        )
    description = _describe(about)
    network = EmbeddingNetwork(description.architecture)
    network.load_state_dict(tensors)
    return network.eval(), description, fingerprint


def _read(content: bytes) -> tuple[dict[str, Any], str, dict[str, Tensor]]:
    from safetensors.torch import load

    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])["__metadata__"]
    return json.loads(header["reid"]), header["sha256"], load(content)


def _describe(about: dict[str, Any]) -> Description:
    architecture = {**about["architecture"]}
    for name in ("mean", "deviation"):
        architecture[name] = tuple(architecture[name])
    fields = {field.name: about[field.name] for field in dataclasses.fields(Description)}
    return Description(
        **{**fields, "architecture": Architecture(**architecture), "image_size": tuple(about["image_size"])}
    )


def _digest(about: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    total = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
