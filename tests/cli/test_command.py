"""What all commands share: every outcome has an exit code, and nobody sees a traceback unasked."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from reid import errors, files

PROGRAM = """
import errno, os, signal, sys, time
from pathlib import Path
import click
from reid import errors, files
from reid.cli.command import emit, run, shared_options

@click.group()
def program(): pass

@program.command()
@click.argument("kind")
@click.argument("message")
@shared_options
def fail(kind, message, json):
    kinds = {**vars(errors), **vars(__builtins__)}
    raise kinds[kind](int(message), os.strerror(int(message)), "a\\nb") if kind == "OSError" else kinds[kind](message)

@program.command()
@click.argument("numbers", nargs=-1, type=float)
@shared_options
def show(numbers, json):
    emit({"numbers": numbers, "name": os.fsdecode(b"\\xff")}, json, lambda: click.echo(f"{len(numbers)} numbers"))

@program.command()
@click.option("--count", type=click.IntRange(1, 5))
@click.option("--file", type=click.Path(exists=True))
def options(count, file): click.echo(os.fsdecode(b"\\xff\\xc3\\xa9"))

@program.command()
def many():
    for number in range(100_000): click.echo(f"line {number}")

@program.command()
@click.argument("code", type=int)
def end(code): click.get_current_context().exit(code)

@program.command()
def leave(): sys.exit()

@program.command()
@click.argument("folder", type=click.Path(path_type=Path))
def work(folder):
    click.echo("ready")
    with files.new_folder(folder / "x") as temporary:
        files.write_bytes(temporary / "a", b"1")
        time.sleep(0.3)
    while True:
        with files.new_folder(folder / "x", overwrite=True) as temporary:
            files.write_bytes(temporary / "a", b"1")
        files.write_bytes(folder / "y", b"1")

run(program)
"""
TRACEBACK = "Traceback (most recent call last)"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A small command line of ours, as a command."""
    path = tmp_path_factory.mktemp("program") / "program.py"
    path.write_text(PROGRAM)
    return [sys.executable, str(path)]


