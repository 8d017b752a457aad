"""Batches from files: the same whoever makes them, in order, and never a leftover process."""

import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from reid.data.images import read_image
from reid.data.loader import Loader, Reader, Task, default_workers
from reid.data.transforms import Augmentation, TrainTransform, albumentations_operations
from reid.errors import DataError, MissingInputError

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Worker:
    """Instead of a picture: the number of the process that would have made it."""

    def __call__(self, image: Pixels, random: np.random.Generator) -> Pixels:
        return np.array([[[*os.getpid().to_bytes(4, "big")]]], dtype=np.uint8)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Twelve pictures of different sizes."""
    albumentations_operations()  # once here instead of in every worker
    random = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.png" for number in range(12)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), random.integers(0, 256, (20 + 3 * number, 30, 3), dtype=np.uint8))
    return paths


def _tasks(count: int, epoch: int = 0, rows: int = 5) -> list[Task]:
    random = np.random.default_rng(epoch)
    return [Task(epoch, step, random.integers(0, 12, rows)) for step in range(count)]


def _reader(files: list[Path], seed: int = 0) -> Reader:
    return Reader(files, TrainTransform((16, 16), Augmentation(erase=0.5, colour=0.3)), seed)


def _workers_of(batches: list[torch.Tensor]) -> set[int]:
    return {int.from_bytes(bytes(row.flatten().tolist()), "big") for batch in batches for row in batch}


def test_the_number_of_workers_does_not_matter(files: list[Path]) -> None:
    """Law: the same pictures, augmented alike, in the same order, for 0, 1 and 2 workers, over two epochs."""
    found = []
    for workers in (0, 1, 2):
        loader = Loader(_reader(files), workers=workers)
        found.append([(task, batch) for epoch in (0, 1) for task, batch in loader.batches(_tasks(6, epoch))])
    for (task, batch), *others in zip(*found, strict=True):
        assert batch.dtype == torch.uint8
        assert batch.shape == (5, 16, 16, 3)
        for other_task, other in others:
            assert (other_task.epoch, other_task.step) == (task.epoch, task.step)
            assert torch.equal(other, batch)


def test_a_picture_depends_on_seed_epoch_step_and_place(files: list[Path]) -> None:
    """The same file at another place, step, epoch or seed is augmented anew; at the same it is not."""
    reader, rows = _reader(files), np.array([3, 3])
    base = reader.batch(Task(0, 0, rows))
    others = [reader.batch(Task(1, 0, rows)), reader.batch(Task(0, 1, rows)), _reader(files, 1).batch(Task(0, 0, rows))]

    assert len({picture.tobytes() for batch in (base, *others) for picture in batch}) == 8
    assert (reader.batch(Task(0, 0, rows)) == base).all()


def test_rows_name_files(files: list[Path]) -> None:
    """Picture i of a batch is file rows[i]."""

    def first_pixel(image: Pixels, random: np.random.Generator) -> Pixels:
        return image[:1, :1]

    rows = np.array([7, 0, 7, 11])
    ((_, batch),) = Loader(Reader(files, first_pixel), workers=0).batches([Task(0, 0, rows)])

    assert batch[:, 0, 0].tolist() == [read_image(files[row])[0, 0].tolist() for row in rows]


def test_workers_stay_between_epochs(files: list[Path]) -> None:
    """Two processes make the batches of all epochs; with 0 workers this one does."""
    loader = Loader(Reader(files, Worker()), workers=2)
    epochs = [_workers_of([batch for _, batch in loader.batches(_tasks(8, epoch))]) for epoch in range(3)]

    assert len(epochs[0]) == 2
    assert os.getpid() not in epochs[0]
    assert epochs[0] == epochs[1] == epochs[2]
    alone = Loader(Reader(files, Worker()), workers=0)
    assert _workers_of([batch for _, batch in alone.batches(_tasks(2))]) == {os.getpid()}


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_image_is_one_clean_error(files: list[Path], workers: int) -> None:
    """B1, B5: a broken or missing file is one DataError with its name and no worker's traceback, after the batches
    before it; the loader can be used again."""
    files[4].write_bytes(files[4].read_bytes()[:60])
    files[9].unlink()
    with Loader(_reader(files), workers=workers) as loader:
        for bad, kind in ((4, DataError), (9, MissingInputError)):
            tasks = [Task(0, step, np.array([0, bad if step == 3 else 1])) for step in range(8)]
            seen = []
            with pytest.raises(kind) as caught:
                seen.extend(task.step for task, _ in loader.batches(tasks))

            assert seen == [0, 1, 2]
            assert str(files[bad]) in str(caught.value)
            assert "Traceback" not in str(caught.value)
            assert "\n" not in str(caught.value)
        again = [task.step for task, _ in loader.batches([Task(1, step, np.array([0, 1])) for step in range(5)])]
    assert again == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_that_read_in_turns_change_nothing(
    files: list[Path], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without workers, batches of several threads are those of one, in order, and the first error comes after the
    batches before it, though later ones were read by then."""
    expected = [batch for _, batch in Loader(_reader(files), workers=0).batches(_tasks(7))]
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    loader = Loader(_reader(files), workers=0)
    found = [batch for _, batch in loader.batches(_tasks(7))]
    assert all(torch.equal(one, other) for one, other in zip(expected, found, strict=True))

    files[4].unlink()
    seen = []
    with pytest.raises(MissingInputError):
        seen.extend(
            task.step for task, _ in loader.batches([Task(0, n, np.array([0, 4 if n == 3 else 1])) for n in range(6)])
        )
    assert seen == [0, 1, 2]


