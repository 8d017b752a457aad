"""The log of a run: one line of JSON per event, which grows while the run does and is cut back when it resumes.

Nothing here ever stops a run: what cannot be logged is not.
"""

import contextlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from reid import files

_PIECE = 1 << 16


class Clock:
    """The time of day as it was when the clock was made, counted on from there: it never jumps, and never goes back."""

    def __init__(self) -> None:
        self._day, self._start = time.time(), time.monotonic()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._day + time.monotonic() - self._start


def append(path: Path, event: Mapping[str, object], now: float) -> None:
    """Append an event as a line of JSON with the time, in place of what a killed process left of its last line."""
    line = json.dumps({"time": round(now, 3), **json.loads(files.to_json(event, indent=None))}).encode() + b"\n"
    with contextlib.suppress(OSError), path.open("a+b", buffering=0) as file:
        end = _end_of_lines(file)
        file.truncate(end)
        if file.write(line) != len(line):  # the disk is full
            file.truncate(end)


def length(path: Path) -> int:
    """Bytes of all whole lines of a log; 0 where there is none."""
    try:
        with path.open("rb") as file:
            return _end_of_lines(file)
    except OSError:
        return 0


def truncate(path: Path, length: int) -> None:
    """Drop all lines of a log that do not lie within its first `length` bytes; one that is shorter stays as it is."""
    with contextlib.suppress(OSError), path.open("r+b") as file:
        if file.seek(0, os.SEEK_END) > length:
            file.truncate(length)
        file.truncate(_end_of_lines(file))


def _end_of_lines(file: BinaryIO) -> int:
    """Where the last whole line of a file ends."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _PIECE)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
