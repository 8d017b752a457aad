"""FAULTS, group E, the loader: whatever happens to a process that reads images is one error that says what and where."""

import contextlib
import ctypes
import faulthandler
import multiprocessing
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from reid.data.loader import Loader, Reader, Task
from reid.errors import LoaderError

Pixels = NDArray[np.uint8]
BAD = 7
HEIGHT = 20


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Twelve pictures; number i is 20 + i pixels high."""
    paths = [tmp_path / f"{number}.png" for number in range(12)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((HEIGHT + number, 30, 3), number, dtype=np.uint8))
    return paths


@dataclass(frozen=True)
class On:
    """Does something when it gets picture number `bad`, and takes its time over all others."""

    do: Callable[[], object]
    bad: int = BAD
    seconds: float = 0.0

    def __call__(self, image: Pixels, random: np.random.Generator) -> Pixels:
        if len(image) == HEIGHT + self.bad:
            made = self.do()
            return image[:8, :8] if made is None else made
        time.sleep(self.seconds)
        return image[:8, :8]


class OddError(LoaderError):
    def __init__(self) -> None:
        super().__init__("unlike others")
        self.held = lambda: None

    def __reduce__(self) -> str:
        raise TypeError("cannot be pickled")


def fail(error: BaseException) -> Callable[[], None]:
    def do() -> None:
        raise error

    return do


def die(number: int) -> Callable[[], None]:
    return crash(lambda: os.kill(os.getpid(), number))


def crash(how: Callable[[], object]) -> Callable[[], None]:
    def do() -> None:
        faulthandler.disable()  # pytest's, which tells at length what is meant to happen here
        how()

    return do


def tasks(count: int, rows: int = 4) -> list[Task]:
    """Batches of good pictures; the last one has the bad one in third place."""
    made = [Task(2, step, np.arange(rows) % 6) for step in range(count)]
    made[-1].rows[2] = BAD
    return made


def refused(reader: Reader, workers: int = 2, timeout: float = 300.0) -> str:
    """What the error says that ends an epoch of five batches; nothing is left running."""
    with (
        Loader(reader, workers=workers, timeout=timeout) as loader,
        pytest.raises(LoaderError) as caught,
    ):
        list(loader.batches(tasks(5)))
    assert multiprocessing.active_children() == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (crash(lambda: ctypes.string_at(0)), "was killed by SIGSEGV (most likely a damaged file"),
        (crash(os.abort), "was killed by SIGABRT (most likely a damaged file"),
        (die(signal.SIGBUS), "was killed by SIGBUS (memory ran out"),
        (die(signal.SIGKILL), "was killed by SIGKILL (most likely memory ran out; lower data.workers"),
        (die(signal.SIGRTMIN), "was killed by SIGRTMIN"),
        (die(signal.SIGRTMIN + 2), f"was killed by signal {signal.SIGRTMIN + 2}"),
        (lambda: os._exit(4), "ended with exit code 4"),
        (fail(SystemExit(3)), "ended with exit code 3"),
    ],
)
def test_e7_a_worker_that_ends(files: list[Path], do: Callable[[], object], words: str) -> None:
    """The message tells the worker, the signal or exit code, the file it was reading, and its batch."""
    message = refused(Reader(files, On(do)))

    assert message.startswith("loader process ")
    assert f" of 2 {words}" in message
    assert f"while it read {files[BAD]};" in message
    assert f"batch 5 of epoch 3: {files[0]}, {files[1]}, {files[BAD]}, {files[3]}" in message


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("do", "words"),
    [
        (fail(ValueError("no\nway")), r"could not be prepared: ValueError: no\nway (test_loader.py, line "),
        (fail(MemoryError()), "could not be prepared: out of memory; lower data.workers or the size of the batch"),
        (lambda: lambda: None, "was prepared as function; uint8 pictures of one size make a batch"),
        (lambda: np.zeros((8, 9, 3), dtype=np.uint8), "was prepared as uint8 (8, 9, 3)"),
        (lambda: np.zeros((8, 8, 3)), "was prepared as float64 (8, 8, 3)"),
    ],
)
def test_e7_an_image_that_cannot_be_prepared(
    files: list[Path], workers: int, do: Callable[[], object], words: str
) -> None:
    """Code that fails or returns nonsense names the file, whoever runs it, and the place where it failed."""
    assert f"image {files[BAD]} {words}" in refused(Reader(files, On(do)), workers)


def test_e7_an_error_that_cannot_be_sent(files: list[Path]) -> None:
    """It comes as one that can, in the same words."""
    assert refused(Reader(files, On(fail(OddError())))) == "unlike others"


@pytest.mark.parametrize("count", [4, pytest.param(50, marks=pytest.mark.soak)])
def test_e6_killed_at_any_time(files: list[Path], count: int) -> None:
    """SIGKILL to any worker at any time, as it comes when memory runs out, is the same error; the next epoch starts anew."""
    chance = random.Random(1)
    reader = Reader(files, On(lambda: None, seconds=0.001))
    with Loader(reader, workers=2) as loader:
        for _ in range(count):
            batches = loader.batches(Task(0, step, np.arange(6)) for step in range(40))
            for _ in zip(range(chance.randrange(1, 12)), batches, strict=False):
                pass
            time.sleep(chance.uniform(0, 0.01))
            os.kill(chance.choice(multiprocessing.active_children()).pid or 0, signal.SIGKILL)
            with pytest.raises(LoaderError, match=r"loader process [12] of 2 was killed by SIGKILL \(most likely mem"):
                list(batches)
            assert multiprocessing.active_children() == []
        assert len(list(loader.batches(tasks(6)))) == 6


@pytest.mark.parametrize("do", [lambda: time.sleep(100), die(signal.SIGSTOP)])
def test_e8_a_worker_that_hangs(files: list[Path], do: Callable[[], object]) -> None:
    """Asleep or frozen, it is given up after the timeout, ended, and its file named."""
    started = time.monotonic()
    message = refused(Reader(files, On(do)), timeout=0.5)

    assert 0.5 <= time.monotonic() - started < 8
    assert "got nowhere for 0.5 seconds" in message
    assert f"while it read {files[BAD]}" in message


def test_e8_slow_is_not_hanging(files: list[Path]) -> None:
    """A batch may take longer than the timeout, as long as each of its pictures does not."""
    with Loader(Reader(files, On(lambda: None, seconds=0.2)), workers=1, timeout=0.5) as loader:
        assert len(list(loader.batches(tasks(1, rows=6)))) == 1


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize("pin", [False, True])
def test_ctrl_c_while_a_worker_hangs(files: list[Path], monkeypatch: pytest.MonkeyPatch, pin: bool) -> None:
    """It stops at once, also where a thread of its own waits for batches on behalf of a GPU."""
    monkeypatch.setattr(torch.Tensor, "pin_memory", torch.Tensor.clone)
    started = time.monotonic()
    with Loader(Reader(files, On(lambda: time.sleep(100))), workers=2, pin=pin) as loader:
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            list(loader.batches(tasks(5)))
    assert time.monotonic() - started < 8
    assert multiprocessing.active_children() == []


@contextlib.contextmanager
def apart(work: Callable[[Callable[[object], None]], None]) -> Iterator[tuple[int, Callable[[], object]]]:
    """Runs `work` in a process group of its own: its number, and a function for what it tells."""
    ours, theirs = multiprocessing.Pipe()

    def run() -> None:
        os.setsid()
        ours.close()
        work(theirs.send)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    theirs.close()

    def told() -> object:
        assert ours.poll(30)
        return ours.recv()

    try:
        yield process.pid or 0, told
        process.join(5)
        assert not process.is_alive()
        assert process.exitcode == -signal.SIGKILL or told() == process.exitcode == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()


def alive(pids: list[int]) -> list[int]:
    """Those of some processes that still run."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                found.append(pid)
    return found