@dataclass(frozen=True)
class Blocks:
    """Instead of pictures, as many bytes as a step says."""

    def batch(self, task: Task, begin: object = None) -> Pixels:
        return np.full(1 + 700 * (task.step % 7), task.step, dtype=np.uint8)

    def files(self, task: Task) -> list[Path]:
        return []


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_may_be_anything(workers: int) -> None:
    """Another reader's bytes come as they were made, whether more or fewer than before."""
    with Loader(Blocks(), workers=workers) as loader:
        found = [batch for _, batch in loader.batches(_tasks(40))]

    assert [len(batch) for batch in found] == [1 + 700 * (step % 7) for step in range(40)]
    assert all((batch == step).all() for step, batch in enumerate(found))


@pytest.mark.parametrize("leave", ["after all", "in the middle", "by an error"])
def test_nothing_is_left_running(files: list[Path], leave: str) -> None:
    """E9: workers end with the block at once, also while an exception still holds everything that used them."""
    files[4].write_bytes(b"")
    rows = 4 if leave == "by an error" else 1
    caught = None
    try:
        with Loader(_reader(files), workers=2) as loader:
            for task, _ in loader.batches([Task(0, step, np.array([rows])) for step in range(20)]):
                assert len(multiprocessing.active_children()) == 2
                if leave == "in the middle" and task.step == 2:
                    break
            started = time.perf_counter()
    except DataError as error:
        started = time.perf_counter()
        caught = error

    assert multiprocessing.active_children() == []
    assert time.perf_counter() - started < 2
    assert (caught is not None) == (leave == "by an error")


def test_a_loader_without_a_block_ends_its_workers_too(files: list[Path]) -> None:
    """Dropping the last reference is enough where nothing went wrong."""
    loader = Loader(_reader(files), workers=2)
    list(loader.batches(_tasks(3)))
    del loader
    gc.collect()

    assert multiprocessing.active_children() == []


def test_no_tasks_are_no_batches(files: list[Path]) -> None:
    """An empty epoch is empty, whoever would have made it."""
    for workers in (0, 1):
        assert list(Loader(_reader(files), workers=workers).batches([])) == []


@pytest.mark.parametrize("workers", [0, 2])
def test_pinned_batches(files: list[Path], monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """For a GPU, the next batch is pinned while one is in use: the same batches, errors in their place, no more than
    one ahead, and nothing left at work when the caller leaves."""
    pinned: list[int] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda batch: pinned.append(1) or batch.clone())
    expected = [batch for _, batch in Loader(_reader(files), workers=0).batches(_tasks(6))]
    with Loader(_reader(files), workers=workers, pin=True) as loader:
        for (_, batch), wanted in zip(loader.batches(_tasks(6)), expected, strict=True):
            assert torch.equal(batch, wanted)
        pinned.clear()
        for task, _ in loader.batches(_tasks(6)):
            if task.step == 2:
                break
        gc.collect()
        assert 3 <= len(pinned) <= 4
        files[4].write_bytes(b"")
        seen = []
        bad = [Task(0, step, np.array([step])) for step in range(8)]
        with pytest.raises(DataError, match=r"4\.png"):
            seen.extend(task.step for task, _ in loader.batches(bad))
        assert seen == [0, 1, 2, 3]
    assert not any("ThreadPool" in thread.name for thread in threading.enumerate())


