"""One process at a time."""

import errno
import fcntl
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reid import files
from reid.errors import InUseError, OutputError

HOLD = """
import os, sys, time
from pathlib import Path
from reid import files
with files.locked(Path(sys.argv[1]), "the test"):
    child = os.fork()
    if not child:
        time.sleep(60)
    print(child, flush=True)
    sys.stdin.readline()
    os.kill(child, 9)
"""


def holder(path: Path) -> tuple[subprocess.Popen[str], int]:
    """A process that holds the lock until its input ends, and has a child; and the number of the child."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_a_second_process_is_told_who_is_in(tmp_path: Path) -> None:
    """D10: exit code 75, naming process, host and since when; free again when the first is out, with nothing left."""
    path = tmp_path / "lock"
    process, _ = holder(path)
    with process:
        expected = (
            rf"^the run is in use by process {process.pid} on {platform.node()} since \d{{4}}-.*; wait for its end"
        )
        with pytest.raises(InUseError, match=expected) as caught, files.locked(path, "the run"):
            pass
        assert caught.value.exit_code == 75
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []
    with files.locked(path, "the run"):
        assert path.read_text().startswith(f"process {os.getpid()} on ")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    """E9: after SIGKILL the lock is free at once, also while children live, though its file still names the dead."""
    path = tmp_path / "lock"
    process, child = holder(path)
    try:
        with process:
            process.kill()
        assert f"process {process.pid} on" in path.read_text()
        with files.locked(path, "the run"):
            assert path.read_text().startswith(f"process {os.getpid()} on ")
    finally:
        os.kill(child, signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []


def test_the_lock_is_free_when_the_block_fails(tmp_path: Path) -> None:
    """An error in the block, or Ctrl-C, lets go of it."""
    for failure in (ZeroDivisionError, KeyboardInterrupt):
        with pytest.raises(failure), files.locked(tmp_path / "lock", "the run"):
            raise failure
        assert list(tmp_path.iterdir()) == []
    with holder(tmp_path / "lock")[0]:  # enters: another process finds it free
        pass


def test_the_name_may_go_between_opening_and_locking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever locks a file that has just lost its name to its last holder begins again: the name is what counts."""
    lock, path, taken = fcntl.lockf, tmp_path / "lock", []

    def slow(descriptor: int, how: int) -> None:
        if not taken:
            path.unlink()
        taken.append(descriptor)
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "lockf", slow)
    with files.locked(path, "the run"):
        assert os.fstat(taken[-1]).st_ino == path.stat().st_ino

    assert len(taken) == 2


def test_where_there_are_no_locks_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that knows no locks keeps nobody out, and stops nobody."""

    def none(_descriptor: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", none)
    with files.locked(tmp_path / "lock", "the run"):
        assert (tmp_path / "lock").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Exit code 73 with the path."""
    with (
        pytest.raises(OutputError, match="missing/lock: No such file"),
        files.locked(tmp_path / "missing" / "lock", "x"),
    ):
        pass


def test_many_contend(tmp_path: Path) -> None:
    """Of processes that all try at once, again and again, never two are in at the same time."""
    code = """
import os, sys, time
from pathlib import Path
from reid import files
from reid.errors import InUseError
folder, entered = Path(sys.argv[1]), 0
end = time.monotonic() + 60
while entered < 20 and time.monotonic() < end:
    try:
        with files.locked(folder / "lock", "x"):
            os.close(os.open(folder / "inside", os.O_CREAT | os.O_EXCL))
            os.unlink(folder / "inside")
            entered += 1
    except InUseError:
        pass
print(entered)
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    results = [process.communicate(timeout=90) for process in processes]

    assert [error for _, error in results] == [""] * 3
    assert [int(entered) for entered, _ in results] == [20] * 3
