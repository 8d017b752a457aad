"""Where models come from: run folders and exported files."""

from pathlib import Path

import torch

from reid.embed.embedder import Embedder
from reid.embed.model import Model, TorchModel
from reid.embed.onnx import load_onnx
from reid.errors import ConfigError
from reid.model.store import load_model
from reid.text import listed, printable

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def load_embedder(
    path: str | Path, *, device: str = "auto", precision: str = "fp32", flip: bool = False, crops: int = 1
) -> Embedder:
    """The model of a run folder, or of an exported file.

    Args:
        path: a run folder such as "runs/latest", a model.safetensors, or an ONNX file.
        device: "auto", "cpu", "cuda", ...
        precision: what the network multiplies in, "fp32" or "bf16", whose vectors are nearly those of "fp32" and count
            as the same model's; an exported file has its own.
        flip: see `Embedder.averaged`.
        crops: see `Embedder.averaged`.

    Raises:
        MissingInputError: no model there.
        ArtefactError: the model is corrupt.
        ConfigError: there is no such device, precision or number of crops.
    """
    return Embedder(_model(Path(path), device, precision)).averaged(flip=flip, crops=crops)


def _model(path: Path, device: str, precision: str) -> Model:
    if precision not in PRECISIONS:
        raise ConfigError(f"precision {printable(precision)!r} is not known; there are {listed(PRECISIONS)}")
    if path.suffix.lower() == ".onnx":
        if precision != "fp32":
            raise ConfigError(f"{printable(path)} has a precision of its own; leave --precision out, or name a run")
        return load_onnx(path, device=device)
    place = choose_device(device)
    network, description, fingerprint = load_model(path)
    network.to(device=place).to(memory_format=torch.channels_last)
    return TorchModel(network, description, fingerprint, place, PRECISIONS[precision])


def choose_device(name: str) -> torch.device:
    """The device called `name`; "auto" is a GPU if there is one.

    Raises:
        ConfigError: there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ConfigError(
            f"device {printable(name)!r} cannot be used here; use cpu, or leave --device out ({printable(error)[:100]})"
        ) from error
    return device
