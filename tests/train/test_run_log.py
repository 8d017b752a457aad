"""The log of a run."""

import json
import math
import os
import time
from pathlib import Path

import disks
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.train import run_log


def lines(path: Path) -> list[dict[str, object]]:
    """The events of a log."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_line_is_json(tmp_path: Path) -> None:
    """C13: numpy values, NaN (as null) and odd names stay one line of JSON with the time."""
    path = tmp_path / "log"
    run_log.append(path, {"event": "epoch", "loss": np.float32(0.5), "sizes": np.arange(3), "nan": math.nan}, 12.3456)
    run_log.append(path, {"event": "note", "name": "a\nb\udcff"}, 13)

    assert lines(path) == [
        {"time": 12.346, "event": "epoch", "loss": 0.5, "sizes": [0, 1, 2], "nan": None},
        {"time": 13, "event": "note", "name": "a\nb\udcff"},
    ]


def test_times_do_not_jump_with_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """E14: they begin with the time of day and go on with the time that passes, also when the clock is set back."""
    clock = run_log.Clock()
    assert clock.now() == pytest.approx(time.time(), abs=1)
    started, now = time.monotonic(), clock.now()
    monkeypatch.setattr(time, "time", lambda: 0.0)

    later = clock.now()
    assert 0 <= later - now <= time.monotonic() - started + 1e-3


@given(st.lists(st.integers(0, 300), max_size=6), st.integers(0, 2000), st.integers(0, 400))
@settings(deadline=None, max_examples=60)
def test_cutting_back_keeps_the_lines_within(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], cut: int, torn: int
) -> None:
    """Whole lines that end within the length stay, all others go; the file never grows; a torn last line goes."""
    path = tmp_path_factory.mktemp("log") / "log"
    whole = [json.dumps("x" * size).encode() + b"\n" for size in sizes]
    path.write_bytes(b"".join(whole) + b'"' * torn)
    assert run_log.length(path) == sum(map(len, whole))
    run_log.truncate(path, cut)

    ends = np.cumsum([len(line) for line in whole])
    assert path.read_bytes() == b"".join(whole[: int((ends <= cut).sum())])


def test_a_line_longer_than_a_piece_is_one_line(tmp_path: Path) -> None:
    """The end of the last line is found however long the lines are."""
    path, pieces = tmp_path / "log", run_log._PIECE
    for size in (pieces - 1, pieces, 3 * pieces):
        path.write_bytes(b"x" * size + b"\n" + b"y" * size)
        assert run_log.length(path) == size + 1
    path.write_bytes(b"x" * 3 * pieces)
    assert run_log.length(path) == 0


def test_a_torn_line_is_written_over(tmp_path: Path) -> None:
    """What a killed process left of a line does not spoil the next one."""
    path = tmp_path / "log"
    run_log.append(path, {"event": "one"}, 1)
    with path.open("a") as file:
        file.write('{"event": "tw')
    run_log.append(path, {"event": "three"}, 3)

    assert [line["event"] for line in lines(path)] == ["one", "three"]


def test_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    """E14: an event that finds no room, or half of it, is lost, and the log stays lines of JSON."""
    path = tmp_path / "log"
    run_log.append(path, {"event": "one"}, 1)
    size = path.stat().st_size
    for room in (0, 1, 10):
        with disks.largest_file(size + room):
            run_log.append(path, {"event": "lost"}, 2)
        assert [line["event"] for line in lines(path)] == ["one"]
    run_log.append(path, {"event": "three"}, 3)
    assert [line["event"] for line in lines(path)] == ["one", "three"]


def test_a_log_that_cannot_be_used_stops_nothing(tmp_path: Path) -> None:
    """E14: no folder, or a folder in its place: nothing is written, nothing is raised."""
    for path in (tmp_path / "gone" / "log", tmp_path):
        run_log.append(path, {"event": "lost"}, 1)
        run_log.truncate(path, 0)
        assert run_log.length(path) == 0
    run_log.truncate(tmp_path / "none", 10)

    assert os.listdir(tmp_path) == []  # noqa: PTH208
