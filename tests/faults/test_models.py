"""FAULTS D4 to D8 for models: damage, other networks and other versions never pass and never crash.

What they share with all that a run keeps is in test_checkpoints.py.
"""

import json
import resource
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import payloads
import pytest
import small_runs
import torch
from safetensors.torch import load, save

from reid.errors import ArtefactError
from reid.model import unpickling
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.state import pack
from reid.model.store import load_model, save_model
from reid.model.torch_files import read_tensors

DAMAGED = 200


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The file of a good model."""
    network = small_runs.network()
    save_model(tmp_path, network, small_runs.description(network.architecture))
    return tmp_path / "model.safetensors"


def _header_length(content: bytes) -> int:
    return 8 + int.from_bytes(content[:8], "little")


def _rewrite(path: Path, change: Callable[[dict, dict], None]) -> None:
    """The model again with a changed description or changed tensors, and a sha256 that is right for them."""
    content = path.read_bytes()
    about = json.loads(json.loads(content[8 : _header_length(content)])["__metadata__"]["reid"])
    tensors = load(content)
    change(about, tensors)
    about.pop("sha256")
    path.write_bytes(pack(about, tensors)[0])


def test_every_flipped_bit_is_noticed(model: Path) -> None:
    """D4: a single changed bit, in the header or in the weights, is an ArtefactError that names the file."""
    content, random = model.read_bytes(), np.random.default_rng(0)
    header = _header_length(content)
    places = [*random.integers(0, header, DAMAGED // 2), *random.integers(0, len(content), DAMAGED // 2)]
    for place in [*range(8), *places]:
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(random.integers(8))
        model.write_bytes(damaged)
        with pytest.raises(ArtefactError, match=r"model\.safetensors"):
            load_model(model)


def test_every_truncation_is_noticed(model: Path) -> None:
    """D4: a file cut short at any place, or with something behind it, is an ArtefactError that names the file."""
    content, random = model.read_bytes(), np.random.default_rng(1)
    for length in [0, 1, 7, 8, 9, len(content) - 1, *random.integers(0, len(content), 40)]:
        model.write_bytes(content[:length])
        with pytest.raises(ArtefactError, match=r"model\.safetensors is corrupt or not a model of this toolkit"):
            load_model(model)
    model.write_bytes(content + b"\0")
    with pytest.raises(ArtefactError, match=r"model\.safetensors"):
        load_model(model)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!doctype html><title>404</title>",
        b"\x89PNG\r\n\x1a\n",
        b"\0" * 4096,
        b"\xff" * 4096,
        b"\x02" + b"\0" * 7 + b"[]",
    ],
)
def test_what_is_no_model_is_refused(model: Path, content: bytes) -> None:
    """D4: other files under the model's name."""
    model.write_bytes(content)
    with pytest.raises(ArtefactError, match=r"model\.safetensors is corrupt or not a model of this toolkit"):
        load_model(model)


def test_safetensors_of_others_are_no_models(model: Path) -> None:
    """Weights without our description cannot be deployed."""
    model.write_bytes(save({"weight": torch.zeros(3)}))
    with pytest.raises(ArtefactError, match="not a model of this toolkit"):
        load_model(model)


def test_damaged_weights_of_ours_do_not_start_a_training(model: Path) -> None:
    """D4: a model of ours is verified as a source of weights, too."""
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(ArtefactError, match=r"model\.safetensors is corrupt"):
        EmbeddingNetwork(Architecture("small-cnn", 8, 2), str(model))


def test_another_network_under_the_same_name_is_listed(model: Path) -> None:
    """D6: a description that builds another network than the weights are of names the keys that differ."""

    def change(about: dict, tensors: dict) -> None:
        tensors["surplus"] = torch.zeros(1)
        tensors["layer.weight"] = torch.zeros(16, 3)
        del tensors["layer.bias"]

    _rewrite(model, change)
    with pytest.raises(ArtefactError) as caught:
        load_model(model)
    message = str(caught.value)
    assert "missing: layer.bias; unexpected: surplus; shapes: layer.weight is (16, 3), wanted (16, 256)" in message


def test_each_missing_or_renamed_key_is_listed(model: Path) -> None:
    """D6: dropping or renaming any one tensor is refused with its name."""
    content = model.read_bytes()
    for name in load(content):
        for renamed in (False, True):
            model.write_bytes(content)

            def change(about: dict, tensors: dict, name: str = name, renamed: bool = renamed) -> None:
                value = tensors.pop(name)
                if renamed:
                    tensors[name + "x"] = value

            _rewrite(model, change)
            with pytest.raises(ArtefactError, match=f"missing: {name}" + (f"; unexpected: {name}x" if renamed else "")):
                load_model(model)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_no_numbers_are_neither_saved_nor_loaded(tmp_path: Path, model: Path, value: float) -> None:
    """D7: NaN and infinity are refused on both sides, naming the tensor; the model that stood there stays."""
    network = small_runs.network(seed=1)
    before = model.read_bytes()
    with torch.no_grad():
        network.layer.bias[3] = value
    with pytest.raises(ArtefactError, match=r"not saved: NaN or infinity in layer\.bias"):
        save_model(tmp_path, network, small_runs.description(network.architecture))

    assert model.read_bytes() == before
    _rewrite(model, lambda _about, tensors: tensors["layer.bias"].fill_(value))
    with pytest.raises(ArtefactError, match=r"model\.safetensors holds NaN or infinity in layer\.bias"):
        load_model(model)


def test_a_newer_format_says_so(model: Path) -> None:
    """D8: a model of a later version asks for an update instead of calling the file corrupt."""
    _rewrite(model, lambda about, _tensors: about.update(format=2))
    with pytest.raises(ArtefactError, match=r"has format 2, newer than this version reads \(1\); update reid-toolkit"):
        load_model(model)


def test_no_payload_in_weights_of_others_is_run(tmp_path: Path) -> None:
    """D5: whatever a pickle calls, in whichever format: nothing of it is called, and the file is refused."""
    marker, path = tmp_path / "executed", tmp_path / "weights.pth"
    for name, content in payloads.torch_payloads(marker).items():
        path.write_bytes(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert unpickling.answer(str(path))[0] == unpickling.REFUSED, name
        assert not marker.exists(), name


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_payload_and_no_bomb_harms_the_reader(tmp_path: Path) -> None:
    """D5: the same and all others, each as a user has it: a sentence, in time, in little memory, and nothing run."""
    marker = tmp_path / "executed"
    told = "is not a readable file of weights"
    given = {name: (content, told) for name, content in payloads.torch_payloads(marker).items()}
    given |= {name: (content, told) for name, content in payloads.payloads(marker).items() if name[-1] not in "05"}
    given |= payloads.bombs()
    whole = given["old format"][0]
    given |= {f"cut off at {end}": (whole[:end], told) for end in (1, 50, len(whole) // 2)}

    def read(name: str) -> tuple[str, float]:
        path, began = tmp_path / f"{name}.pth", time.monotonic()
        path.write_bytes(given[name][0])
        with pytest.raises(ArtefactError, match=given[name][1]) as caught:
            read_tensors(path, seconds=60 if name == "doubled tuples" else None)  # which never ends
        return str(caught.value), time.monotonic() - began

    with ThreadPoolExecutor(2) as pool:
        for name, (message, seconds) in zip(given, pool.map(read, given), strict=True):
            print(f"{seconds:5.1f} s  {message}")  # noqa: T201
            assert f"{name}.pth" in message
            assert "\n" not in message
            assert seconds < 310
            assert not marker.exists(), name
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 3 * 2**20
