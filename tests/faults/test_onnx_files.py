"""Damaged, altered and foreign ONNX files: one sentence and exit code 74, never other vectors and never a crash.

Each row of the table of faults that concerns them: truncated and flipped bits (D4), formats of other versions (D8),
NaN in weights (D7), a disk that is full (D3), another model's vectors (H12).
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import damage
import disks
import exports
import mutate_onnx
import onnx
import pytest
import torch
from exports import Exports
from whole_runs import call

from reid.cli import embed
from reid.data.processes import Answerer
from reid.embed import load_embedder
from reid.errors import ArtefactError
from reid.export.exporting import Images, export_model

MUTANTS = 300
SEALED = 10_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    return exports.exported(tmp_path_factory)


def test_no_damage_goes_unnoticed(made: Exports, tmp_path: Path) -> None:
    """D4: bits turned, bytes put in, cut out and cut off: refused before onnxruntime sees them, with the file's name."""
    original, place = made.int8.read_bytes(), tmp_path / "model.onnx"
    for mutant in damage.mutants(original, MUTANTS):
        if mutant != original:
            place.write_bytes(mutant)
            with pytest.raises(ArtefactError, match=r"model\.onnx.*export the run again"):
                load_embedder(place)


@pytest.mark.soak
def test_no_damage_goes_unnoticed_in_full_number(made: Exports, tmp_path: Path) -> None:
    """The same 10,000 times."""
    original, place = made.int8.read_bytes(), tmp_path / "model.onnx"
    for mutant in damage.mutants(original, 10_000, seed=1):
        if mutant != original:
            place.write_bytes(mutant)
            with pytest.raises(ArtefactError, match=r"model\.onnx"):
                load_embedder(place)


def _outcomes(path: Path, questions: Sequence[object]) -> Counter[object]:
    """How often each of what may become of files with a right seal did, in processes that may die of them."""
    answerer = Answerer(f"from mutate_onnx import serve; serve({str(path)!r})")
    try:
        return Counter(answerer.ask(questions))
    finally:
        answerer.close()


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_right_seal_over_a_damaged_model_ends_no_process(made: Exports) -> None:
    """D4: even were damage sealed, onnxruntime refuses it or computes something, within 512 MB and 30 s, and never dies."""
    hostile = list(mutate_onnx.hostile(mutate_onnx.model_of(made.float32)))
    found = _outcomes(made.float32, hostile)
    found += _outcomes(made.int8, list(range(SEALED)))
    print(found)  # noqa: T201

    assert found.total() == len(hostile) + SEALED
    assert set(found) <= {"refused", "failed", "vectors"}


def test_commands_end_with_74(made: Exports, tmp_path: Path) -> None:
    """A file that another tool wrote anew, and one of another's, end a command with a sentence."""
    onnx.save(onnx.load(made.float32), tmp_path / "again.onnx")
    graph = onnx.load(made.float32)
    del graph.metadata_props[:]
    onnx.save(graph, tmp_path / "foreign.onnx")
    graph.graph.initializer[0].raw_data = bytes(len(graph.graph.initializer[0].raw_data))
    (tmp_path / "changed.onnx").write_bytes(graph.SerializeToString() + made.float32.read_bytes()[-300:])
    for name in ("again.onnx", "foreign.onnx", "changed.onnx"):
        if (tmp_path / name).read_bytes() == made.float32.read_bytes():
            continue
        done = call(embed.main, tmp_path, made.records.root, "--run", name, "--out", "vectors", "--workers", "0")
        assert done.code == 74, name
        assert name in done.err
        assert "this is a bug" not in done.err
        assert not (tmp_path / "vectors").exists()


def test_weights_that_are_no_numbers_are_not_exported(
    made: Exports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D7: one NaN among the weights, and nothing is written."""
    model, content = exports.torch_model(), made.float32.read_bytes()
    monkeypatch.setattr("reid.export.exporting.to_onnx", lambda *_, **__: content)
    with torch.no_grad():
        model.network.layer.weight[3, 5] = float("nan")
    with pytest.raises(ArtefactError, match=r"nothing was written, as .* a vector has a cosine of nan"):
        export_model(
            model, tmp_path / "m.onnx", Images(made.records, labelled=False, calibration=made.records), workers=0
        )
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_what_stood_there(made: Exports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """D3: no room for the file: an error that names it; the file before is whole, and nothing lies beside it."""
    content = made.float32.read_bytes()
    (tmp_path / "m.onnx").write_bytes(content)
    images = Images(made.records, labelled=False, calibration=made.records)
    model = made.embedder().model
    monkeypatch.setattr("reid.export.exporting.to_onnx", lambda *_, **__: content)
    with disks.largest_file(100_000), pytest.raises(ArtefactError, match=r"m\.onnx"):
        export_model(model, tmp_path / "m.onnx", images, workers=0)  # type: ignore[arg-type]
    assert (tmp_path / "m.onnx").read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 1
