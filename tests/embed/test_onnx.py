"""Exported models embed as the models that they were made from."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import exports
import numpy as np
import onnxruntime
import pytest
import small_runs
import torch
from exports import Exports

from reid.embed import load_embedder
from reid.embed import onnx as module
from reid.embed.onnx import OnnxModel, as_input, load_onnx, open_model
from reid.errors import ArtefactError, ConfigError, MissingInputError, ShapeError
from reid.model.onnx_file import pack, read


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    return exports.exported(tmp_path_factory)


def test_a_file_is_an_embedder_like_a_run(made: Exports) -> None:
    """Paths, arrays and records give the run's vectors to 1e-5, in batches of any length; none of them no vectors."""
    run, file = made.embedder(), load_embedder(made.float32)
    paths = made.records.files()
    wanted = run.embed(paths)
    picture = np.zeros((9, 7, 3), dtype=np.uint8)

    assert file.embed(paths) == pytest.approx(wanted, abs=1e-5)
    assert file.embed_records(made.records, workers=0).vectors == pytest.approx(wanted, abs=1e-5)
    assert file.embed([picture]) == pytest.approx(run.embed([picture]), abs=1e-5)
    assert file.embed([]).shape == (0, 16)
    assert (file.fingerprint, file.description, file.dimension) == (run.fingerprint, run.description, 16)
    assert load_embedder(str(made.int8)).fingerprint != run.fingerprint
    assert file.device.type == "cpu"


def test_pictures_of_another_size_or_type_are_refused(made: Exports) -> None:
    """What the file cannot take is told before onnxruntime sees it."""
    model = load_onnx(made.float32)
    assert model.pictures(np.zeros((0, 32, 32, 3), dtype=np.uint8)).shape == (0, 16)
    for batch in (np.zeros((1, 32, 31, 3), dtype=np.uint8), np.zeros((1, 32, 32, 3), dtype=np.float32)):
        with pytest.raises(ShapeError, match=r"takes uint8 pictures of \(32, 32, 3\), got"):
            model.pictures(batch)


def test_pixels_are_normalised_as_in_training(made: Exports) -> None:
    """Inside: bytes as numbers. Outside: the network's own rule."""
    about = read(made.float32)[1]
    pictures = small_runs.pictures(3)
    network = made.embedder().network

    assert np.array_equal(as_input(pictures.numpy(), about), pictures.permute(0, 3, 1, 2).float().numpy())
    outside = as_input(pictures.numpy(), dataclasses.replace(about, normalise="outside"))
    assert outside == pytest.approx(network.normalised(pictures).numpy(), abs=1e-5)
    assert outside.flags.c_contiguous


def test_threads_are_as_many_as_torchs(made: Exports, tmp_path: Path) -> None:
    """Torch obeys OMP_NUM_THREADS, the cores given to the process, and its user; another number opens the file again."""
    before = torch.get_num_threads()
    path = tmp_path / "model.onnx"
    path.write_bytes(made.float32.read_bytes())
    try:
        for number in (3, 1):
            torch.set_num_threads(number)
            model = load_onnx(path)
            assert isinstance(model, OnnxModel)
            assert model.threads == number
            assert model.session.get_session_options().intra_op_num_threads == number
    finally:
        torch.set_num_threads(before)
    session, pictures = model.session, small_runs.pictures(2).numpy()
    wanted = model.pictures(pictures)
    model.compute_with(1)
    assert model.session is session
    model.compute_with(2)
    assert model.session.get_session_options().intra_op_num_threads == model.threads == 2
    assert model.pictures(pictures) == pytest.approx(wanted, abs=1e-6)
    path.write_bytes(made.int8.read_bytes())
    with pytest.raises(ArtefactError, match=r"model\.onnx was replaced by another model a moment ago"):
        model.compute_with(1)


def test_devices(made: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU where onnxruntime has one, computing in full float32; what does not exist says what to do."""
    assert load_onnx(made.float32, device="cpu").session.get_providers() == [module.CPU]  # type: ignore[attr-defined]
    assert module._providers([module.CUDA, module.CPU], "auto") == [(module.CUDA, {"use_tf32": "0"}), module.CPU]
    assert module._providers([module.CUDA, module.CPU], "cuda:1")[0][1] == {"use_tf32": "0", "device_id": "1"}
    assert module._providers([module.CUDA, module.CPU], "cpu") == [module.CPU]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [module.CPU])
    with pytest.raises(ConfigError, match="put onnxruntime-gpu in its place"):
        load_embedder(made.float32, device="cuda")
    with pytest.raises(ConfigError, match="computed on cpu or cuda, not on 'mps'"):
        load_embedder(made.float32, device="mps")


def test_without_onnxruntime_the_extra_is_named(made: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence instead of an ImportError."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"not installed: pip install 'reid-toolkit\[onnx\]'"):
        load_embedder(made.float32)


def test_what_onnxruntime_cannot_read_is_an_error(made: Exports, capfd: pytest.CaptureFixture[str]) -> None:
    """A sealed file of operators of the future, or of nonsense; nothing is printed."""
    content, about = read(made.float32)
    future = content.replace(b"\x10\x14", b"\x10\x63", 1)  # the version of the operators
    for body in (b"\x00", b"nonsense" * 9, future[: len(content) // 2], b""):
        with pytest.raises(ArtefactError, match=r"future\.onnx cannot be read by onnxruntime .*smaller --opset"):
            open_model(pack(body, about), about, Path("future.onnx"))
    assert capfd.readouterr() == ("", "")


def test_files_that_are_none_are_refused(made: Exports, tmp_path: Path) -> None:
    """Missing ones and another's."""
    with pytest.raises(MissingInputError, match=r"there is no model .*model\.onnx"):
        load_embedder(tmp_path / "model.onnx", device="cpu")
    (tmp_path / "page.ONNX").write_text("<!doctype html>")
    with pytest.raises(ArtefactError, match=r"page\.ONNX was not written by reid-export"):
        load_embedder(tmp_path / "page.ONNX")


def test_the_libraries_that_export_needs_are_not_loaded_to_embed(made: Exports) -> None:
    """onnx and onnxscript take time and are not wanted where a model is only used."""
    script = (
        "import sys; from reid.embed import load_embedder; "
        f"print(load_embedder({str(made.float32)!r}).dimension, *({{'onnx', 'onnxscript', 'timm'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["16"]
    assert done.stderr == ""
