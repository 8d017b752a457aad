"""Disks that fail: full ones, broken ones, and ones that lose power; and processes that are killed while they write."""

import contextlib
import errno
import io
import itertools
import os
import random
import resource
import signal
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, as on a full disk or over quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class _File(io.FileIO):
    """A file whose writes are announced."""

    def __init__(self, path: Path, mode: str, announce: Callable[[str], None]) -> None:
        super().__init__(path, mode)
        self._announce = announce

    def write(self, content: Any) -> int:
        self._announce("write")
        return super().write(content)


@contextlib.contextmanager
def failing(at: int, number: int) -> Iterator[list[str]]:
    """Call number `at` of all writes, flushes and renames fails with the system's error `number`; yields the calls."""
    calls: list[str] = []

    def announce(name: str) -> None:
        calls.append(name)
        if len(calls) - 1 == at:
            raise OSError(number, os.strerror(number))

    def announced(function: Callable[..., None]) -> Callable[..., None]:
        def shim(*arguments: object) -> None:
            announce(function.__name__)
            function(*arguments)

        return shim

    def opened(path: Path, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
        if "x" in mode:
            return io.BufferedWriter(_File(path, mode, announce))
        return original(path, mode, *arguments, **keywords)

    original = Path.open
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", opened)
        patch.setattr(os, "fsync", announced(os.fsync))
        patch.setattr(os, "replace", announced(os.replace))
        yield calls


DISK_FAILURES = (errno.ENOSPC, errno.EIO, errno.EDQUOT)


@dataclass
class Journal:
    """What was flushed and renamed, in order, and what a disk that loses power may have kept of it.

    A file holds what it held when it was last flushed, and nothing if it never was. Of the renames since a folder was
    last flushed, the disk has kept the first ones, any number of them.

    Attributes:
        entries: at the start, inode of every path.
        contents: at the start, content of every inode.
        steps: (what, path, inode or source, content) of every flush and rename.
    """

    entries: dict[Path, int]
    contents: dict[int, bytes]
    steps: list[tuple[str, Path, Any, bytes]] = field(default_factory=list)

    @classmethod
    @contextlib.contextmanager
    def of(cls, folder: Path, *, flushes: bool = True) -> "Iterator[Journal]":
        """The journal of what is done to a folder in the block; without `flushes`, flushing a file is a lie."""
        found = [path for path in folder.rglob("*") if path.is_file()]
        entries = {path: path.stat().st_ino for path in found}
        journal = cls(entries, {inode: path.read_bytes() for path, inode in entries.items()})
        flush, rename = os.fsync, os.replace

        def fsync(descriptor: int) -> None:
            flush(descriptor)
            path, status = Path(f"/proc/self/fd/{descriptor}"), os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                journal.steps.append(("folder", path.resolve(), None, b""))
            elif flushes:
                journal.steps.append(("file", path, status.st_ino, path.read_bytes()))

        def replace(source: Path, target: Path) -> None:
            inode = source.stat().st_ino
            rename(source, target)
            journal.steps.append(("rename", target, (source, inode), b""))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            patch.setattr(os, "replace", replace)
            yield journal

    def after_power_loss(self) -> Iterator[dict[Path, bytes]]:
        """Every content that the folder may have, by the moment at which power is lost."""
        entries, contents, waiting = dict(self.entries), dict(self.contents), list[Any]()
        for what, path, about, content in [("start", Path(), None, b""), *self.steps]:
            if what == "file":
                contents[about] = content
            elif what == "rename":
                waiting.append((path, *about))
            elif what == "folder":
                kept = [move for move in waiting if move[0].parent != path]
                for move in waiting:
                    if move not in kept:
                        _rename(entries, *move)
                waiting = kept
            for count in range(len(waiting) + 1):
                then = dict(entries)
                for move in waiting[:count]:
                    _rename(then, *move)
                yield {path: contents.get(inode, b"") for path, inode in then.items()}


def _rename(entries: dict[Path, int], target: Path, source: Path, inode: int) -> None:
    entries.pop(source, None)
    entries[target] = inode


def lay_out(contents: dict[Path, bytes], here: Path, there: Path) -> None:
    """Write a folder that was at `here` to `there`."""
    for path, content in contents.items():
        place = there / path.relative_to(here)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def kill_writers(write: Callable[[int], None], standing: Callable[[], int], rounds: int) -> list[str]:
    """Kill processes that write one version after another, at random moments; what was wrong afterwards, a line each.

    Args:
        write: writes a version, a number; when it returns, that version must last.
        standing: the version that can be read.
        rounds: kills.
    """
    chance, problems, found, seconds = random.Random(0), list[str](), 0, list[float]()
    for _ in range(4):  # the first is slow
        start = time.perf_counter()
        write(found)
        seconds.append(time.perf_counter() - start)
    span = max(0.005, 4 * min(seconds))
    for _ in range(rounds):
        first, (done, mine) = found + 1, os.pipe()
        child = os.fork()
        if not child:
            try:
                for version in itertools.count(first):
                    write(version)
                    os.write(mine, b".")
            finally:
                os._exit(1)
        os.close(mine)
        time.sleep(chance.uniform(0, span))
        os.kill(child, signal.SIGKILL)
        if os.waitpid(child, 0)[1] != signal.SIGKILL:
            problems.append("a writer failed")
        finished = first - 1 + len(os.read(done, 1 << 20))
        os.close(done)
        found = standing()
        if found not in {finished, finished + 1}:
            problems.append(f"{finished} was written, {found} stands")
    return problems
