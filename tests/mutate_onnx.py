"""ONNX files with a right seal over a damaged or hostile model, and what becomes of a process that opens and runs them."""

import functools
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import damage
import numpy as np
import onnx
from onnx import TensorProto

from reid.data.processes import READY
from reid.embed.onnx import open_model
from reid.errors import ArtefactError
from reid.model import onnx_file

SECONDS, MEMORY = 30, 2**29
_AT_ONCE = 35  # as many kinds of damage as there are


def model_of(path: Path) -> bytes:
    """The model in a file of ours, without what the file says of itself."""
    graph = onnx.load(path)
    del graph.metadata_props[:]
    return bytes(graph.SerializeToString())


def hostile(model: bytes) -> dict[str, bytes]:
    """Models that name other files, claim absurd sizes or ask for all memory."""

    def changed(change: Callable[[Any], object]) -> bytes:
        graph = onnx.load_from_string(model)
        change(graph.graph)
        return bytes(graph.SerializeToString())

    def elsewhere(place: str) -> Callable[[Any], object]:
        def change(graph: Any) -> None:
            tensor = graph.initializer[0]
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (("location", place), ("offset", "0"), ("length", "16")):
                entry = tensor.external_data.add()
                entry.key, entry.value = key, value

        return change

    def size(number: int) -> Callable[[Any], object]:
        return lambda graph: graph.initializer[0].dims.__setitem__(0, number)

    def filled(number: int) -> Callable[[Any], object]:
        def change(graph: Any) -> None:
            shape = TensorProto(
                name="shape", data_type=TensorProto.INT64, dims=[1], raw_data=number.to_bytes(8, "little")
            )
            graph.initializer.append(shape)
            graph.node.append(onnx.helper.make_node("ConstantOfShape", ["shape"], ["much"]))
            graph.output.append(onnx.helper.make_tensor_value_info("much", TensorProto.FLOAT, ["n"]))

        return change

    def circle(graph: Any) -> None:
        graph.node[0].input[0] = graph.output[0].name

    changes = {
        f"weights in {place}": elsewhere(place) for place in ("../../../../etc/passwd", "/etc/passwd", "/dev/zero")
    }
    changes |= {f"{number} rows": size(number) for number in (0, -5, 2**40, 2**62)}
    changes |= {f"{number} numbers": filled(number) for number in (2**31, 2**40)} | {"a circle": circle}
    return {name: changed(change) for name, change in changes.items()}


def serve(path: str) -> None:
    """Answers, for numbers from standard input, what became of the mutant of that number, or the hostile model of that name.

    Answers are "vectors", "refused", or the class of an error that should not be.
    """
    content = Path(path).read_bytes()
    about, model = onnx_file.unpack(content, Path(path)), model_of(Path(path))
    mutants = functools.lru_cache(maxsize=1)(lambda block: damage.mutants(model, _AT_ONCE, block))
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # libraries write remarks there
    answers.write(json.dumps(READY) + "\n")
    for line in sys.stdin:
        for question in json.loads(line):
            signal.alarm(SECONDS)
            if isinstance(question, int):
                body = mutants(question // _AT_ONCE)[question % _AT_ONCE]
            else:
                body = hostile(model)[question]
            answers.write(json.dumps(_outcome(onnx_file.pack(body, about), about)) + "\n")


def _outcome(content: bytes, about: onnx_file.Exported) -> str:
    try:
        opened = open_model(content, about, Path("model.onnx"), device="cpu", threads=1)
    except ArtefactError:
        return "refused"
    except Exception as error:  # noqa: BLE001  it is the answer
        return type(error).__name__
    try:
        opened.pictures(np.zeros((1, *about.description.image_size, 3), dtype=np.uint8))
    except Exception:  # noqa: BLE001  onnxruntime has a class for every kind of failure
        return "failed"
    return "vectors"