def call(command: Sequence[str], *arguments: str | bytes, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command with arguments, its output as text; bytes that are no UTF-8 stay visible."""
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [*command, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
        check=False,
        timeout=60,
        **options,
    )


@pytest.mark.parametrize("kind", [name for name, kind in vars(errors).items() if isinstance(kind, type)])
def test_error_of_ours_ends_with_its_code_and_message(kind: str, program: list[str]) -> None:
    """The message on standard error, line by line, without a traceback."""
    done = call(program, "fail", kind, "2 mistakes:\n  what is wrong")

    assert done.returncode == getattr(errors, kind).exit_code
    assert (done.stdout, done.stderr) == ("", "error: 2 mistakes:\n  what is wrong\n")


def test_one_of_several_processes_says_which_it_is(program: list[str]) -> None:
    """All but the first say so before their messages; one without a message, which another process tells, says nothing."""
    places = [{"RANK": rank, "WORLD_SIZE": world} for rank, world in (("0", "2"), ("0", "1"), ("3", "4"))]
    told = [call(program, "fail", "DataError", "x", env={**os.environ, **place}).stderr for place in places]
    silent = call(program, "fail", "ProcessLost", "", env={**os.environ, **places[2]})

    assert told == ["error: x\n", "error: x\n", "process 3: error: x\n"]
    assert (silent.returncode, silent.stderr) == (75, "")


def test_bug_is_reported_with_a_log(program: list[str], tmp_path: Path) -> None:
    """Exit code 70; the traceback goes to a file whose path is printed."""
    done = call(program, "fail", "KeyError", "what\nhappened", env={**os.environ, "TMPDIR": str(tmp_path)})

    assert done.returncode == 70
    found = re.fullmatch(
        r"error: this is a bug: KeyError: 'what\\nhappened'\. The traceback is in (.*); please report it\n", done.stderr
    )
    assert found, done.stderr
    log = Path(found[1]).read_text()
    assert Path(found[1]).parent == tmp_path
    assert TRACEBACK in log
    assert "KeyError" in log


def test_bug_is_reported_where_no_log_can_be_written(program: list[str]) -> None:
    """A machine without any folder for temporary files still gets the message."""
    code = (
        Path(program[1])
        .read_text()
        .replace("run(program)", "import tempfile\ntempfile.tempdir = '/nowhere'\nrun(program)")
    )
    done = call([sys.executable, "-c", code], "fail", "KeyError", "x")

    assert done.returncode == 70
    assert "could not be written" in done.stderr
    assert "--debug" in done.stderr


@pytest.mark.parametrize(("kind", "code"), [("KeyError", 70), ("ConfigError", 78)])
def test_debug_shows_the_traceback(kind: str, code: int, program: list[str]) -> None:
    """Of bugs and of errors of ours, wherever the option stands."""
    for arguments in (("--debug", kind, "what"), (kind, "what", "--debug")):
        done = call(program, "fail", *arguments)
        assert done.returncode == code
        assert TRACEBACK in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["options", "--count", "9"], "--count"),
        (["options", "--count", "x"], "--count"),
        (["options", "--cuont", "1"], "--cuont"),
        (["options", "--file", "a\n\x1b[31m\udcff"], "--file"),
        (["option"], "option"),
        (["show", "1", "x"], "'x' is not a valid float"),
        (["show", "-x.jpg"], "-x"),
        ([], "Usage"),
    ],
)
def test_wrong_usage_is_explained(arguments: list[str], words: str, program: list[str]) -> None:
    """C9: exit code 2, the option and how the command is used, nothing that a terminal would obey."""
    done = call(program, *[os.fsencode(argument) for argument in arguments])

    assert done.returncode == 2
    assert words in done.stderr
    assert "Usage: " in done.stderr
    assert TRACEBACK not in done.stderr
    assert all(line.isprintable() for line in done.stderr.split("\n"))


@pytest.mark.parametrize("arguments", [["--help"], ["show", "--help"]])
def test_help_is_on_standard_output(arguments: list[str], program: list[str]) -> None:
    """Asked for, it is a result."""
    done = call(program, *arguments)

    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: " in done.stdout


def test_commands_may_end_with_a_code_of_their_own(program: list[str]) -> None:
    """Through click or through Python."""
    assert call(program, "end", "3").returncode == 3
    assert call(program, "end", "0").returncode == 0
    assert call(program, "leave").returncode == 0


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("end", [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")])
def test_signals_end_quietly(end: tuple[int, int, str], late: bool, program: list[str], tmp_path: Path) -> None:
    """C10: the code of the signal and one word; what was being written is gone or whole.

    At a random moment the signal may fall between two lines of the cleaning itself: the next writer sweeps then.
    """
    number, code, word = end
    with subprocess.Popen(
        [*program, "work", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.5 if late else 0.1)
            process.send_signal(number)
            _, printed = process.communicate(timeout=10)
        finally:
            process.kill()

    assert process.returncode == code
    assert printed.strip() == word
    if late:
        files.sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {"x", "y"}


def test_reader_that_leaves_is_no_error(program: list[str]) -> None:
    """C11: `| head` ends the command quietly; so does a reader of errors and output at once."""
    for errors_too in (False, True):
        with subprocess.Popen(
            [*program, "many"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors_too else subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "line 0\n"
            process.stdout.close()
            printed = "" if process.stderr is None else process.stderr.read()
            assert process.wait(timeout=30) == 0
        assert printed == ""


def test_full_disk_under_the_output_is_an_io_error(program: list[str]) -> None:
    """Exit code 74, no traceback, and nothing more when the process ends."""
    with Path("/dev/full").open("w") as full:
        for arguments in (["many"], ["show", "1", "--json", "-"]):
            done = call(program, *arguments, stdout=full)
            assert done.returncode == 74
            assert done.stderr == "error: [Errno 28] No space left on device\n"
    done = call(program, "fail", "OSError", "28")
    assert (done.returncode, done.stderr) == (74, "error: [Errno 28] No space left on device: 'a\\nb'\n")


def test_closed_output_is_no_error(program: list[str]) -> None:
    """A job started without standard output or error does its work."""
    for closing in (">&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(["sh", "-c", f'"$@" {closing}', "sh", *program, "show", "1"], check=False, timeout=60)
        assert done.returncode == 0


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
@pytest.mark.parametrize("utf8", ["0", "1"])
def test_any_file_name_can_be_printed(locale: str, utf8: str, program: list[str]) -> None:
    """A10, C11: undecodable bytes, line breaks and escapes show as escapes on any terminal, in results and in messages."""
    environment = {
        **os.environ,
        "LC_ALL": locale,
        "PYTHONUTF8": utf8,
        "PYTHONCOERCECLOCALE": "0",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    shown = call(program, "options", env=environment)
    failed = call(program, "fail", "DataError", b"cannot read a\x1b[31m\xff\xc3\xa9.jpg", env=environment)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout in {"\\udcff\\xe9\n", "\\udcffé\n", "\\udcff\\udcc3\\udca9\n"}
    assert failed.returncode == 65
    assert re.fullmatch(r"error: cannot read a\\x1b\[31m\\udcff(é|\\xe9|\\udcc3\\udca9)\.jpg\n", failed.stderr)


def refuse(constant: str) -> None:
    """For json.loads: NaN and infinity are no JSON."""
    raise AssertionError(constant)


def test_json_on_standard_output_is_all_there_is(program: list[str]) -> None:
    """C13: valid JSON and nothing else, what is no number as null."""
    done = call(program, "show", "1", "nan", "inf", "--json", "-")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout, parse_constant=refuse) == {"numbers": [1.0, None, None], "name": "\udcff"}


def test_json_goes_to_a_file_beside_the_table(program: list[str], tmp_path: Path) -> None:
    """A file gets the same JSON, replaced whole, and people their table."""
    for count in (1, 2):
        done = call(program, "show", *["nan"] * count, "--json", str(tmp_path / "x.json"))
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{count} numbers\n", "")
        assert json.loads((tmp_path / "x.json").read_text(), parse_constant=refuse)["numbers"] == [None] * count
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_json_into_a_device_leaves_it_what_it_is(program: list[str]) -> None:
    """/dev/stdout works as the shell's users expect, and /dev/null stays /dev/null."""
    assert json.loads(call(program, "show", "1", "--json", "/dev/stdout").stdout.partition("\n1 numbers")[0])[
        "numbers"
    ] == [1.0]
    assert call(program, "show", "1", "--json", "/dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("place", ["missing/x.json", ".", "", "n" * 300, "file/x.json"])
def test_json_into_an_impossible_place_is_refused(place: str, program: list[str], tmp_path: Path) -> None:
    """C8: exit code 73 with the place, before the work is done where that can be known."""
    (tmp_path / "file").write_text("")
    done = call(program, "show", "1", "--json", place, cwd=tmp_path)

    assert done.returncode == 73
    assert place in done.stderr
    assert TRACEBACK not in done.stderr
    assert done.stdout == ""


def test_log_of_a_bug_is_not_left_by_errors_of_ours(program: list[str], tmp_path: Path) -> None:
    """Only bugs write files."""
    with contextlib.suppress(KeyError):
        call(program, "fail", "DataError", "x", env={**os.environ, "TMPDIR": str(tmp_path)})

    assert list(tmp_path.iterdir()) == []
