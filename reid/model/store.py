"""A model on disk: `model.safetensors`, which describes and checks itself, and `model.json`, the same to read."""

import dataclasses
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reid import files
from reid.errors import ArtefactError, MissingInputError
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.head import LAYERS, NECKS, POOLING
from reid.model.state import FORMAT, differences, not_finite, pack, unpack
from reid.model.subspaces import NORMALISE
from reid.text import listed, printable

WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"


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
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    if broken := not_finite(tensors):
        raise ArtefactError(f"the model was not saved: NaN or infinity in {listed(broken, 5)}")
    about = dataclasses.asdict(description)
    content, fingerprint = pack(about, tensors)
    files.write_bytes(folder / WEIGHTS, content)
    files.write_json(
        folder / DESCRIPTION,
        {"format": FORMAT, **about, "fingerprint": fingerprint, "sha256": hashlib.sha256(content).hexdigest()},
    )
    return fingerprint


def load_model(folder: Path) -> tuple[EmbeddingNetwork, Description, str]:
    """The network in evaluation mode, its description, and its fingerprint (sha256 of weights and description).

    Args:
        folder: a run, or the path of a model.safetensors.

    Raises:
        MissingInputError: no model there.
        ArtefactError: not a model of this toolkit, of a newer version, altered since it was written, of a network that
            is built differently today, or with weights that are NaN or infinite.
    """
    path = folder if folder.suffix == ".safetensors" else folder / WEIGHTS
    if not path.is_file():
        raise MissingInputError(
            f"there is no model {printable(path)}; train one with reid-train, or name another run with --run"
        )
    about, tensors, fingerprint = unpack(files.read_bytes(path), path)
    description = describe(about)
    with torch.random.fork_rng(devices=[]):  # the layers' beginnings, overwritten at once, are no draws of the caller's
        network = EmbeddingNetwork(description.architecture)
    return _fill(network, tensors, path), description, fingerprint


def _fill(network: EmbeddingNetwork, tensors: dict[str, Tensor], path: Path) -> EmbeddingNetwork:
    if problems := differences(network.state_dict(), tensors):
        raise ArtefactError(
            f"{printable(path)} does not fit the network that this version builds for it: {problems}; "
            f"install the versions of reid-toolkit and timm that it was made with"
        )
    if broken := not_finite(tensors):
        raise ArtefactError(f"{printable(path)} holds NaN or infinity in {listed(broken, 5)}; train the model again")
    network.load_state_dict(tensors)
    return network.eval()


def describe(about: Mapping[str, Any]) -> Description:
    """The description in what a file of ours says of itself.

    Raises:
        ArtefactError: it names a part that this version does not know.
    """
    architecture = {**about["architecture"]}
    parts: dict[str, Collection[str]] = {"pooling": POOLING, "normalise": NORMALISE, "layer": LAYERS, "neck": NECKS}
    strange = [*architecture.keys() - {field.name for field in dataclasses.fields(Architecture)}]
    strange += [
        f"{part} {architecture[part]!r}"
        for part, known in parts.items()
        if part in architecture and architecture[part] not in known
    ]
    if strange:
        raise ArtefactError(
            f"the model has what this version does not know ({listed(sorted(strange))}); update reid-toolkit"
        )
    for name in ("mean", "deviation"):
        architecture[name] = tuple(architecture[name])
    if architecture.get("image_size") is not None:
        architecture["image_size"] = tuple(architecture["image_size"])
    fields = {field.name: about[field.name] for field in dataclasses.fields(Description)}
    return Description(
        **{**fields, "architecture": Architecture(**architecture), "image_size": tuple(about["image_size"])}
    )
