"""Sharing rows among threads."""

import time

import numpy as np
import pytest

from reid.distances.threads import cores, share_parts, share_rows


@pytest.mark.parametrize("threads", ["1", "2", "5"])
@pytest.mark.parametrize("rows", [0, 1, 2, 17])
def test_every_row_is_done_once(monkeypatch: pytest.MonkeyPatch, threads: str, rows: int) -> None:
    """Whatever the number of threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    done = np.zeros(rows, dtype=int)

    def work(start: int, stop: int) -> None:
        done[start:stop] += 1

    share_rows(work, rows)
    assert done.tolist() == [1] * rows


def test_errors_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """From any thread."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")

    def work(start: int, _stop: int) -> None:
        if start:
            raise ValueError("row")

    with pytest.raises(ValueError, match="row"):
        share_rows(work, 4)


def test_workers_do_not_share_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that each start two would be four for two cores."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")

    assert cores() == 2
    assert share_parts(lambda _: cores(), [0, 1, 2]) == [1, 1, 1]


def test_threads_follow_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What matrix products obey, compiled loops obey too; nonsense is ignored."""
    monkeypatch.setenv("OMP_NUM_THREADS", "3,1")
    assert cores() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "x")
    assert cores() >= 1


@pytest.mark.parametrize("threads", ["1", "3"])
def test_parts_come_back_in_order(monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    """Whoever ends first."""
    monkeypatch.setenv("OMP_NUM_THREADS", threads)

    def work(part: int) -> int:
        time.sleep(0.01 * (part % 3))
        return part**2

    assert share_parts(work, range(7)) == [part**2 for part in range(7)]
    assert share_parts(work, []) == []
