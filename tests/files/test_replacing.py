"""Replacing files and folders whole."""

import contextlib
import ctypes
import errno
import itertools
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import disks
import pytest

from reid import files
from reid.errors import ArtefactError, OutputError
from reid.files import replacing


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def names(folder: Path) -> list[str]:
    """Names of what lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def write_pair(folder: Path, version: bytes) -> None:
    """A folder of two files and a manifest, replaced as a whole."""
    with files.new_folder(folder, overwrite=True) as temporary:
        (temporary / "a.bin").write_bytes(version * 50)
        (temporary / "b.bin").write_bytes(version * 50)
        files.write_manifest(temporary, {"version": version.decode()})


def write_file(path: Path, version: bytes) -> None:
    """A single file."""
    files.write_bytes(path, version * 100)


WRITERS: dict[str, Callable[[Path, bytes], None]] = {"file": write_file, "folder": write_pair}


def standing(path: Path) -> str:
    """Which version stands at a path, after proof that it is whole."""
    if path.is_file():
        return repeated(path.read_bytes(), 100)
    manifest = files.read_manifest(path)
    found = {repeated(data, 50) for name, data in content(path).items() if name.endswith(".bin")}
    assert found == {manifest["version"]}
    return str(manifest["version"])


def repeated(found: bytes, times: int) -> str:
    """What stands so many times in a content."""
    piece = found[: len(found) // times]
    assert found == piece * times
    return piece.decode()


def test_file_is_replaced_with_the_permissions_of_a_new_one(tmp_path: Path) -> None:
    """New content, nothing left beside it, and the permissions that the user's umask gives to any new file."""
    plain, ours = tmp_path / "plain", tmp_path / "ours"
    plain.write_bytes(b"")
    files.write_bytes(ours, b"old")
    files.write_bytes(ours, b"new")

    assert content(tmp_path) == {"ours": b"new", "plain": b""}
    assert ours.stat().st_mode == plain.stat().st_mode


def test_link_stays_a_link(tmp_path: Path) -> None:
    """A link to another disk is followed, so that the content lands where the user wanted it."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk/target")
    files.write_bytes(tmp_path / "link", b"x")
    files.write_bytes(tmp_path / "link", b"y")

    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "disk") == {"target": b"y"}


def test_pipe_is_written_into(tmp_path: Path) -> None:
    """A pipe or device is not replaced by a file: `--json /dev/null` must leave /dev/null what it is."""
    pipe, received = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    files.write_bytes(pipe, b"through")
    reader.join(timeout=10)

    assert received == [b"through"]
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("missing/x", "No such file"),
        ("file/x", "Not a directory"),
        ("folder", "Is a directory"),
        ("n" * 300, "too long"),
    ],
)
def test_impossible_place_is_an_output_error(where: str, reason: str, tmp_path: Path) -> None:
    """Exit code 73 for a place where nothing can be written, with the place and the system's reason."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()

    with pytest.raises(OutputError, match=f"(?s){where}.*{reason}.*another place"):
        files.write_bytes(tmp_path / where, b"x")
    assert content(tmp_path) == {"file": b""}


def test_names_in_messages_cannot_drive_a_terminal(tmp_path: Path) -> None:
    """Line breaks, escapes and undecodable bytes of a name show as escapes."""
    with pytest.raises(OutputError) as caught:
        files.write_bytes(tmp_path / "a\n\x1b[2J\udcff" / "x", b"")

    assert str(caught.value).isprintable()
    assert "a\\n\\x1b[2J\\udcff" in str(caught.value)


def test_text_keeps_undecodable_names(tmp_path: Path) -> None:
    """A text holding a file name that is not UTF-8 is written as the bytes of that name."""
    files.write_text(tmp_path / "x", "é\udcff")

    assert (tmp_path / "x").read_bytes() == "é".encode() + b"\xff"


