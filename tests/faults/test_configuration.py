"""Faults of settings and command lines: each row must end with its exit code and a message that names the culprit."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import trees
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.cli import data, eval, train  # noqa: A004  the command is called so
from reid.config import check
from reid.errors import ConfigError

Call = Callable[..., tuple[Any, str, str]]
DATA = [sys.executable, "-m", "reid.cli.data"]


@pytest.fixture
def reid_train(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Runs reid-train in an empty folder, on a dataset that is not there; exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[Any, str, str]:
        monkeypatch.setattr(
            sys, "argv", ["reid-train", "--dataset", "market1501", "--root", "nowhere", *map(str, arguments)]
        )
        with pytest.raises(SystemExit) as ended:
            train.main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return call


ROWS = {
    "C1 a program in a tag": (
        "a: !!python/object/apply:os.system ['touch marker']",
        "line 1: tags such as .*os.system are not allowed",
    ),
    "C2 an alias bomb": (
        "a: &a [x]\n"
        + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        "line 2: aliases are not allowed",
    ),
    "C2 too large": ("a: 1\n" * 20_000, "larger than 64,000 bytes"),
    "C3 a key twice": ("seed: 1\ntrain: {}\nseed: 2\n", "line 3: key 'seed' stands here again, first on line 1"),
    "C4 a number in quotes": ("train: {lr: '1e-4'}", 'train.lr: got "1e-4", wanted a number'),
    "C4 a word for a switch": (
        "model: {freeze_batchnorm: no}",
        'model.freeze_batchnorm: got "no", wanted true or false',
    ),
    "C5 an unknown key": ("train: {epohcs: 3}", "train.epohcs: unknown key; did you mean 'train.epochs'"),
    "C6 slices that do not fit": ("model: {dimension: 100}", "model.dimension: 100 cannot be shared equally"),
    "C6 a batch of one identity": ("train: {identities: 1}", "train.identities: got 1, wanted 2 or more"),
    "C7 a negative rate": ("train: {lr: -1}", "train.lr: got -1, wanted more than 0"),
    "C7 a share above one": ("model: {dropout: 1.5}", "model.dropout: got 1.5, wanted less than 1"),
    "C7 no learners": ("division: {learners: 0}", "division.learners: got 0, wanted 1 or more"),
    "C12 deep brackets": ("a: " + "[" * 50_000, "nested more than 32 levels deep"),
    "C12 deep lists": ("- " * 30_000, "nested more than 32 levels deep"),
    "a list": ("- train\n", r"wanted sections such as 'train:', got \[\"train\"\]"),
    "no text": ("\x00\x01", "line 1: character U.0000 is not allowed"),
}


@pytest.mark.parametrize("row", ROWS)
def test_c1_to_c7_and_c12_recipe_with_a_fault(row: str, reid_train: Call, tmp_path: Path) -> None:
    """78 within a second, before any data is looked for; the file, and the line or key, are named; nothing is run."""
    written, message = ROWS[row]
    (tmp_path / "own.yaml").write_text(written)
    reid_train("--config", "missing.yaml")  # the first call imports
    start = time.process_time()
    code, out, printed = reid_train("--config", "own.yaml")

    assert (code, out) == (78, "")
    assert re.search(message, printed)
    assert "own.yaml" in printed
    assert time.process_time() - start < 1
    assert [path.name for path in tmp_path.iterdir()] == ["own.yaml"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--config", "missing.yaml"], 66, "no recipe file missing.yaml"),
        (["--config", "smal"], 78, "no recipe 'smal'; did you mean 'small'"),
        (["--set", "train.epochs"], 78, "--set train.epochs: wanted KEY=VALUE"),
        (["--set", "train.lr=[1"], 78, "--set train.lr, line 1: "),
        (["--set", "train.lr=fast"], 78, 'train.lr: got "fast", wanted a number'),
        (["--set", "epochs=5"], 78, "epochs: unknown key; did you mean 'train.epochs'"),
        (["--set", "train.warmup=2", "--epochs", "1"], 78, "train.warmup: 2 must not be larger than train.epochs = 1"),
        (["--set", "train.lr=1e-3"], 66, "nowhere"),
    ],
)
def test_c5_c7_settings_on_the_command_line(arguments: list[str], code: int, message: str, reid_train: Call) -> None:
    """A wrong assignment is named as it was written; right ones get as far as the missing dataset."""
    ended, out, printed = reid_train(*arguments)

    assert (ended, out) == (code, "")
    assert message in printed


@given(*[st.integers(-1, 40)] * 4)
@settings(deadline=None, max_examples=60)
def test_c6_sizes_are_accepted_or_refused_by_name(learners: int, dimension: int, identities: int, images: int) -> None:
    """Whatever the sizes are, settings that pass can be trained on; the others name a key that is wrong."""
    chosen = {
        "model": {"dimension": dimension},
        "division": {"learners": learners},
        "train": {"identities": identities, "images_each": images},
    }
    right = learners >= 1 and dimension >= 1 and identities >= 2 and images >= 2 and dimension % learners == 0
    if right:
        check(chosen, "x")
        return
    with pytest.raises(
        ConfigError, match=r"\n  (model\.dimension|division\.learners|train\.identities|train\.images_each): "
    ):
        check(chosen, "x")


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """A folder of images, a subfolder an identity, that can be trained on."""
    for number, (split, name) in enumerate((split, name) for split in ("train", "test") for name in "abcd"):
        for shot in range(4):
            trees.picture(tmp_path / "crops" / split / f"{split}{name}" / f"{shot}.png", number * 4 + shot)
    return tmp_path / "crops"


def test_c8_output_that_must_not_be_overwritten(crops: Path, reid_train: Call, tmp_path: Path) -> None:
    """73 before the first epoch where the folder holds something or cannot be made; what it holds is untouched."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years of work")
    small = ["--dataset", "folder", "--root", crops, "--config", "small", "--set", "data.workers=0", "--device", "cpu"]
    small += ["--set", "data.validation=0"]

    for out, message in (("full", "full is not empty"), (tmp_path / "full" / "thesis.tex" / "run", "thesis.tex/run")):
        code, _, printed = reid_train(*small, "--out", out)
        assert code == 73
        assert message in printed
    code, _, printed = reid_train(*small, "--out", tmp_path / "full" / "thesis.tex")
    assert code == 2
    assert "--out" in printed
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.tex"]
    assert (tmp_path / "full" / "thesis.tex").read_text() == "years of work"


