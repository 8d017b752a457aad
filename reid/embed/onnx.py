"""Exported models as embedders, computed by onnxruntime."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reid.embed.model import Model
from reid.embed.reading import Floats, Pixels
from reid.errors import ArtefactError, ConfigError, ShapeError
from reid.model import onnx_file
from reid.model.onnx_file import OUTSIDE, Exported
from reid.model.store import Description
from reid.text import printable

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


@dataclass(eq=False)
class OnnxModel:
    """A model that onnxruntime computes.

    Attributes:
        session: of onnxruntime.
        about: what the file says of itself.
        threads: how many compute.
        path: of the file.
    """

    session: Any
    about: Exported
    threads: int
    path: Path

    def compute_with(self, threads: int) -> None:
        """Let another number of threads compute, on a CPU; onnxruntime is told so when it opens a file, which is done again.

        Raises:
            MissingInputError: it is gone.
            ArtefactError: it was damaged or replaced since.
        """
        if threads == self.threads:
            return
        content, about = onnx_file.read(self.path)
        if about.fingerprint != self.about.fingerprint:
            raise ArtefactError(f"{printable(self.path)} was replaced by another model a moment ago; start again")
        self.session = _session(content, self.path, "cpu", threads)
        self.threads = threads

    @property
    def description(self) -> Description:
        """How images are prepared for it."""
        return self.about.description

    @property
    def fingerprint(self) -> str:
        """Of what it computes; vectors of different fingerprints must not be compared."""
        return self.about.fingerprint

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self.about.description.architecture.dimension

    @property
    def device(self) -> torch.device | None:
        """None: it is no device of torch's."""
        return None

    def pictures(self, batch: Pixels) -> Floats:
        """(B, height, width, 3) uint8 RGB pictures of the description's size -> (B, D) float32, unit length.

        Raises:
            ShapeError: they are of another size or type.
        """
        wanted = (*self.description.image_size, 3)
        if batch.dtype != np.uint8 or batch.shape[1:] != wanted:
            raise ShapeError(f"the model takes uint8 pictures of {wanted}, got {batch.dtype} of {batch.shape[1:]}")
        if not len(batch):
            return np.empty((0, self.dimension), dtype=np.float32)
        vectors: Floats = self.session.run(None, {self.session.get_inputs()[0].name: as_input(batch, self.about)})[0]
        return vectors


def as_input(batch: Pixels, about: Exported) -> Floats:
    """(B, H, W, 3) uint8 RGB pictures as the file takes them: (B, 3, H, W) float32."""
    pixels = np.ascontiguousarray(batch.transpose(0, 3, 1, 2), dtype=np.float32)
    if about.normalise == OUTSIDE:
        architecture = about.description.architecture
        for channel, (mean, deviation) in enumerate(zip(architecture.mean, architecture.deviation, strict=True)):
            part = pixels[:, channel]
            part -= np.float32(255 * mean)
            part /= np.float32(255 * deviation)
    return pixels


def load_onnx(path: Path, *, device: str = "auto") -> Model:
    """The model in an ONNX file that reid-export wrote.

    As many threads compute as torch's at this moment: as OMP_NUM_THREADS says, or as there are cores, unless
    `torch.set_num_threads` said otherwise.

    Args:
        path: of the file.
        device: "auto", "cpu" or "cuda".

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: it is damaged, altered, of a newer version, or from elsewhere.
        ConfigError: onnxruntime is not installed, or has no such device.
    """
    content, about = onnx_file.read(path)
    return open_model(content, about, path, device=device)


def open_model(
    content: bytes, about: Exported, path: Path, *, device: str = "auto", threads: int | None = None
) -> OnnxModel:
    """The model whose file's content is known and proved.

    Args:
        content: of the file.
        about: what it says of itself.
        path: for messages.
        device: "auto", "cpu" or "cuda".
        threads: how many compute; None is as many as torch's.

    Raises:
        ArtefactError: onnxruntime cannot read it.
        ConfigError: onnxruntime is not installed, or has no such device.
    """
    threads = torch.get_num_threads() if threads is None else threads
    return OnnxModel(_session(content, path, device, threads), about, threads, path)


def _session(content: bytes, path: Path, device: str, threads: int) -> Any:
    runtime = onnxruntime(f"{printable(path)} is computed by onnxruntime, which is not installed")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # its warnings and errors go to standard error, whatever the caller makes of them
    # Threads that wait without sleeping would hold up those that read images.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = _providers(runtime.get_available_providers(), device)
    try:
        return runtime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # the library has a class for every kind of failure, and no common one
        raise ArtefactError(
            f"{printable(path)} cannot be read by onnxruntime {runtime.__version__} ({printable(error)[:200]}); "
            "install a newer onnxruntime, or export the run again with a smaller --opset"
        ) from error


def onnxruntime(why: str) -> Any:
    """The library onnxruntime.

    Args:
        why: what it is wanted for, for the message.

    Raises:
        ConfigError: it is not installed; the extra is named.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(f"{why}: pip install 'reid-toolkit[onnx]'") from error
    return onnxruntime


def _providers(available: list[str], device: str) -> list[Any]:
    """What onnxruntime computes with, most wanted first; on a GPU with products in full float32, as on a CPU."""
    if device == "cpu" or (device == "auto" and CUDA not in available):
        return [CPU]
    if device != "auto" and not device.startswith("cuda"):
        raise ConfigError(f"an ONNX file is computed on cpu or cuda, not on {printable(device)!r}; leave --device out")
    if CUDA not in available:
        raise ConfigError("this onnxruntime cannot use a GPU; put onnxruntime-gpu in its place, or leave --device out")
    number = device.partition(":")[2]
    return [(CUDA, {"use_tf32": "0", **({"device_id": number} if number else {})}), CPU]
