"""An ONNX model in 8-bit integers, as onnxruntime makes it: static, from what the layers put out for some images."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.errors import ArtefactError
from reid.export.tracing import INPUT, in_silence, require_libraries
from reid.text import printable

QUANTISED = ("Conv", "MatMul", "Gemm", "Add", "MaxPool")
_WEIGHTED = ("Conv", "MatMul", "Gemm")


def to_int8(model: bytes, inputs: Iterable[NDArray[np.float32]]) -> bytes:
    """A serialised ONNX model that multiplies in integers, from one that multiplies in float32.

    Weights have a scale for each output channel, layers' outputs one each, which spans the smallest and the largest value
    seen; both stand in the file as pairs of QuantizeLinear and DequantizeLinear. The embedding layer, the last with
    weights, stays in float32 with all that follows it: it costs next to nothing and is where rounding tells most.

    Args:
        model: a serialised model of `to_onnx`.
        inputs: (B, 3, height, width) float32 batches such as it will see; a few hundred images are enough.

    Raises:
        ConfigError: the libraries for it are not installed.
        ArtefactError: onnxruntime cannot quantise the model.
    """
    require_libraries()
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    graph = onnx.load_from_string(model)
    with tempfile.TemporaryDirectory() as folder, in_silence():
        out = Path(folder) / "int8.onnx"
        try:
            quantize_static(
                graph,
                str(out),
                _Reader(inputs),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
                op_types_to_quantize=list(QUANTISED),
                nodes_to_exclude=[embedding_layer(graph)],
            )
        except Exception as error:  # the library raises what its parts do
            raise ArtefactError(
                f"onnxruntime cannot quantise the model ({printable(error)[:300]}); export it without --int8"
            ) from error
        return out.read_bytes()


def embedding_layer(graph: Any) -> str:
    """Name of the last node with weights."""
    weights = {tensor.name for tensor in graph.graph.initializer}
    weighted = [node for node in graph.graph.node if node.op_type in _WEIGHTED and weights.intersection(node.input)]
    name: str = weighted[-1].name
    return name


class _Reader:
    """Batches as onnxruntime asks for them, one after the other."""

    def __init__(self, inputs: Iterable[NDArray[np.float32]]) -> None:
        self._inputs = iter(inputs)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        batch = next(self._inputs, None)
        return None if batch is None else {INPUT: batch}
