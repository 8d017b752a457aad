"""A model becomes a verified file, or none."""

import dataclasses
import json
import re
import runpy
import shutil
from pathlib import Path

import exports
import numpy as np
import onnx
import pytest
from exports import Exports

from reid.embed import TorchModel, load_embedder
from reid.errors import ArtefactError, ConfigError, OutputError
from reid.export import exporting
from reid.export.exporting import Form, Images, check_place, export_model
from reid.model.onnx_file import read


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    return exports.exported(tmp_path_factory)


def test_a_file_says_what_it_is(made: Exports) -> None:
    """Description, fingerprints, versions and what was measured stand in the metadata, where anyone can read them."""
    about, model = read(made.float32)[1], made.embedder().model
    told = json.loads(next(entry.value for entry in onnx.load(made.float32).metadata_props if entry.key == "reid"))

    assert about.description == model.description
    assert about.fingerprint == about.weights == model.fingerprint
    assert (about.precision, about.normalise) == ("float32", "inside")
    assert told["image_size"] == [32, 32]
    assert told["input"] == "float32 (batch, 3, height, width)"
    assert (told["colours"], told["range"]) == ("RGB", "0..255")
    assert told["measured"]["least_cosine"] > 0.99999
    assert about.measured == json.loads(json.dumps(dataclasses.asdict(made.done[made.float32].compared)))


def test_float32_is_the_same_model_and_int8_another(made: Exports) -> None:
    """The vectors of the one are the run's to 1e-5, so its fingerprint is; the other keeps that of its weights apart."""
    whole, rounded = made.done[made.float32], made.done[made.int8]

    assert whole.compared.largest_difference < 1e-5
    assert whole.compared.same_order == whole.compared.queries == 20
    assert whole.compared.rank1 is not None
    assert whole.compared.rank1[0] == whole.compared.rank1[1]
    assert rounded.about.weights == whole.about.fingerprint
    assert rounded.about.fingerprint != whole.about.fingerprint
    assert rounded.about.precision == "int8"
    assert rounded.compared.rank1 is not None
    assert (whole.size, rounded.size) == (made.float32.stat().st_size, made.int8.stat().st_size)


def test_a_model_that_gives_other_vectors_is_not_written(
    made: Exports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph of other weights: refused, what stood there stays, and nothing is left beside it."""
    other, _ = read(made.float32)
    model = exports.torch_model(seed=7)
    images = Images(made.records, labelled=True, calibration=made.records)
    (tmp_path / "model.onnx").write_bytes(b"what stood there")
    monkeypatch.setattr(exporting, "to_onnx", lambda *_, **__: other)

    with pytest.raises(ArtefactError, match=r"nothing was written.*queries have other first hits"):
        export_model(model, tmp_path / "model.onnx", images, workers=0)
    assert (tmp_path / "model.onnx").read_bytes() == b"what stood there"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_reads_it_may_normalise(made: Exports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the pixels normalised before the file, the embedder does it, and the vectors are the same."""
    model, seen = made.embedder().model, []
    assert isinstance(model, TorchModel)
    trace = exporting.to_onnx
    monkeypatch.setattr(exporting, "to_onnx", lambda *args, **named: seen.append(named) or trace(*args, **named))
    images = Images(made.records, labelled=True, calibration=made.records)
    done = export_model(model, tmp_path / "m.onnx", images, Form("outside", opset=19), workers=0)
    vectors = load_embedder(tmp_path / "m.onnx").embed(made.records.files()[:5])

    assert seen == [{"normalise": "outside", "opset": 19}]
    assert done.about.normalise == "outside"
    assert vectors == pytest.approx(made.embedder().embed(made.records.files()[:5]), abs=1e-5)
    assert not np.array_equal(vectors, np.zeros_like(vectors))


def test_wrong_forms_and_places_are_refused(tmp_path: Path) -> None:
    """Before any work is done."""
    with pytest.raises(ConfigError, match="normalise must be inside or outside, got 'no'"):
        Form("no")
    with pytest.raises(ConfigError, match="opset 7"):
        Form(opset=7)
    with pytest.raises(
        OutputError, match=r"model\.pt: an exported model is known by its ending; name a file \.\.\.\.onnx"
    ):
        check_place(tmp_path / "model.pt")
    (tmp_path / "folder.onnx").mkdir()
    for place in (tmp_path / "folder.onnx", tmp_path / "none" / "model.onnx"):
        with pytest.raises(OutputError, match="name a file in a folder that exists"):
            check_place(place)


def test_the_page_reads_a_file_without_this_toolkit(
    made: Exports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Python of docs/export.md, as it stands there: the vector is the embedder's, for a crop of the network's size."""
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    shutil.copy(made.float32, tmp_path / "model.onnx")
    shutil.copy(made.records.files()[0], tmp_path / "crop.jpg")  # OpenCV goes by the content
    (tmp_path / "page.py").write_text(block)
    monkeypatch.chdir(tmp_path)
    vectors = runpy.run_path("page.py")["vectors"]

    assert vectors == pytest.approx(made.embedder().embed(made.records.files()[:1]), abs=1e-5)
