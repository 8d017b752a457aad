"""The folder of a run: numbered, named, refused when damaged."""

import json
import os
import subprocess
import sys
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
    """What was written last is read, without a note; a new run in the folder forgets it, the log and old divisions."""
    run = RunFolder(tmp_path)
    assert not run.has_state()
    for step in range(2):
        run.write_state({"weight": torch.arange(3.0), "step": step})
    state, note = run.read_state()

    assert run.has_state()
    assert state["weight"].tolist() == [0, 1, 2]
    assert (state["step"], note) == (1, None)
    run.log({"event": "epoch"})
    assert prepare_out(tmp_path, force=True).has_state()
    run.write_division(3, Division(np.array([0, 1, 0]), 2))
    run.forget()
    assert [path.name for path in tmp_path.rglob("*")] == ["divisions"]


def test_one_run_has_one_trainer(tmp_path: Path) -> None:
    """D10, D11: the lock names the run, sweeps away what killed writers left, and keeps the folder of --out whole."""
    run = RunFolder(tmp_path)
    run.write_state({"step": 0})
    (tmp_path / "divisions").mkdir()
    for folder in (tmp_path, tmp_path / "divisions"):
        (folder / ".tmp-reid-0123").write_bytes(b"half")
    script = (
        "import sys; from pathlib import Path; from reid.errors import InUseError; from reid.train import run_folder\n"
        "run = run_folder.RunFolder(Path(sys.argv[1]))\n"
        "for attempt in (run.locked().__enter__, lambda: run_folder.prepare_out(run.path, force=True)):\n"
        "    try: attempt()\n"
        "    except InUseError as error: print(error)\n"
    )
    with run.locked():
        assert sorted(path.name for path in tmp_path.rglob("*")) == ["divisions", "last.ckpt", "run.lock"]
        done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)

    assert done.stdout.count(f"the run {tmp_path} is in use by process {os.getpid()} on ") == 2
    assert run.read_state().state == {"step": 0}


def test_divisions_come_back(tmp_path: Path) -> None:
    """One file per round with the cluster of every image and the sizes; a round that never was is missing input."""
    run = RunFolder(tmp_path)
    run.write_division(12, Division(np.array([0, 1, -1, 1]), 3))
    with np.load(tmp_path / "divisions" / "epoch-0012.npz") as content:
        assert content["clusters"].tolist() == [0, 1, -1, 1]
        assert content["sizes"].tolist() == [1, 2, 0]
    again = run.read_division(12)

    assert (again.clusters.tolist(), again.learners) == ([0, 1, -1, 1], 3)
    with pytest.raises(MissingInputError, match=r"epoch-0011\.npz"):
        run.read_division(11)


def test_the_log_is_cut_back_to_a_length(tmp_path: Path) -> None:
    """What a resumed run does again is in its log once."""
    run = RunFolder(tmp_path)
    assert run.log_length() == 0
    run.log({"event": "one"})
    length = run.log_length()
    run.log({"event": "two"})
    run.truncate_log(length)
    run.log({"event": "three"})
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    assert [line["event"] for line in lines] == ["one", "three"]
    assert lines[0]["time"] <= lines[1]["time"]
    assert lines[0]["time"] > 1e9
