"""What the process that reads torch files does, done here: tensors from every form of file, and reasons from all others."""

import datetime as dt
import json
import pathlib
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load

from reid.model import unpickling
from reid.model.unpickling import CONTENT, MEMORY, REFUSED, PassedOver, answer, tensors_of

STATE = {"weight": torch.arange(6.0).reshape(2, 3), "count": torch.tensor(3)}


def _reason(path: Path) -> dict[str, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as there
        code, content = answer(str(path))
    assert code == REFUSED
    found: dict[str, str] = json.loads(content)
    return found


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("nest", [None, "state_dict", "model"])
def test_every_form_of_file(nest: str | None, zipped: bool, tmp_path: Path) -> None:
    """The archive that torch writes, which is mapped, and its older format; also one mapping within another."""
    path = tmp_path / "weights.pth"
    torch.save(STATE if nest is None else {nest: STATE, "epoch": 3}, path, _use_new_zipfile_serialization=zipped)
    code, content = answer(str(path))

    assert code == 0
    assert {int(place): tensor.tolist() for place, tensor in load(content).items()} == {
        place: tensor.tolist() for place, tensor in enumerate(STATE.values())
    }


def test_what_lies_beside_the_weights_is_passed_over(tmp_path: Path) -> None:
    """Numbers of numpy, times and paths are common there: none of their classes is called."""
    path = tmp_path / "weights.pth"
    beside = [np.float64(1), np.int32(2), np.zeros(3), np.array(["a"], dtype=object), pathlib.PurePosixPath("/a")]
    torch.save({"state_dict": STATE, "beside": [*beside, dt.datetime(2020, 1, 1)]}, path)  # noqa: DTZ001

    assert set(tensors_of(str(path))) == set(STATE)
    assert vars(PassedOver(1, 2)) == {}


def test_damage_in_an_archive_is_noticed(tmp_path: Path) -> None:
    """A flipped bit among the numbers, which torch itself takes for good, and parts that were compressed."""
    path = tmp_path / "weights.pth"
    torch.save({"weight": torch.full((500,), 1.0)}, path)
    content = bytearray(path.read_bytes())
    content[content.index(b"\x00\x00\x80\x3f" * 9) + 7] ^= 1
    path.write_bytes(content)

    assert torch.load(path, weights_only=True)["weight"].unique().numel() == 2
    assert _reason(path)["text"] == "weights/data/0 differs from its checksum"
    torch.save(STATE, path)
    with zipfile.ZipFile(path) as given:
        entries = {name: given.read(name) for name in given.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as given:
        for name, entry in entries.items():
            given.writestr(name, entry)
    assert "is compressed" in _reason(path)["text"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([1, 2], "it holds a value of type list"),
        ({}, "it holds an empty mapping"),
        ({"a": 1.0}, "'a' is a value of type float"),
        ({"net": STATE}, "'net' is a mapping of 'weight', 'count'"),
        ({3: torch.zeros(1)}, "3 is a value of type Tensor"),
        ({"a": torch.eye(2).to_sparse()}, "'a' is sparse, quantised, or of a shape alone"),
        ({"a": torch.zeros(2, device="meta")}, "'a' is sparse, quantised, or of a shape alone"),
    ],
)
def test_what_are_no_weights_is_told(value: object, told: str, tmp_path: Path) -> None:
    """What is there instead."""
    torch.save(value, tmp_path / "weights.pth")
    assert _reason(tmp_path / "weights.pth") == {"kind": CONTENT, "text": told}


def test_want_of_memory_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's error and torch's."""
    for error in (MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")):
        monkeypatch.setattr(unpickling, "tensors_of", lambda _path, error=error: (_ for _ in ()).throw(error))
        assert _reason(Path("a"))["kind"] == MEMORY


def test_limits_are_above_what_is_taken() -> None:
    """Memory beyond what the process had, and time: exceeding the one is an error, the other a signal."""
    script = (
        "import resource, runpy, sys; "
        f"limit = runpy.run_path({unpickling.__file__!r})['_limit']; limit(2**26, 7); limit(2**26, 7); "
        "print(resource.getrlimit(resource.RLIMIT_CPU)[0], resource.getrlimit(resource.RLIMIT_CORE)); "
        "half = bytearray(2**25); print('half', flush=True); whole = bytearray(2**26)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False)

    assert done.stdout == "7 (0, 0)\nhalf\n"
    assert done.stderr.strip().endswith("MemoryError")
