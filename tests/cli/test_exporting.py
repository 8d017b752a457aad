"""reid-export as a user calls it, and what the file is good for in the other commands."""

import json
import shutil
from pathlib import Path

import pytest
import whole_runs
from whole_runs import Trained, call

from reid.cli import embed, gallery
from reid.cli.export import main
from reid.embed import load_embedder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A trained run with its dataset, and its model exported with all that is found by itself."""
    made = whole_runs.trained(tmp_path_factory)
    done = call(main, made.folder, "--run", made.run, "--out", "model.onnx", "--json", "told.json", "--workers", "0")
    assert done.code == 0, done.err
    (made.folder / "printed.txt").write_text(done.out)
    return made


def test_what_is_told(run: Trained) -> None:
    """In words and as JSON: the input, which images were used, and how the two models compare."""
    told, printed = json.loads((run.folder / "told.json").read_text()), (run.folder / "printed.txt").read_text()

    assert "input: images, (batch, 3, 32, 16) float32, RGB, 0..255" in printed
    assert "64 pictures of noise and 56 test images of market1501" in printed
    assert "the same first ten hits in the same order: 19 of 19 queries in a gallery of 37" in printed
    assert "(+0.00 points)" in printed
    assert told["input"] == {"name": "images", "shape": ["batch", 3, 32, 16], "range": "0..255"}
    assert told["measured"]["images"] == 56
    assert told["fingerprint"] == told["weights"] == load_embedder(run.run, device="cpu").fingerprint
    assert told["bytes"] == (run.folder / "model.onnx").stat().st_size


def test_reports_of_run_and_file_are_the_same(run: Trained) -> None:
    """reid-eval on the file: every figure of the run's own report; its report goes beside the file."""
    done = whole_runs.evaluate(run.folder, "--run", "model.onnx", "--json", "-")
    assert done.code == 0, done.err
    figures = json.loads(done.out)["splits"]["test"]["query-gallery"]

    assert {name: figures[name] for name in ("rank1", "mAP", "mINP")} == {
        name: run.report()["splits"]["test"]["query-gallery"][name] for name in ("rank1", "mAP", "mINP")
    }
    assert (run.folder / "model-report" / "report.json").is_file()


def test_a_run_compared_with_its_export(run: Trained) -> None:
    """Nothing that is scored sets them apart."""
    done = whole_runs.evaluate(run.folder, "--compare", run.run, "model.onnx", "--no-report", "--json", "-")
    assert done.code == 0, done.err
    found = json.loads(done.out)["splits"]["test"]["query-gallery"]["figures"]
    assert {name for name, one in found.items() if abs(one["difference"]) > 1e-3} == set()
    assert (run.folder / f"compared-with-{run.run.name}" / "comparison.json").is_file()


def test_a_gallery_takes_either_model(run: Trained) -> None:
    """Made with the run, searched with the file, and the other way round, with what scores mean."""
    folder, crop = run.folder, min((run.data / "query").glob("*.jpg"))
    assert call(gallery.main, folder, "create", "by-file", "--run", "model.onnx").code == 0
    done = call(gallery.main, folder, "add", "by-file", run.data / "bounding_box_test", "--workers", "0")
    assert done.code == 0, done.err
    answers = [
        call(gallery.main, folder, "search", "by-file", crop, "--run", model, "--json", "-")
        for model in (run.run, "model.onnx")
    ]
    first, second = (json.loads(done.out)[0]["hits"] for done in answers)

    assert [hit["path"] for hit in first] == [hit["path"] for hit in second]
    assert [hit["score"] for hit in first] == pytest.approx([hit["score"] for hit in second], abs=1e-5)
    assert ("probability" in first[0]) == (run.run / "calibration.json").is_file()


def test_integers_from_drawn_and_named_images(run: Trained, tmp_path: Path) -> None:
    """A model alone, without its run's settings: drawn images; a gallery of the run refuses the other fingerprint."""
    shutil.copy(run.run / "model.safetensors", tmp_path)
    images = run.data / "bounding_box_test"
    arguments = ("--run", tmp_path / "model.safetensors", "--int8", "--out", "int8.onnx", "--workers", "0")
    done = call(main, tmp_path, *arguments, "--images", images, "--calibration", images)
    assert done.code == 0, done.err

    assert "scales of integers from" in done.out
    assert "its own: do not mix its vectors with the run's" in done.out
    assert "Rank-1, every image against all others" in done.out
    again = call(main, tmp_path, *arguments)
    assert (again.code, "exists already; choose another name, or pass --force" in again.err) == (73, True)
    assert call(gallery.main, run.folder, "create", "by-run", "--run", run.run).code == 0
    mixed = call(gallery.main, run.folder, "add", "by-run", images, "--run", tmp_path / "int8.onnx", "--workers", "0")
    assert mixed.code == 65
    assert call(embed.main, tmp_path, images, "--run", "int8.onnx", "--out", "vectors", "--workers", "0").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--out", "model.pt"), 73, "an exported model is known by its ending"),
        (("--out", "new.onnx", "--opset", "5"), 78, "opset 5 cannot be written"),
        (("--out", "new.onnx", "--run", "none"), 66, "there is no run none"),
        (("--out", "new.onnx", "--int8", "--calibration", "0"), 78, "scales cannot be found without images"),
        (("--out", "new.onnx", "--int8", "--calibration", "nowhere"), 66, "nowhere"),
        (("--out", "new.onnx", "--images", "nowhere"), 66, "nowhere"),
        (("--out", "new.onnx", "--root", "nowhere"), 66, "nowhere"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(
    run: Trained, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """Exit code and sentence, before any work is done."""
    named = ("--run", run.run) if "--run" not in arguments else ()
    done = call(main, run.folder, *named, *arguments, "--workers", "0")

    assert done.code == code
    assert message in done.err
    assert not (run.folder / "new.onnx").exists()