def test_make_folder_makes_all_above_or_says_why_not(tmp_path: Path) -> None:
    """Twice is once; a file in the way is named."""
    files.make_folder(tmp_path / "a" / "b")
    files.make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")

    assert (tmp_path / "a" / "b").is_dir()
    with pytest.raises(OutputError, match=r"cannot create the folder .*file/x"):
        files.make_folder(tmp_path / "file" / "x")


def test_new_folder_appears_whole_and_only_at_the_end(tmp_path: Path) -> None:
    """Nothing stands at the path while the block runs; afterwards everything does, with ordinary permissions."""
    (tmp_path / "plain").mkdir()
    with files.new_folder(tmp_path / "deep" / "x") as temporary:
        (temporary / "sub").mkdir()
        (temporary / "sub" / "f").write_bytes(b"1")
        assert not (tmp_path / "deep" / "x").exists()

    assert content(tmp_path) == {"deep/x/sub/f": b"1"}
    assert (tmp_path / "deep" / "x").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_new_folder_refuses_what_is_there(tmp_path: Path) -> None:
    """Files are only replaced when asked; an empty folder is as good as none; a file is never replaced by a folder."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").write_bytes(b"1")
    (tmp_path / "empty").mkdir()
    with files.new_folder(tmp_path / "empty") as temporary:
        (temporary / "f").write_bytes(b"2")

    with pytest.raises(OutputError, match=r"full exists already.*--force"), files.new_folder(tmp_path / "full"):
        pass
    precious = tmp_path / "full" / "precious"
    with pytest.raises(OutputError, match="exists already"), files.new_folder(precious, overwrite=True):
        pass
    assert content(tmp_path) == {"full/precious": b"1", "empty/f": b"2"}


def test_new_folder_of_a_failing_block_leaves_what_was(tmp_path: Path) -> None:
    """An error in the block, of ours or the system's, costs nothing; one without a reason keeps its words."""
    write_pair(tmp_path / "x", b"A")
    before = content(tmp_path)

    full = "24000 requested and 16 written"  # as numpy says on a full disk, without a number
    with pytest.raises(ArtefactError, match=f"{full}.*still does"), files.new_folder(tmp_path / "x", overwrite=True):
        raise OSError(full)
    with pytest.raises(KeyboardInterrupt), files.new_folder(tmp_path / "x", overwrite=True):
        raise KeyboardInterrupt
    assert content(tmp_path) == before


def test_many_files_are_flushed_too(tmp_path: Path) -> None:
    """A folder of hundreds of images takes the quick way and is complete."""
    with files.new_folder(tmp_path / "x") as temporary:
        for place in range(200):
            (temporary / str(place)).write_bytes(b"1")

    assert len(content(tmp_path / "x")) == 200


def write_half(path: Path) -> None:
    """Fail in the middle of a replacement."""
    with files.replacement(path) as file:
        file.write(b"half")
        raise ZeroDivisionError


def test_a_replacement_is_written_in_pieces(tmp_path: Path) -> None:
    """The old content stands until the block has ended, and stays when it fails; pieces may be written anywhere."""
    files.write_bytes(tmp_path / "x", b"old")
    with files.replacement(tmp_path / "x") as file:
        file.write(b"....new")
        file.seek(0)
        file.write(b"very")
        assert (tmp_path / "x").read_bytes() == b"old"
    with pytest.raises(ZeroDivisionError):
        write_half(tmp_path / "x")

    assert content(tmp_path) == {"x": b"verynew"}


@pytest.mark.parametrize("present", list(itertools.product([False, True], repeat=3)))
def test_files_move_along(present: tuple[bool, ...], tmp_path: Path) -> None:
    """Each file takes the next name; where one is missing, what bears the next name stays; the first name is free."""
    names = ("a", "b", "c")
    for name, there in zip(names, present, strict=True):
        if there:
            (tmp_path / name).write_bytes(name.encode())
    files.move_along(*(tmp_path / name for name in names))

    expected = {"b": b"a" if present[0] else None, "c": b"b" if present[1] else b"c" if present[2] else None}
    assert content(tmp_path) == {name: found for name, found in expected.items() if found}


