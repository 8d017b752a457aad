"""Several processes at one list of batches. What becomes of them when they die stands in tests/faults/test_loader.py."""

import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from reid.data.reader import Reader, Task
from reid.data.workers import Workers
from reid.errors import DataError, ReidError

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Numbered:
    """The number of the process, and the height of the picture.

    A picture takes the first process ten times as many milliseconds as its colour, and the second one as many.
    """

    def __call__(self, image: Pixels, random: np.random.Generator) -> Pixels:
        process = int(multiprocessing.current_process().name.split()[-1])
        time.sleep(image[0, 0, 0] / 1000 * (10 if process == 1 else 1))
        return np.array([[[process, len(image)]]], dtype=np.uint8)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Callable[[list[int]], Workers]]:
    """Two workers for files that take so many milliseconds each; file i is 10 + i pixels high."""
    made: list[Workers] = []

    def start(milliseconds: list[int]) -> Workers:
        paths = [tmp_path / f"{number}.png" for number in range(len(milliseconds))]
        for number, (path, value) in enumerate(zip(paths, milliseconds, strict=True)):
            cv2.imwrite(str(path), np.full((10 + number, 16, 3), value, dtype=np.uint8))
        made.append(Workers(Reader(paths, Numbered()), 2, 300.0))
        return made[-1]

    yield start
    for each in made:
        each.close()


def batches(workers: Workers, rows: list[int]) -> Iterator[tuple[int, int]]:
    """Process and row of batches of one picture each."""
    for made in workers.make([Task(0, step, np.array([row])) for step, row in enumerate(rows)]):
        if isinstance(made, ReidError):
            raise made
        process, height = made.reshape(-1).tolist()
        yield process, height - 10


def test_order_stays_whoever_is_slow(workers: Callable[[list[int]], Workers]) -> None:
    """Both work, one ten times as fast as the other, and batches come in the order in which they were asked for."""
    rows = [0, 1] * 20
    found = list(batches(workers([2, 1]), rows))

    assert [row for _, row in found] == rows
    assert {process for process, _ in found} == {1, 2}


def test_an_epoch_left_early_does_not_leak_into_the_next(workers: Callable[[list[int]], Workers]) -> None:
    """Whatever was under way when the caller left, or an error came, the next batches are those asked for."""
    chance, crew = random.Random(0), workers([0, 1, 0, 1, 0, 1, 0, 1])
    crew._reader.paths[6].write_bytes(b"")
    for _ in range(40):
        rows = [chance.choice([0, 1, 2, 3, 4, 5, 7]) for _ in range(20)]
        seen = []
        for _, row in batches(crew, rows):
            seen.append(row)
            if chance.random() < 0.1:
                break
        assert seen == rows[: len(seen)]
        with pytest.raises(DataError, match=r"6\.png"):
            list(batches(crew, [chance.randrange(6), 6, 1, 2, 3]))
    assert len(multiprocessing.active_children()) == 2


@pytest.mark.usefixtures("no_garbage_collection")
def test_ctrl_c_in_the_middle_of_an_answer(workers: Callable[[list[int]], Workers]) -> None:
    """An exception at any time while batches are waited for ends the workers, as answers may be half read; new ones
    give the right batches."""
    crew, chance = workers([1] * 5), random.Random(0)

    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012  the signal must not come before or after
            threading.Timer(chance.uniform(0.02, 0.06), os.kill, (os.getpid(), signal.SIGINT)).start()
            list(batches(crew, [0, 1, 2, 3] * 100))
            time.sleep(60)
        assert [row for _, row in batches(crew, [4, 0, 3, 1, 2, 2])] == [4, 0, 3, 1, 2, 2]
