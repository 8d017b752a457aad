"""The folder of a run: numbered, named, refused when damaged."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from reid.errors import ArtefactError, MissingInputError, OutputError
from reid.train.division import Division
from reid.train.run_folder import RunFolder, create_run, open_run, prepare_out


def test_runs_are_numbered(tmp_path: Path) -> None:
    """Each new run takes the next number; other names do not count; the parent is made."""
    parent = tmp_path / "deep" / "runs"
    first, second = create_run(parent, "demo-small"), create_run(parent, "demo-small")
    (parent / "demo-small-9").mkdir()
    (parent / "demo-small-x").mkdir()
    (parent / "demo-small-99-copy").mkdir()

    assert (first.path.name, second.path.name) == ("demo-small-1", "demo-small-2")
    assert create_run(parent, "demo-small").path.name == "demo-small-10"
    assert create_run(parent, "demo[1]").path.name == "demo[1]-1"
    assert create_run(parent, "demo[1]").path.name == "demo[1]-2"


def test_latest_is_the_newest_run(tmp_path: Path) -> None:
    """runs/latest opens the run that was created last, also where it is a text file instead of a link."""
    create_run(tmp_path, "a")
    newest = create_run(tmp_path, "b")

    assert open_run(tmp_path / "latest").path.resolve() == newest.path.resolve()
    (tmp_path / "latest").unlink()
    (tmp_path / "latest").write_text("a-1\n")
    assert open_run(tmp_path / "latest").path == tmp_path / "a-1"


def test_a_run_that_is_not_there(tmp_path: Path) -> None:
    """Missing input with the way to get one; a folder without settings or checkpoint says so."""
    with pytest.raises(MissingInputError, match=r"no run .*nothing; train one with reid-train"):
        open_run(tmp_path / "nothing")
    with pytest.raises(MissingInputError, match=r"is not the folder of a run: it has no config\.yaml"):
        open_run(tmp_path).read_settings()
    with pytest.raises(
        MissingInputError, match="has no checkpoint to resume from; start the run again without --resume"
    ):
        open_run(tmp_path).read_state()


def test_a_place_that_cannot_be_used(tmp_path: Path) -> None:
    """C8: a folder with files in it, and a place where no folder can be, are refused before anything is trained."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"is not empty; pass --resume .* or choose another --out"):
        prepare_out(tmp_path)
    for make in (lambda: prepare_out(tmp_path / "notes.txt"), lambda: create_run(tmp_path / "notes.txt", "a")):
        with pytest.raises(OutputError, match=r"notes\.txt"):
            make()

    assert prepare_out(tmp_path, force=True).path == tmp_path
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert list(prepare_out(tmp_path / "new" / "deep").path.iterdir()) == []


def test_settings_come_back(tmp_path: Path) -> None:
    """Nested settings come back as they were; a changed file is refused."""
    settings = {"seed": 3, "train": {"lr": 1e-5, "name": "ä"}, "loss": [{"name": "margin"}], "none": None}
    run = RunFolder(tmp_path)
    run.write_settings(settings)

    assert run.read_settings() == settings
    path = tmp_path / "config.yaml"
    path.write_text(path.read_text().replace("seed: 3", "seed: 4"))
    with pytest.raises(ArtefactError, match=r"config\.yaml was changed or damaged"):
        run.read_settings()


def test_state_comes_back(tmp_path: Path) -> None:
    """Tensors and plain values come back; every flipped bit and truncation is refused."""
    run, state = RunFolder(tmp_path), {"weight": torch.randn(50), "nested": {"step": 3, "list": [1.5, "text", None]}}
    assert not run.has_state()
    run.write_state(state)
    again = run.read_state()

    assert run.has_state()
    assert torch.equal(again["weight"], state["weight"])
    assert again["nested"] == state["nested"]
    path, random = tmp_path / "last.ckpt", np.random.default_rng(0)
    content = path.read_bytes()
    for _ in range(100):
        damaged = bytearray(content)
        damaged[random.integers(len(content))] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged if random.random() < 0.7 else content[: random.integers(len(content))])
        with pytest.raises(ArtefactError, match=r"last\.ckpt"):
            run.read_state()


def test_divisions_come_back(tmp_path: Path) -> None:
    """One file per round with the cluster of every image and the sizes."""
    RunFolder(tmp_path).write_division(12, Division(np.array([0, 1, -1, 1]), 3))
    with np.load(tmp_path / "divisions" / "epoch-0012.npz") as content:
        assert content["clusters"].tolist() == [0, 1, -1, 1]
        assert content["sizes"].tolist() == [1, 2, 0]


def test_every_line_of_the_log_is_json(tmp_path: Path) -> None:
    """C13, E14: numpy values, NaN (as null) and odd names stay one line of JSON with a time; a log that cannot be
    written stops nothing."""
    run = RunFolder(tmp_path)
    run.log({"event": "epoch", "loss": np.float32(0.5), "sizes": np.arange(3), "none": None, "nan": math.nan})
    run.log({"event": "note", "name": "a\nb\udcff"})
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    assert [line["event"] for line in lines] == ["epoch", "note"]
    assert lines[0]["loss"] == 0.5
    assert lines[0]["sizes"] == [0, 1, 2]
    assert lines[0]["nan"] is None
    assert lines[1]["name"] == "a\nb\udcff"
    assert all(line["time"] > 1e9 for line in lines)
    RunFolder(tmp_path / "gone").log({"event": "lost"})
