"""The graph of every kind of network gives its vectors, for batches of any length."""

import logging
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import small_runs
import torch

from reid.errors import ArtefactError, ConfigError
from reid.export import tracing
from reid.export.tracing import check_opset, require_libraries, to_onnx
from reid.model.embedder import Architecture, EmbeddingNetwork

MEAN, DEVIATION = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
SIZE = 64, 32
KINDS: dict[str, tuple[Architecture, str, int]] = {  # poolings, rules of normalisation, layers
    "small-cnn": (Architecture("small-cnn", 24, 3, "max"), "inside", 20),
    "outside": (
        Architecture("small-cnn", 24, 3, "generalised-mean", "whole", mean=MEAN, deviation=DEVIATION),
        "outside",
        18,
    ),
    "transformer": (Architecture("test_vit", 64, 4, "cls", layer="none", image_size=SIZE), "inside", 20),
}
FAMILIES = {
    name: (Architecture(name, 24, 3, neck="batchnorm", image_size=size), "inside", 20)
    for name, size in (
        ("resnet50", None),
        ("resnet18-ibn-a", None),
        ("convnext_tiny", None),
        ("mobilenetv3_small_050", None),
        ("efficientnet_b0", None),
        ("swin_tiny_patch4_window7_224", SIZE),
        ("vit_small_patch16_dinov3", SIZE),
    )
}


def network(architecture: Architecture) -> EmbeddingNetwork:
    """Random weights, and statistics of batches that are not those of an untrained network."""
    torch.manual_seed(0)
    made = EmbeddingNetwork(architecture).eval()
    for module in made.modules():
        if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            assert module.running_mean is not None
            module.running_mean.uniform_(-0.3, 0.3)
    return made


@pytest.mark.parametrize(
    ("architecture", "where", "opset"),
    [
        *(pytest.param(*kind, id=name) for name, kind in KINDS.items()),
        *(pytest.param(*kind, id=name, marks=pytest.mark.soak) for name, kind in FAMILIES.items()),
    ],
)
def test_a_graph_gives_the_vectors_of_its_network(architecture: Architecture, where: str, opset: int) -> None:
    """Batches of one, two and five: unit vectors equal to 1e-6; the network is left as it was."""
    made = network(architecture).to(memory_format=torch.channels_last)
    learned = [parameter.requires_grad for parameter in made.parameters()]
    graph = onnx.load_from_string(to_onnx(made, SIZE, normalise=where, opset=opset))
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])

    assert [(one.name, one.shape, one.type) for one in session.get_inputs()] == [
        ("images", ["batch", 3, *SIZE], "tensor(float)")
    ]
    assert [(one.name, one.shape) for one in session.get_outputs()] == [
        ("embeddings", ["batch", architecture.dimension])
    ]
    assert [one.version for one in graph.opset_import if one.domain == ""] == [opset]
    for count in (1, 2, 5):
        pictures = small_runs.pictures(count, size=SIZE)
        pixels = pictures.numpy().astype(np.float64)
        if where == "outside":  # as trackers do it
            pixels = (pixels / 255 - architecture.mean) / architecture.deviation
        given = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32)
        with torch.no_grad():
            wanted = made(pictures).numpy()
        assert session.run(None, {"images": given})[0] == pytest.approx(wanted, abs=2e-6)
    assert "normalised" not in vars(made)
    assert [parameter.requires_grad for parameter in made.parameters()] == learned


def test_opsets_that_cannot_be_written_are_refused() -> None:
    """Too small and too large; the message says what there is."""
    for opset in (17, 24):
        with pytest.raises(ConfigError, match=rf"opset {opset} cannot be written; choose one from 18 to 23"):
            check_opset(opset)


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without onnxscript: a sentence, and no traceback of torch's."""
    require_libraries()
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    monkeypatch.setattr(tracing.importlib.util, "find_spec", lambda name: None if name == "onnxscript" else object())

    with pytest.raises(ConfigError, match=r"export needs onnxscript: pip install 'reid-toolkit\[onnx\]'"):
        to_onnx(small_runs.network(), (32, 32))


def test_a_network_that_cannot_be_expressed_is_an_error_of_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the exporter raises, in one sentence; logging is as it was."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("Failed to decompose\nthe FX graph")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(ArtefactError, match=r"cannot write small-cnn as ONNX \(.*deploy the run folder"):
        to_onnx(small_runs.network(), (32, 32))

    assert logging.root.manager.disable == logging.NOTSET


def test_a_graph_for_batches_of_one_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the exporter makes of a network that asks for the length of its batch."""
    side = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 3])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [side], [side])

    class Made:
        model_proto = onnx.helper.make_model(graph)

    monkeypatch.setattr(torch.onnx, "export", lambda *_, **__: Made())
    with pytest.raises(ArtefactError, match="fixed the number of images in a batch"):
        to_onnx(small_runs.network(), (32, 32))
