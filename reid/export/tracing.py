"""A network as an ONNX graph, made by torch's exporter."""

import contextlib
import copy
import importlib.util
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from reid.errors import ArtefactError, ConfigError
from reid.model.embedder import EmbeddingNetwork
from reid.model.onnx_file import INSIDE
from reid.text import printable

OPSETS = 18, 23
"""The smallest and the largest opset that can be asked for."""
OPSET = 20
INPUT, OUTPUT, BATCH = "images", "embeddings", "batch"
_LIBRARIES = ("onnx", "onnxscript", "onnxruntime")


def to_onnx(network: EmbeddingNetwork, size: tuple[int, int], *, normalise: str = INSIDE, opset: int = OPSET) -> bytes:
    """A serialised ONNX model of a network, from pixels to unit vectors.

    Input `images`, (batch, 3, height, width) float32, RGB; any batch, one height and width. Output `embeddings`,
    (batch, d) float32. The network stays as it is.

    Args:
        network: on any device.
        size: (height, width) of its pictures.
        normalise: "inside" takes pixels in 0..255, "outside" pixels over 255, less the mean, over the deviation.
        opset: version of ONNX's operators.

    Raises:
        ConfigError: the libraries for it are not installed, or there is no such opset.
        ArtefactError: torch's exporter cannot express the network.
    """
    require_libraries()
    check_opset(opset)
    pictures = _Pictures(network, normalise=normalise).eval()
    example = torch.zeros(2, 3, *size)  # one picture would be taken for the rule
    try:
        with in_silence():
            program: Any = torch.onnx.export(
                pictures,
                (example,),
                dynamo=True,
                opset_version=opset,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim(BATCH)},),
                verbose=False,
            )
            made = program.model_proto
    except Exception as error:  # the exporter raises what its parts do
        raise ArtefactError(
            f"torch {torch.__version__} cannot write {printable(network.architecture.backbone)} as ONNX "
            f"({printable(error)[:300]}); try another --opset, or deploy the run folder"
        ) from error
    _check_batch(made)
    content: bytes = made.SerializeToString()
    return content


def check_opset(opset: int) -> None:
    """Refuse a version of the operators that torch's exporter does not write.

    Raises:
        ConfigError: it is none of `OPSETS`.
    """
    if not OPSETS[0] <= opset <= OPSETS[1]:
        raise ConfigError(f"opset {opset} cannot be written; choose one from {OPSETS[0]} to {OPSETS[1]}")


def require_libraries() -> None:
    """Refuse to begin without what writing and verifying ONNX takes.

    Raises:
        ConfigError: a library is not installed; the extra is named.
    """
    missing = [name for name in _LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f"export needs {', '.join(missing)}: pip install 'reid-toolkit[onnx]'")


class _Pictures(nn.Module):
    """A copy of a network that takes pixels as trackers and servers hold them: float32 in planes."""

    def __init__(self, network: EmbeddingNetwork, *, normalise: str) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).cpu().to(memory_format=torch.contiguous_format).requires_grad_(False)
        self.network.normalised = self._normalised if normalise == INSIDE else _as_it_is  # type: ignore[method-assign]

    def forward(self, images: Tensor) -> Tensor:
        vectors: Tensor = self.network(images)
        return vectors

    def _normalised(self, images: Tensor) -> Tensor:
        return (images - self.network.mean) / self.network.deviation


def _as_it_is(images: Tensor) -> Tensor:
    return images


@contextlib.contextmanager
def in_silence() -> Iterator[None]:
    """Without warnings of the libraries, which are about their own insides; what they write is verified afterwards."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _check_batch(made: Any) -> None:
    """Refuse a graph for batches of one size, which the exporter writes where a network looks at its batch's length."""
    sides = [side.type.tensor_type.shape.dim[0] for side in (made.graph.input[0], made.graph.output[0])]
    if not all(dim.dim_param for dim in sides):
        raise ArtefactError(
            "torch's exporter fixed the number of images in a batch, so the model would be of no use; deploy the run folder"
        )