def commands() -> list[tuple[str, click.Command]]:
    """Every command a user can type, with the words that lead to it."""
    several = [(f"reid-data {name}", command) for name, command in sorted(data.command.commands.items())]
    return [("reid-train", train.command), ("reid-eval", eval.command), *several]


def bad_values(option: click.Parameter) -> list[str]:
    """Values that an option must refuse, as far as its type tells."""
    match option.type:
        case click.IntRange():
            return ["x", "1.5", str((option.type.min or 0) - 1)]
        case click.FloatRange():
            return ["x", "-1e9"]
        case click.Choice():
            return ["nothing-like-it", ""]
        case click.Path(exists=True):
            return ["/nowhere/at/all", "\x1b[31m\n"]
        case _:
            return []


def test_c9_bad_values_of_every_option(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """2, with the option's name, for every value that its type excludes; likewise for every misspelt option."""
    tried = 0
    for words, command in commands():
        needed = ["x" for parameter in command.params if isinstance(parameter, click.Argument)]
        for option in (parameter for parameter in command.params if isinstance(parameter, click.Option)):
            name = max(option.opts, key=len)
            for arguments in ([f"{name}x", "1"], *([name, value] for value in bad_values(option))):
                monkeypatch.setattr(sys, "argv", [*words.split(), *needed, *arguments])
                main = {"reid-train": train.main, "reid-eval": eval.main, "reid-data": data.main}[words.split()[0]]
                with pytest.raises(SystemExit) as ended:
                    main()
                printed = capsys.readouterr().err
                assert (ended.value.code, name in printed) == (2, True), (words, arguments, printed)
                assert all(line.isprintable() for line in printed.split("\n"))
                tried += 1

    assert tried > 40


SIGNALLED = """
import os, random, signal, sys, time
from pathlib import Path
import click
from reid import files
from reid.cli.command import run

folder = Path(sys.argv[1])
sys.argv = ["work"]

@click.command()
def work():
    os.write(ready, b"1")
    while True:
        with files.new_folder(folder / "x", overwrite=True) as temporary:
            files.write_bytes(temporary / "a", b"1" * 1000)
            files.write_manifest(temporary, {})
        files.write_bytes(folder / "y", b"1" * 1000)

chance = random.Random(0)
for turn in range(60):
    waiting, ready = os.pipe()
    child = os.fork()
    if not child:
        run(work)
    os.read(waiting, 1)
    time.sleep(chance.uniform(0, 0.06))
    start = time.monotonic()
    os.kill(child, (signal.SIGINT, signal.SIGTERM)[turn % 2])
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = [path.name for path in folder.iterdir() if path.name not in {"x", "y"}]
    whole = not (folder / "x").exists() or bool(files.read_manifest(folder / "x"))
    print(code, len(left), whole, time.monotonic() - start < 10)
    os.close(waiting), os.close(ready)
"""


def test_c10_signals_at_60_random_moments(tmp_path: Path) -> None:
    """130 for Ctrl-C and 143 for SIGTERM; what stands is whole, and temporary files are gone.

    An interrupt between two steps of cleaning up may leave one, which the next writer sweeps away: so none lasts.
    """
    done = subprocess.run([sys.executable, "-c", SIGNALLED, tmp_path], capture_output=True, text=True, check=False)
    rows = [line.split() for line in done.stdout.splitlines()]

    assert [row[0] for row in rows] == ["130", "143"] * 30, done.stderr
    assert {(row[2], row[3]) for row in rows} == {("True", "True")}
    assert sum(row[1] != "0" for row in rows) <= 3
    assert set(done.stderr.split()) == {"interrupted", "terminated"}


@pytest.mark.parametrize(
    "environment",
    [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"NO_COLOR": "1", "TERM": "dumb"}],
)
def test_c11_pipes_and_plain_terminals(environment: dict[str, str]) -> None:
    """Plain text without a terminal, in any locale; a reader that has seen enough ends the command quietly."""
    done = subprocess.run([*DATA, "list"], capture_output=True, text=True, check=False, env=os.environ | environment)
    piped = subprocess.run(
        ["sh", "-c", '"$@" | head -n 1', "sh", *DATA, "list"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )

    assert (done.returncode, done.stderr, piped.stderr) == (0, "", "")
    assert "\x1b" not in done.stdout
    assert piped.stdout == done.stdout.splitlines(keepends=True)[0]


def test_c13_every_json_output_is_json() -> None:
    """No NaN and no infinity, whichever command speaks."""
    for arguments in (["list"], ["show", "demo"]):
        done = subprocess.run([*DATA, *arguments, "--json", "-"], capture_output=True, text=True, check=False)
        json.loads(done.stdout, parse_constant=pytest.fail)
        assert done.returncode == 0
