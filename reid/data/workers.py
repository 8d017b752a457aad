"""Processes that make batches ahead of the one that trains.

They are forked, so that they know everything without being told, and talk to the main process over a pipe each: no
lock, queue or thread is shared, so that one that dies cannot stop the others, and what each has in hand is known when
it does. Batches come back in memory that has no name in any file system: a small /dev/shm, as containers have it, does
not matter.

Workers ignore Ctrl-C and SIGTERM, which go to the whole group of processes: the main process decides when to stop. They
are killed when it closes them, and end by themselves within seconds when it is gone.
"""

import math
import mmap
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import util
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from multiprocessing.reduction import recv_handle
from typing import NamedTuple, NoReturn

import cv2
import numpy as np

from reid.data.reader import BatchReader, Pixels, Task
from reid.data.worker import IDLE, Marks, Side, Signals, held_back, mapped, serve
from reid.errors import LoaderError, ReidError
from reid.text import listed, printable

AVAILABLE = sys.platform == "linux"
"""Whether there are such processes here: elsewhere, forking is unsafe or not known, and images are read where one trains."""
_AHEAD = 8  # batches, or two for every worker if that is more
_LOOK = 1.0  # seconds between two looks at whether a silent worker still gets anywhere
_PATIENCE = 2.0  # seconds for a process that was killed to be gone
_WHY: Mapping[int, str] = {
    signal.SIGKILL: "most likely memory ran out; lower data.workers or the size of the batch",
    signal.SIGBUS: "memory ran out, or a file shrank while it was read; lower data.workers or the size of the batch",
    **dict.fromkeys(
        (signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL),
        "most likely a damaged file brings the decoder down; find all such with reid-data check NAME --images",
    ),
}
_SIGNALS = {number.value: number.name for number in signal.Signals}


class _Job(NamedTuple):
    number: int
    slot: int
    task: Task


@dataclass(eq=False)
class _Worker:
    """The main process's side of one worker."""

    number: int
    process: ForkProcess
    connection: Connection
    free: list[int]
    in_hand: deque[_Job] = field(default_factory=deque)
    memory: Pixels = field(default_factory=lambda: np.empty((0, 0), dtype=np.uint8))
    seen: tuple[int, int, float] = (0, 0, 0.0)


class _Made(NamedTuple):
    worker: _Worker
    slot: int
    value: Pixels | ReidError