@pytest.mark.parametrize(("kind", "swaps"), [("file", True), ("folder", True), ("folder", False)])
def test_every_failing_step_leaves_the_old(
    kind: str, swaps: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D2, D3: whichever write, flush or rename fails, an error says so, what stands is whole and nothing is left beside it.

    It is the old content unless only the last flush failed, of the folder, after the new content was in its place.
    Where the system cannot swap folders in one step, the first of two renames is undone.
    """
    if not swaps:
        monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    target, write = tmp_path / "x", WRITERS[kind]
    outcomes: list[str] = []
    while True:
        write(target, b"A")
        with disks.failing(len(outcomes), errno.ENOSPC), contextlib.suppress(ArtefactError):
            write(target, b"B")
            break
        outcomes.append(standing(target))
        assert names(tmp_path) == ["x"]

    assert standing(target) == "B"
    assert outcomes == ["A"] * (len(outcomes) - 1) + ["B"]
    assert len(outcomes) >= 3


def test_failing_write_leaves_the_old(tmp_path: Path) -> None:
    """D3: a file that may not grow any further, as on a full disk or over quota, keeps its old content."""
    script = (
        "import resource, sys; from pathlib import Path; from reid import files\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))\n"
        "files.write_bytes(Path(sys.argv[1]), b'B' * 100)"
    )
    write_file(tmp_path / "x", b"A")
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "x"], capture_output=True, text=True, check=False)

    assert "ArtefactError: cannot write" in done.stderr
    assert re.search(r"x: File too large \([\d,.]+ MB free on its disk\); what stands there is whole", done.stderr)
    assert standing(tmp_path / "x") == "A"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("kills", [15, pytest.param(1000, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
def test_killed_writer_leaves_old_or_new(kind: str, kills: int, tmp_path: Path) -> None:
    """D1, D11: SIGKILL at a random moment leaves the file or folder whole, as it was written last or was being written;
    what lies beside it is swept away.
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, __file__, kind, str(kills), tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )

    assert done.stderr == ""
    assert done.stdout == ""
    files.sweep(tmp_path)
    assert names(tmp_path) == ["x"]


def test_sweep_leaves_living_writers_alone(tmp_path: Path) -> None:
    """Only what nobody holds any more goes; other people's files are not touched."""
    (tmp_path / "abandoned").mkdir()
    (tmp_path / "abandoned" / "f").write_bytes(b"1")
    (tmp_path / "abandoned").rename(tmp_path / f"{replacing._TEMPORARY}1")
    (tmp_path / f"{replacing._TEMPORARY}2").write_bytes(b"1")
    (tmp_path / "other.tmp").write_bytes(b"1")

    assert files.sweep(tmp_path) == 2
    assert files.sweep(tmp_path / "missing") == 0
    with files.new_folder(tmp_path / "x") as temporary:
        assert files.sweep(tmp_path) == 0
        assert temporary.is_dir()
    assert names(tmp_path) == ["other.tmp", "x"]


def test_folder_that_cannot_be_flushed_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems answer EINVAL when a folder is flushed; writing to them works all the same."""
    flush = os.fsync

    def picky(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112  a descriptor
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", picky)
    write_file(tmp_path / "x", b"A")

    assert standing(tmp_path / "x") == "A"


if __name__ == "__main__":
    writer, place = WRITERS[sys.argv[1]], Path(sys.argv[3]) / "x"
    hits: list[bool] = []

    def stands() -> int:
        """The version that can be read; notes whether the kill left something half-written beside it."""
        hits.append(len(names(place.parent)) > 1)
        return int(standing(place))

    sys.stdout.writelines(disks.kill_writers(lambda version: writer(place, b"%d" % version), stands, int(sys.argv[2])))
    if not any(hits):
        sys.stdout.write("no kill hit a writer at work")
