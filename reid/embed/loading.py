"""Where models come from: run folders and exported files."""

from pathlib import Path

import torch

from reid.embed.embedder import Embedder
from reid.embed.model import TorchModel
from reid.embed.onnx import load_onnx
from reid.errors import ConfigError
from reid.model.store import load_model
from reid.text import printable


def load_embedder(path: str | Path, *, device: str = "auto") -> Embedder:
    """The model of a run folder, or of an exported file.

    Args:
        path: a run folder such as "runs/latest", a model.safetensors, or an ONNX file.
        device: "auto", "cpu", "cuda", ...

    Raises:
        MissingInputError: no model there.
        ArtefactError: the model is corrupt.
        ConfigError: there is no such device.
    """
    if Path(path).suffix.lower() == ".onnx":
        return Embedder(load_onnx(Path(path), device=device))
    place = choose_device(device)
    network, description, fingerprint = load_model(Path(path))
    network.to(device=place).to(memory_format=torch.channels_last)
    return Embedder(TorchModel(network, description, fingerprint, place))


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