def test_e9_no_orphans(files: list[Path]) -> None:
    """After kill -9 of the main process, workers are gone within seconds, also one in the middle of an endless read."""

    def work(tell: Callable[[object], None]) -> None:
        with Loader(Reader(files, On(lambda: time.sleep(100))), workers=2) as loader:
            for task, _ in loader.batches(tasks(60)):
                if task.step == 50:
                    tell([child.pid for child in multiprocessing.active_children()])

    with apart(work) as (main, told):
        workers = told()
        assert len(alive(workers)) == 2
        os.kill(main, signal.SIGKILL)
        until = time.monotonic() + 5
        while alive(workers) and time.monotonic() < until:
            time.sleep(0.05)
        assert alive(workers) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_for_all_is_for_the_main_process(files: list[Path], number: signal.Signals) -> None:
    """Ctrl-C and a group's SIGTERM leave workers at work, so that a step can be finished; Python then ends at once,
    although it has not closed them."""

    def work(tell: Callable[[object], None]) -> None:
        seen: list[int] = []
        signal.signal(number, lambda *_: seen.append(1))
        loader = Loader(Reader(files, On(lambda: None)), workers=2)
        batches = loader.batches(tasks(60))
        next(batches)
        tell([child.pid for child in multiprocessing.active_children()])
        while not seen:
            time.sleep(0.01)
        assert len(list(batches)) == 59
        tell(0)

    with apart(work) as (main, told):
        workers = told()
        os.killpg(main, number)
    assert alive(workers) == []


def small_dev_shm() -> bool:
    """Puts one of 64 kB in place, for this process only; whether that is allowed."""
    libc = ctypes.CDLL(None)
    new_mounts, new_user, recursive, private = 0x20000, 0x10000000, 0x4000, 0x40000
    if libc.unshare(new_mounts | (new_user if os.geteuid() else 0)):
        return False
    libc.mount(None, b"/", None, recursive | private, None)
    return libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, b"size=64k") == 0


def test_e11_a_small_dev_shm(files: list[Path]) -> None:
    """Batches of 3 MB come through where /dev/shm holds 64 kB."""

    def large(image: Pixels, random: np.random.Generator) -> Pixels:
        return np.full((512, 512, 3), len(image), np.uint8)

    def work(tell: Callable[[object], None]) -> None:
        if not small_dev_shm():
            tell(None)
        else:
            tell(shutil.disk_usage("/dev/shm").total)  # noqa: S108  what it is about
            with Loader(Reader(files, large), workers=2) as loader:
                for task, batch in loader.batches(Task(0, step, np.arange(4)) for step in range(12)):
                    assert batch[:, 100, 100, 0].tolist() == [HEIGHT + row for row in task.rows]
        tell(0)

    with apart(work) as (_, told):
        total = told()
        if total is None:
            pytest.skip("another /dev/shm takes the right to make name spaces")
        assert total == 65536


def test_larger_batches_come_through_too(files: list[Path]) -> None:
    """Memory grows with what is put there; batches handed out before keep their pictures."""
    sizes = [1, 5, 2, 40, 3, 200, 1]
    made = [Task(0, step, np.full(size, step)) for step, size in enumerate(sizes)]
    with Loader(Reader(files, On(lambda: None)), workers=2) as loader:
        found = [batch for _, batch in loader.batches(made)]

    assert [len(batch) for batch in found] == sizes
    assert all(bool((batch == step).all()) for step, batch in enumerate(found))
    assert all(batch.dtype == torch.uint8 for batch in found)