class Workers:
    """Some processes that make batches; they are started when first needed, and stay until they are closed.

    Args:
        reader: makes the batches.
        count: of processes.
        timeout: seconds after which a worker that finishes no picture is given up.
    """

    def __init__(self, reader: BatchReader, count: int, timeout: float) -> None:
        self._reader, self._count, self._timeout = reader, count, timeout
        self._depth = max(2, -(-_AHEAD // count))
        self._marks: Marks = np.frombuffer(mmap.mmap(-1, 8 * count), dtype=np.int64)
        self._workers: list[_Worker] = []
        self._made: dict[int, _Made] = {}
        self._first = self._next = 0
        # Also when Python ends: before multiprocessing waits for processes that ignore its SIGTERM.
        self._end = util.Finalize(self, _kill, args=(self._workers,), exitpriority=10)

    def make(self, tasks: Sequence[Task]) -> Iterator[Pixels | ReidError]:
        """The batches of `tasks`, in order, or the error that kept one from being made.

        A batch is overwritten once the next is asked for. What an earlier call left unfinished is dropped.

        Raises:
            LoaderError: a worker died or hangs; all of them are ended.
        """
        self._start()
        self._drop()
        self._first, self._next = self._next, self._next + len(tasks)
        waiting = deque(enumerate(tasks, self._first))
        for number in range(self._first, self._next):
            made = self._take(number, waiting)
            try:
                yield made.value
            finally:
                made.worker.free.append(made.slot)

    def close(self) -> None:
        """End all workers at once."""
        self._made.clear()
        _kill(self._workers)

    def _start(self) -> None:
        if self._workers:
            return
        self._marks[:] = IDLE
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)  # forked while OpenCV has threads, workers would wait for these for ever
        try:
            with held_back() as signals:
                for number in range(self._count):
                    self._workers.append(self._fork(number, signals))
        finally:
            cv2.setNumThreads(threads)

    def _fork(self, number: int, signals: Signals) -> _Worker:
        ours, theirs = multiprocessing.Pipe()
        foreign = [worker.connection for worker in self._workers] + [ours]
        side = Side(self._reader, theirs, self._marks[number : number + 1], self._depth, os.getpid())
        process = multiprocessing.get_context("fork").Process(
            target=serve, args=(side, foreign, signals), name=f"reid loader {number + 1}", daemon=True
        )
        process.start()
        theirs.close()
        return _Worker(number, process, ours, list(range(self._depth)))

    def _drop(self) -> None:
        for made in self._made.values():
            made.worker.free.append(made.slot)
        self._made.clear()

    def _take(self, number: int, waiting: deque[tuple[int, Task]]) -> _Made:
        try:
            self._collect(0.0)
            self._hand_out(waiting)
            for worker in self._workers:
                worker.seen = self._progress(worker)
            while number not in self._made:
                self._collect(min(_LOOK, self._timeout))
                self._hand_out(waiting)
                self._watch()
            return self._made.pop(number)
        except BaseException:  # Ctrl-C too: half an answer may have been read
            self.close()
            raise

    def _hand_out(self, waiting: deque[tuple[int, Task]]) -> None:
        """Keep all workers busy, whoever has least to do first."""
        while waiting and (able := [worker for worker in self._workers if worker.free]):
            worker = min(able, key=lambda one: len(one.in_hand))
            number, task = waiting.popleft()
            worker.in_hand.append(_Job(number, worker.free.pop(), task))
            try:
                worker.connection.send((worker.in_hand[-1].slot, task))
            except OSError:
                self._lost(worker)

    def _watch(self) -> None:
        for worker in self._workers:
            now = self._progress(worker)
            if not worker.in_hand or now[:2] != worker.seen[:2]:
                worker.seen = now
            elif now[2] - worker.seen[2] > self._timeout:
                self._hangs(worker)

    def _progress(self, worker: _Worker) -> tuple[int, int, float]:
        return len(worker.in_hand), int(self._marks[worker.number]), time.monotonic()

    def _collect(self, timeout: float) -> None:
        """Take what workers have sent, waiting for the first of it up to `timeout` seconds."""
        busy = {worker.connection: worker for worker in self._workers if worker.in_hand}
        for connection in wait(list(busy), timeout):
            worker = busy[connection]  # type: ignore[index]  # of what it was given, and that was connections only
            try:
                self._receive(worker)
            except (EOFError, OSError):
                self._lost(worker)

    def _receive(self, worker: _Worker) -> None:
        answer: int | tuple[int, ...] | ReidError = worker.connection.recv()
        if isinstance(answer, int):  # for the batches from now on; those before keep the old one
            worker.memory = mapped(recv_handle(worker.connection), self._depth, answer)
            return
        job = worker.in_hand.popleft()
        if job.number < self._first:
            worker.free.append(job.slot)
        elif isinstance(answer, tuple):
            picture = worker.memory[job.slot, : math.prod(answer)].reshape(answer)
            self._made[job.number] = _Made(worker, job.slot, picture)
        else:
            self._made[job.number] = _Made(worker, job.slot, answer)

    def _lost(self, worker: _Worker) -> NoReturn:
        worker.process.join(_PATIENCE)
        code = worker.process.exitcode
        if code is None or code >= 0:
            raise LoaderError(self._told(worker, "fell silent" if code is None else f"ended with exit code {code}"))
        why = f" ({_WHY[-code]})" if -code in _WHY else ""
        raise LoaderError(self._told(worker, f"was killed by {_SIGNALS.get(-code, f'signal {-code}')}{why}"))

    def _hangs(self, worker: _Worker) -> NoReturn:
        happened = (
            f"got nowhere for {self._timeout:g} seconds (is the disk or network that its files are on still there?)"
        )
        raise LoaderError(self._told(worker, happened))

    def _told(self, worker: _Worker, happened: str) -> str:
        """What happened to a worker, with the file it was reading and the batch that belongs to it."""
        text = f"loader process {worker.number + 1} of {self._count} {happened}"
        if not worker.in_hand:
            return text
        task = worker.in_hand[0].task
        files, place = self._reader.files(task), int(self._marks[worker.number])
        reading = "" if place == IDLE else f" while it read {printable(files[place])}"
        return f"{text}{reading}; in hand: batch {task.step + 1} of epoch {task.epoch + 1}: {listed(files, 5)}"


def _kill(workers: list[_Worker]) -> None:
    """End workers, which hold nothing that could be lost."""
    for worker in workers:
        worker.process.kill()
        worker.connection.close()
    until = time.monotonic() + _PATIENCE
    for worker in workers:
        worker.process.join(max(0.0, until - time.monotonic()))
    workers.clear()