def test_batches_that_are_lent(files: list[Path]) -> None:
    """They are the same while they are in use, and are copied nowhere."""
    expected = [batch for _, batch in Loader(_reader(files), workers=0).batches(_tasks(20))]
    with Loader(_reader(files), workers=1, lend=True) as loader:
        for (_, batch), wanted in zip(loader.batches(_tasks(20)), expected, strict=True):
            assert torch.equal(batch, wanted)
        assert len({batch.data_ptr() for _, batch in loader.batches(_tasks(20))}) <= 8


def test_a_thread_that_reads_ahead(files: list[Path]) -> None:
    """It makes the same batches, one ahead; errors come in their place; it ends with the picture it reads once the
    caller leaves."""
    expected = [batch for _, batch in Loader(_reader(files), workers=0).batches(_tasks(6))]
    with Loader(_reader(files), workers=0, threads=1, ahead=True) as loader:
        for (_, batch), wanted in zip(loader.batches(_tasks(6)), expected, strict=True):
            assert torch.equal(batch, wanted)
    read, go = [], threading.Semaphore(3)

    def prepare(image: Pixels, random: np.random.Generator) -> Pixels:
        go.acquire()
        read.append(1)
        return image[:8, :8]

    tasks = Loader(Reader(files, prepare), workers=0, threads=1, ahead=True).batches(
        [Task(0, 0, np.arange(2)), Task(0, 1, np.arange(12))]
    )
    next(tasks)
    threading.Timer(0.1, go.release).start()  # the second picture that is read ahead, if it gets so far
    tasks.close()  # type: ignore[attr-defined]  # it is a generator
    assert 2 <= len(read) <= 4
    files[4].unlink()
    seen, bad = [], [Task(0, step, np.array([step])) for step in range(8)]
    with pytest.raises(MissingInputError, match=r"4\.png"):
        seen.extend(task.step for task, _ in Loader(_reader(files), workers=0, ahead=True).batches(bad))
    assert seen == [0, 1, 2, 3]
    assert not any("ThreadPool" in thread.name for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("cores", "threads", "workers"), [(1, 1, 0), (2, 1, 1), (2, 2, 0), (8, 6, 2), (8, 1, 2), (8, 8, 0)]
)
def test_default_workers_fit_the_machine(
    monkeypatch: pytest.MonkeyPatch, cores: int, threads: int, workers: int
) -> None:
    """A quarter of the cores beside a network on the CPU, and none that its threads use; all, at most 16, beside a GPU."""
    monkeypatch.setattr("reid.data.loader.available_cores", lambda: cores)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)

    assert default_workers("cpu") == workers
    assert default_workers("cuda") == cores


def test_workers_start_although_opencv_has_threads(files: list[Path]) -> None:
    """A process that made OpenCV work on several threads can still split off workers, which once hung for ever."""
    script = f"""
import cv2, numpy as np
from pathlib import Path
from reid.data.loader import Loader, Reader, Task
from reid.data.transforms import TestTransform
class Fixed:
    def __call__(self, image, random):
        return TestTransform((16, 16))(image)
cv2.setNumThreads(4)
cv2.GaussianBlur(np.zeros((4000, 4000, 3), np.uint8), (31, 31), 5)
with Loader(Reader([Path({str(files[0])!r})], Fixed()), workers=1) as loader:
    print(*[batch.shape for _, batch in loader.batches([Task(0, 0, np.zeros(2, np.int64))])], cv2.getNumThreads())
"""

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=90, check=False)

    assert (done.stdout, done.returncode) == ("torch.Size([2, 16, 16, 3]) 4\n", 0), done.stderr
