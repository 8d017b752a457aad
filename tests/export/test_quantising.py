"""Integers instead of float32: smaller, near the original, and the embedding layer is left alone."""

import exports
import numpy as np
import onnx
import pytest
from exports import Exports

from reid.embed import load_embedder
from reid.errors import ArtefactError
from reid.export.quantising import embedding_layer, to_int8


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    return exports.exported(tmp_path_factory)


def test_layers_multiply_in_integers_but_the_last(made: Exports) -> None:
    """Weights of convolutions are int8, those of the embedding layer float32, and the file is less than half as large."""
    graph = onnx.load(made.int8)
    types = {tensor.name: tensor.data_type for tensor in graph.graph.initializer}
    kernels = [onnx.TensorProto.INT8 for node in graph.graph.node if node.op_type == "Conv"]
    last = next(node for node in graph.graph.node if node.name == embedding_layer(graph))

    assert len(kernels) == 4
    assert [kind for name, kind in types.items() if kind == onnx.TensorProto.INT8 and "weight" in name][:4] == kernels
    assert last.op_type == "Gemm"
    assert types[last.input[1]] == onnx.TensorProto.FLOAT
    assert made.int8.stat().st_size < 0.5 * made.float32.stat().st_size


def test_vectors_stay_near_the_originals(made: Exports) -> None:
    """Not equal, as the integers are used, and of unit length; the mean cosine is above 0.99."""
    wanted = made.embedder().embed(made.records.files())
    found = load_embedder(made.int8).embed(made.records.files())

    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(60), abs=1e-5)
    assert (found * wanted).sum(axis=1).mean() > 0.99
    assert np.abs(found - wanted).max() > 1e-4


def test_what_cannot_be_quantised_is_an_error_of_one_sentence(made: Exports) -> None:
    """No images to find scales with."""
    with pytest.raises(ArtefactError, match=r"cannot quantise the model .*export it without --int8"):
        to_int8(made.float32.read_bytes(), [])
