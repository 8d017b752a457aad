"""reid-train as a user calls it: what it writes and says, how it stops, and what it refuses."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from whole_runs import TINY, train, trained

from reid.errors import ArtefactError
from reid.files import sha256
from reid.train.run_folder import RunFolder

RUN_FILES = {
    "config.yaml",
    "model.safetensors",
    "model.json",
    "last.ckpt",
    "previous.ckpt",
    "log.jsonl",
    "divisions/epoch-0000.npz",
    "divisions/epoch-0001.npz",
    "calibration.json",
    "report.json",
    "report/division-flow.png",
    "report/division-clusters.png",
    "report/learner-recall.png",
    "report/learner-losses.png",
}


def names(folder: Path) -> set[str]:
    """All files below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["market1501", "vehicleid"])
def test_run_folder(tmp_path_factory, name):
    """Every file of it but those of the evaluation's page, whole and in its format; `runs/latest` names it."""
    made = trained(tmp_path_factory, name)

    curves = {path for path in names(made.run) if path.startswith("tensorboard/events.")}
    assert names(made.run) - curves == RUN_FILES
    assert (made.folder / "runs" / "latest").resolve() == made.run.resolve()
    settings = RunFolder(made.run).read_settings()
    assert settings["data"]["root"] == str(made.data.resolve())
    assert settings["data"]["dataset"] == name
    assert json.loads((made.run / "model.json").read_text())["sha256"] == sha256(made.run / "model.safetensors")
    assert all(np.isfinite(values).all() for values in load_file(made.run / "model.safetensors").values())
    events = [json.loads(line) for line in (made.run / "log.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == [
        "division",
        "epoch",
        "learners",
        "division",
        "epoch",
        "learners",
        "epoch",
        "learners",
        "done",
    ]
    assert [event["stage"] for event in events if event["event"] == "epoch"] == ["divide", "conquer", "finetune"]
    with np.load(made.run / "divisions" / "epoch-0000.npz") as division:
        assert (
            division["sizes"].tolist()
            == np.bincount(division["clusters"][division["clusters"] >= 0], minlength=2).tolist()
        )


def test_what_is_said(tmp_path_factory):
    """Statistics before, a line per division and epoch, a table and where to look after; nothing on standard error."""
    made = trained(tmp_path_factory)
    lines = made.done.out.splitlines()

    assert made.done.err == ""
    assert lines[0].split() == ["split", "identities", "images", "cameras"]
    assert any(
        re.match(r"training on 6 identities, \d+ images \(2 identities held out for validation\)", x) for x in lines
    )
    assert any(x.startswith("model: small-cnn at 32x16, ") and x.endswith("2 learners; fp32 on cpu") for x in lines)
    assert "epochs: divide 1, conquer 2, finetune 3" in lines
    assert "run: runs/market1501-small-1" in lines
    assert sum(line.startswith("  division: ") for line in lines) == 2
    assert sum(bool(re.match(r"epoch [123]/3  \w+ +loss \d\.\d{4}  ", line)) for line in lines) == 3
    assert any(line.startswith("best epoch on validation identities: ") for line in lines)
    assert "| split | protocol      | Rank-1 | Rank-5 | Rank-10 |  mAP | mINP |" in lines
    assert sum(line.startswith("  learners: ") for line in lines) == 3
    pictures = ("division-flow", "division-clusters", "learner-recall", "learner-losses")
    assert lines[-5:] == [
        f"runs/market1501-small-1/{x}" for x in ("report.json", *(f"report/{name}.png" for name in pictures))
    ]


def test_the_page_of_the_report(tmp_path_factory, tmp_path):
    """Is written into the run's folder, with the curve, and named."""
    made = trained(tmp_path_factory)
    asked = ("--dataset", "market1501", "--root", made.data, *TINY, "--epochs", "1", "--out", "mine")
    done = train(tmp_path, *asked, pictures=True)

    assert done.code == 0, done.err
    page = (tmp_path / "mine" / "report" / "index.html").read_text()
    assert "<img" in page
    assert "mine/report/index.html" in done.out.splitlines()
    assert (tmp_path / "mine" / "report" / "cmc.png").is_file()


def test_json_on_standard_output_and_nothing_else(tmp_path_factory, tmp_path):
    """Everything for people goes to standard error; config.yaml repeats the run to the byte; latest names --out too.

    Without a report there are figures, and no pictures.
    """
    made = trained(tmp_path_factory)
    done = train(tmp_path, "--config", made.run / "config.yaml", "--out", "mine", "--json", "-")

    assert done.code == 0
    assert json.loads(done.out) == json.loads((tmp_path / "mine" / "report.json").read_text())
    assert "training on 6 identities" in done.err
    assert (tmp_path / "runs" / "latest").resolve() == tmp_path / "mine"
    figures = json.loads(done.out)["splits"]
    assert figures == made.report()["splits"]
    assert not (tmp_path / "mine" / "report").exists()
    assert (tmp_path / "mine" / "model.safetensors").read_bytes() == (made.run / "model.safetensors").read_bytes()


def test_names_of_runs_count(tmp_path_factory, tmp_path):
    """The next number, and latest moves on; a place that cannot hold `runs` does not stop a run with --out."""
    made = trained(tmp_path_factory)
    one_epoch = ("--dataset", "market", "--root", made.data, *TINY, "--epochs", "1")
    (tmp_path / "runs" / "market1501-small-7").mkdir(parents=True)

    assert train(tmp_path, *one_epoch).code == 0
    assert (tmp_path / "runs" / "latest").readlink() == Path("market1501-small-8")
    shutil.rmtree(tmp_path / "runs")
    (tmp_path / "runs").write_text("a file")
    assert train(tmp_path, *one_epoch, "--out", "out").code == 0
    assert train(tmp_path, *one_epoch).code == 73


def interrupt(folder: Path, number: int, *arguments: str) -> tuple[int, str, str]:
    """Start reid-train in a process of its own and send it a signal after the first epoch that it tells of."""
    command = [sys.executable, "-m", "reid.cli.train", *map(str, arguments)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("epoch ") and sum(one.startswith("epoch ") for one in lines) == 1:
                process.send_signal(number)
        error = process.stderr.read()
    return process.returncode, "".join(lines), error


def test_a_signal_and_resume(tmp_path_factory, tmp_path):
    """75, and the command to go on, for SIGTERM, and for Ctrl-C in the run that goes on; the model is in the end, to the
    byte, that of a run that was never stopped."""
    longer = ("--epochs", "9", "--set", "division.finetune_from=7", "--set", "train.save_every=99")
    begin = ("--dataset", "market1501", "--root", trained(tmp_path_factory).data, *TINY, *longer)
    for number, arguments in ((signal.SIGTERM, begin), (signal.SIGINT, ("--resume",))):
        code, out, err = interrupt(tmp_path, number, *arguments, "--out", "stopped")
        assert code == 75, (out, err)
        assert re.fullmatch(
            r"error: stopped in epoch \d+(, batch \d+)?; go on with reid-train --resume --out stopped\n", err
        )
        assert not [name for name in names(tmp_path) if "tmp" in name]
    done = train(tmp_path, "--resume", "--out", "stopped")
    assert done.code == 0, done.err
    assert re.search(r"going on at epoch \d+ of 9", done.out)
    whole = train(tmp_path, *begin, "--out", "whole")
    assert whole.code == 0
    assert (tmp_path / "stopped" / "model.safetensors").read_bytes() == (
        tmp_path / "whole" / "model.safetensors"
    ).read_bytes()


def test_a_run_without_a_checkpoint_cannot_go_on(tmp_path_factory, tmp_path):
    """66."""
    made = trained(tmp_path_factory)
    shutil.copytree(made.run, tmp_path / "run", ignore=shutil.ignore_patterns("*.ckpt"))
    done = train(tmp_path, "--resume", "--out", "run")

    assert done.code == 66
    assert "has no checkpoint to resume from" in done.err


def test_dry_run(tmp_path_factory, tmp_path):
    """The timeline as a table, or as JSON with every epoch; no folder is made and no step taken."""
    made = trained(tmp_path_factory)
    arguments = ("--dataset", "market1501", "--root", made.data, *TINY, "--dry-run")
    done = train(tmp_path, *arguments)
    as_json = train(tmp_path, *arguments, "--json", "-")

    assert (done.code, done.err) == (0, "")
    assert "epochs  stage     learners  new division  lr backbone" in done.out
    assert done.out.endswith("nothing was trained (--dry-run)\n")
    assert [row["stage"] for row in json.loads(as_json.out)["timeline"]] == ["divide", "conquer", "finetune"]
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def copy(tmp_path_factory, tmp_path):
    """A copy of the finished run and of its data, to damage."""
    made = trained(tmp_path_factory)
    shutil.copytree(made.run, tmp_path / "run")
    shutil.copytree(made.data, tmp_path / "data" / "market1501")
    return tmp_path


def damage(path):
    """Flip a bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_resume_of_a_damaged_run(copy):
    """74, naming the file."""
    damage(copy / "run" / "config.yaml")
    done = train(copy, "--resume", "--out", "run")

    assert done.code == ArtefactError.exit_code
    assert "run/config.yaml" in done.err


def test_resume_from_the_state_before_a_damaged_one(copy):
    """D9: the newest whole state is taken, which is said; the run ends as it did. 74 where both are damaged."""
    before = sha256(copy / "run" / "model.safetensors")
    damage(copy / "run" / "last.ckpt")
    done = train(copy, "--resume", "--out", "run")

    assert done.code == 0, done.err
    assert re.search(r"note: .*last\.ckpt", done.out)
    assert sha256(copy / "run" / "model.safetensors") == before
    for name in ("last.ckpt", "previous.ckpt"):
        (copy / "run" / name).write_bytes(b"something else")
    assert train(copy, "--resume", "--out", "run").code == ArtefactError.exit_code


def test_a_run_in_use(copy):
    """D10: 75, naming the process; neither settings nor states are touched."""
    before = {name: sha256(copy / "run" / name) for name in names(copy / "run")}
    locker = (
        "import sys, time; from pathlib import Path; from reid.train.run_folder import RunFolder\n"
        "with RunFolder(Path('run')).locked(): print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", locker], cwd=copy, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        done = train(copy, "--resume", "--out", "run", "--epochs", 4)
        other.kill()

    assert done.code == 75, done.out
    assert str(other.pid) in done.err
    assert {name: sha256(copy / "run" / name) for name in before} == before


def test_curves_for_tensorboard(tmp_path_factory, tmp_path):
    """Where it is installed, unless it is not wanted."""
    made = trained(tmp_path_factory)
    assert list((made.run / "tensorboard").glob("events.*"))
    off = ("--set", "train.tensorboard=false", "--epochs", "1", "--out", "off")
    assert train(tmp_path, "--dataset", "market1501", "--root", made.data, *TINY, *off).code == 0
    assert not (tmp_path / "off" / "tensorboard").exists()


def test_resume_of_changed_data(copy):
    """74: another dataset is another run."""
    next((copy / "data" / "market1501" / "bounding_box_train").iterdir()).unlink()
    done = train(copy, "--resume", "--out", "run", "--root", "data/market1501")

    assert done.code == 74
    assert "training data changed" in done.err


def test_resume_takes_no_new_settings(copy):
    """78, naming the options."""
    done = train(copy, "--resume", "--out", "run", "--seed", 1, "--set", "train.lr=1")

    assert done.code == 78
    assert "leave out --set, --seed" in done.err


def test_more_epochs_for_a_finished_run(copy):
    """--resume --epochs goes on; a run that was finished is scored again."""
    done = train(copy, "--resume", "--out", "run", "--epochs", 4)

    assert done.code == 0, done.err
    assert "going on at epoch 4 of 4" in done.out
    assert "epoch 4/4  finetune" in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--config", "smal"), "did you mean 'small'"),
        (("--set", "train.learning_rate=1"), "train.learning_rate"),
        (("--set", "loss.name=margn"), "did you mean 'margin'"),
        (("--set", "model.backbone=resnt50"), "resnt50"),
        (("--set", "model.dimension=127"), "127"),
        (("--device", "abacus"), "abacus"),
        (("--dataset", "marke1501"), "did you mean 'market1501'"),
    ],
)
def test_wrong_settings_are_told_before_data_are_read(tmp_path, arguments, words):
    """78, although there is no dataset, which would be 66; no run is begun."""
    done = train(tmp_path, "--dataset", "market1501", *TINY, *arguments)

    assert done.code == 78, done.err
    assert words in done.err
    assert list(tmp_path.iterdir()) == []
    assert train(tmp_path, "--dataset", "market1501", *TINY).code == 66


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("train.identities=7", "train.identities: got 7, but only 6 identities"),
        ("evaluate.splits=[lage]", "no test set 'lage'"),
        ("evaluate.protocols=[single]", "protocol 'single' is not known"),
    ],
)
def test_settings_that_do_not_fit_the_data(tmp_path_factory, tmp_path, assignment, words):
    """78 before training; no run is begun."""
    made = trained(tmp_path_factory)
    done = train(tmp_path, "--dataset", "market1501", "--root", made.data, *TINY, "--set", assignment)

    assert done.code == 78
    assert words in done.err
    assert list(tmp_path.iterdir()) == []


def test_places_for_the_run(tmp_path_factory, tmp_path):
    """73 for one that holds files or cannot be; --force allows files."""
    made = trained(tmp_path_factory)
    begin = ("--dataset", "market1501", "--root", made.data, *TINY, "--epochs", "1", "--out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    done = train(tmp_path, *begin, "full")
    assert done.code == 73
    assert "full is not empty" in done.err
    done = train(tmp_path, *begin, "full/notes.txt/run")
    assert done.code == 73
    assert "full/notes.txt/run" in done.err
    assert train(tmp_path, *begin, "full", "--force").code == 0
    assert (tmp_path / "full" / "notes.txt").read_text() == "mine"


def test_unreadable_and_missing_images(copy):
    """65 naming the file; with "skip", it is left out and named. A listed image that is gone is 66."""
    root = copy / "data" / "market1501"
    bad = min((root / "bounding_box_train").iterdir())
    bad.write_bytes(b"<html>")
    begin = ("--dataset", "market1501", "--root", root, *TINY)
    done = train(copy, *begin)
    assert done.code == 65
    assert bad.name in done.err
    done = train(copy, *begin, "--set", "data.on_bad_image=skip")
    assert done.code == 0, done.err
    assert f"note: 1 unreadable training images are left out: {bad}" in done.out


def test_listed_image_is_missing(tmp_path_factory, tmp_path):
    """66, naming it."""
    made = trained(tmp_path_factory, "vehicleid")
    shutil.copytree(made.data, tmp_path / "set")
    gone = min((tmp_path / "set" / "image").iterdir())
    gone.unlink()
    done = train(tmp_path, "--dataset", "vid", "--root", "set", *TINY)

    assert done.code == 66
    assert gone.name in done.err


def test_divergence(tmp_path_factory, tmp_path):
    """76 with what to do, and no model of NaN."""
    made = trained(tmp_path_factory)
    settings = ("--set", "train.lr=1e30", "--set", "train.scheduler=constant", "--set", "train.warmup=0")
    done = train(tmp_path, "--dataset", "market1501", "--root", made.data, *TINY, *settings, "--epochs", 9)

    assert done.code == 76, done.out
    assert "lower train.lr" in done.err
