"""reid-train in several processes: one of them speaks and writes, and each mistake is told once."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import ranks
import whole_runs
from whole_runs import TINY, Done, Trained, trained

from reid.train.place import Place

FOUR = ("--set", "train.identities=4", "--set", "model.freeze_batchnorm=true", "--device", "cpu")


def _begin(made: Trained) -> tuple[str, ...]:
    return ("--dataset", "market1501", "--root", str(made.data), *TINY, *FOUR, "--no-report")


def _command(place: Place, folder: Path, *arguments: str) -> Done:
    """reid-train in one of several processes, started as torchrun would, but with no torchrun to watch them."""
    numbers = {"RANK": place.rank, "WORLD_SIZE": place.world, "MASTER_PORT": place.port}
    local = {"LOCAL_RANK": place.local_rank, "LOCAL_WORLD_SIZE": place.neighbours}
    os.environ |= {"MASTER_ADDR": place.address, **{key: str(value) for key, value in (numbers | local).items()}}
    return whole_runs.train(folder, *arguments)


def _train(world: int, folder: Path, *arguments: str) -> list[Done]:
    ended = ranks.start_apart(world, _command, folder, *arguments).end(within=100)
    assert [one.error for one in ended] == [None] * world
    return [one.value for one in ended]


def test_the_first_process_speaks_and_writes(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """It says what a run of one process says and leaves the same files; the other says and writes nothing."""
    made = trained(tmp_path_factory)
    first, other = _train(2, tmp_path, *_begin(made), "--out", "run", "--json", "run.json")

    assert (first.code, first.err) == (0, "")
    assert other == Done(0, "", "")
    assert "note: 2 processes share every batch of 4 identities, 2 each" in first.out
    starts = [
        {line[:12] for line in done.out.splitlines() if line[:5] in {"epoch", "best ", "| tes"}}
        for done in (first, made.done)
    ]
    assert starts[0] == starts[1]
    left = {path.name for path in made.run.iterdir()} - {"report"}  # that run draws pictures, for other tests
    assert {path.name for path in (tmp_path / "run").iterdir()} == left
    assert {path.name for path in tmp_path.iterdir()} == {"run", "run.json", "runs"}
    assert json.loads((tmp_path / "run.json").read_text())["dataset"] == "market1501"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--set", "train.identities=5"), 78, "5 identities cannot be shared equally by 2 processes; 4 or 6 can"),
        (("--device", "cuda:0"), 78, "--device cuda:0 is one device for 2 processes"),
        (("--set", "train.lr=1e30", "--set", "train.warmup=0"), 76, "the loss is"),
        (("--root", "nowhere"), 66, "nowhere"),
    ],
)
def test_what_is_wrong_is_told_once(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """J3: by one process, whose exit code is that of the mistake; the other ends with the same, or 75, and says nothing."""
    done = _train(2, tmp_path, *_begin(trained(tmp_path_factory)), "--set", "train.scheduler=constant", *arguments)
    told = [one for one in done if one.err]

    assert len(told) == 1
    assert re.match("(process 1: )?error: ", told[0].err)
    assert told[0].err.count("error: ") == 1
    assert words in told[0].err
    assert told[0].code == code
    assert {one.code for one in done} <= {code, 75}


def test_torchrun_is_asked_to_stop(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """The real launcher, told to end by SIGTERM: the step is finished, the state saved, one message says how to go on,
    and a single process does."""
    begin = (*_begin(trained(tmp_path_factory)), "--epochs", "99", "--set", "division.finetune_from=50")
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "reid.cli.train")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        (*torchrun, *begin, "--out", "run"),
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stdout:
            if line.startswith("epoch 1/"):
                process.send_signal(signal.SIGTERM)
        errors = process.stderr.read()

    assert len(re.findall("^(?:process 1: )?error: ", errors, re.MULTILINE)) == 1
    assert re.search(r"^error: stopped in epoch \d+.*; go on with reid-train --resume --out run$", errors, re.MULTILINE)
    assert not [path for path in (tmp_path / "run").rglob("*") if "tmp" in path.name]
    done = whole_runs.train(tmp_path, "--resume", "--out", "run", "--epochs", "3")
    assert done.code == 0, done.err
    assert "going on at epoch" in done.out
    assert "processes 2, now 1: results will differ in their last bits" in done.out
