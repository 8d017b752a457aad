"""What is written behind an ONNX model is read back by us and by others, and a changed byte is noticed."""

import dataclasses
import json
from pathlib import Path

import damage
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from reid.errors import ArtefactError, MissingInputError
from reid.model import onnx_file
from reid.model.embedder import Architecture
from reid.model.onnx_file import Exported, pack, read, unpack
from reid.model.store import Description

ARCHITECTURE = Architecture("small-cnn", 24, 3, normalise="whole", mean=(0.5, 0.4, 0.3))
ABOUT = Exported(
    Description(ARCHITECTURE, (64, 32), "centre", "area", "person", "märket"),
    fingerprint="ab" * 32,
    weights="cd" * 32,
    normalise="inside",
    precision="int8",
    version="0.1.0",
    measured={"cosine": {"least": 0.999}},
    calibration={"a": [1, 2]},
)
PLACE = Path("model.onnx")


def model() -> bytes:
    """The smallest there is: what comes in goes out."""
    sides = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3]) for name in ("images", "out")]
    graph = helper.make_graph([helper.make_node("Identity", ["images"], ["out"])], "small", sides[:1], sides[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]).SerializeToString()


def test_what_was_packed_is_unpacked_and_read_by_others() -> None:
    """Every field comes back; ONNX's own reader finds the same model, and the object in its metadata."""
    content = pack(model(), ABOUT)
    found = onnx.load_from_string(content)
    entries = {entry.key: entry.value for entry in found.metadata_props}
    told = json.loads(entries["reid"])

    assert unpack(content, PLACE) == ABOUT
    onnx.checker.check_model(found)
    assert found.graph == onnx.load_from_string(model()).graph
    assert list(entries) == ["reid", "reid.sha256"]
    assert told["image_size"] == [64, 32]
    assert told["colours"] == "RGB"
    assert (told["interpolation"], told["crop"], told["kind"], told["dataset"]) == (
        "area",
        "centre",
        "person",
        "märket",
    )
    assert (told["architecture"]["learners"], told["architecture"]["dimension"]) == (3, 24)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300), st.text(max_size=200))
def test_any_model_and_any_words_survive(body: bytes, words: str) -> None:
    """The format is not mistaken about lengths, whatever they are."""
    about = dataclasses.replace(ABOUT, measured={words: words})

    assert unpack(pack(body, about), PLACE) == about


def test_every_damage_is_noticed() -> None:
    """Bits turned, bytes put in, cut out or cut off anywhere: refused, and the message names the file."""
    content = pack(model(), ABOUT)
    for number, mutant in enumerate(damage.mutants(content, 1500)):
        if mutant != content:
            with pytest.raises(ArtefactError, match=r"model\.onnx"):
                unpack(mutant, PLACE)
        assert number < 1500


@pytest.mark.parametrize("content", [b"", b"<!doctype html>", model()], ids=["empty", "a page", "another's model"])
def test_what_is_from_elsewhere_is_refused(content: bytes) -> None:
    """The message says what to do."""
    with pytest.raises(ArtefactError, match=r"model\.onnx was not written by reid-export.*export the run again"):
        unpack(content, PLACE)


def test_a_newer_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of tomorrow names both versions."""
    monkeypatch.setattr(onnx_file, "FORMAT", 2)
    content = pack(model(), ABOUT)
    monkeypatch.undo()

    with pytest.raises(ArtefactError, match=r"has format 2, newer than this version reads \(1\); update"):
        unpack(content, PLACE)


def test_an_architecture_that_is_not_known_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field of a later version names the version that wrote it."""
    content = pack(model(), dataclasses.replace(ABOUT, version="7.8.9"))

    def describe(about: object) -> Description:
        raise TypeError("unexpected keyword argument 'colour_of_the_sky'")

    monkeypatch.setattr(onnx_file, "describe", describe)
    with pytest.raises(ArtefactError, match=r"colour_of_the_sky.*install reid-toolkit 7\.8\.9"):
        unpack(content, PLACE)


def test_a_model_that_no_reader_takes_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond 2 GB, here a kilobyte, the message names the size and another way."""
    monkeypatch.setattr(onnx_file, "LARGEST", 1000)
    with pytest.raises(
        ArtefactError, match=r"as ONNX, and readers of ONNX take no more.*deploy its run folder instead"
    ):
        pack(bytes(2000), ABOUT)


def test_files_are_read_and_missing_ones_named(tmp_path: Path) -> None:
    """`read` gives content and description; a file that is not there says how to make one."""
    (tmp_path / "model.onnx").write_bytes(pack(model(), ABOUT))

    assert read(tmp_path / "model.onnx") == (pack(model(), ABOUT), ABOUT)
    with pytest.raises(MissingInputError, match=r"other\.onnx; make one with reid-export"):
        read(tmp_path / "other.onnx")
