"""What a process does that makes batches for another: `reid.data.workers` tells why so."""

import contextlib
import gc
import mmap
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.data.reader import BatchReader, Pixels, Task
from reid.errors import ReidError

IDLE = -1
"""Mark of a worker that reads no picture."""
QUIET = (signal.SIGINT, signal.SIGTERM)
"""Signals that workers ignore; whoever forks them holds these back until they do."""
_LOOK = 1.0  # seconds between two looks at whether the main process is still there

Marks = NDArray[np.int64]
Signals = set[int | signal.Signals]


@contextlib.contextmanager
def held_back() -> Iterator[Signals]:
    """Lets `QUIET` signals wait until the end of a block that forks workers, and says which were held back before.

    A handler that raises halfway would lose sight of a process. Blocking them alone does not do, as other threads would
    take them for this one.
    """
    waiting: list[int] = []
    before: dict[int, Any] = {}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, QUIET)
    try:
        if threading.current_thread() is threading.main_thread():
            before = {number: signal.signal(number, lambda got, _frame: waiting.append(got)) for number in QUIET}
        yield mask
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number in set(waiting):
            signal.raise_signal(number)


class Side(NamedTuple):
    """A worker's side of things.

    Attributes:
        reader: makes the batches.
        connection: where tasks come from, each with the slot that its batch goes to.
        mark: (1,) in memory shared with the main process: the place in its batch of the picture being read, or `IDLE`.
        slots: how many batches fit into a piece of shared memory.
        main: number of the main process.
    """

    reader: BatchReader
    connection: Connection
    mark: Marks
    slots: int
    main: int


def serve(side: Side, foreign: Sequence[Connection], signals: Signals) -> None:
    """Make batch after batch, for as long as there is a main process that wants any.

    Each is answered with its shape, or the error that kept it from being made; new memory is announced by the size of
    its slots, before the answer that needs it.

    Args:
        side: this worker's.
        foreign: ends of pipes that are the main process's.
        signals: held back where the worker was forked, to be let through again.
    """
    _settle(side.main, foreign, signals)
    memory: Pixels = np.empty((side.slots, 0), dtype=np.uint8)
    while True:
        try:
            slot, task = side.connection.recv()
            made = _attempt(side, task)
            side.mark[0] = IDLE
            if isinstance(made, ReidError):
                side.connection.send(made)
                continue
            if made.nbytes > memory.shape[1]:
                memory = _share(side, made.nbytes)
            memory[slot, : made.nbytes] = made.reshape(-1)
            side.connection.send(made.shape)
        except (EOFError, BrokenPipeError, ConnectionResetError):  # the main process is gone, or wants no more
            return


def _settle(main: int, foreign: Sequence[Connection], signals: Signals) -> None:
    for number in QUIET:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, signals)
    for connection in foreign:  # ends of the main process, which would seem alive after its death
        connection.close()
    gc.freeze()  # looking at objects writes to them, and what is written to is no longer shared
    cv2.setNumThreads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    threading.Thread(target=_end_with, args=(main,), daemon=True).start()


def _end_with(main: int) -> None:
    """Nobody would tell a worker in the middle of a long read that the main process was killed."""
    while os.getppid() == main:
        time.sleep(_LOOK)
    os._exit(1)


def _attempt(side: Side, task: Task) -> Pixels | ReidError:
    def begin(place: int) -> None:
        side.mark[0] = place

    try:
        return side.reader.batch(task, begin)
    except ReidError as error:
        return _portable(error)


def _portable(error: ReidError) -> ReidError:
    """The error as it can be sent: classes of anybody's own, which may need more than a message, become what they are based on."""
    kind = next(kind for kind in type(error).__mro__ if kind.__module__ == ReidError.__module__)
    return error if kind is type(error) else kind(str(error))


def _share(side: Side, size: int) -> Pixels:
    """New memory, shared with the main process."""
    handle = os.memfd_create("reid-loader")
    os.ftruncate(handle, side.slots * size)
    side.connection.send(size)
    send_handle(side.connection, handle, side.main)
    return mapped(handle, side.slots, size)


def mapped(handle: int, slots: int, size: int) -> Pixels:
    """(slots, size) uint8 of a piece of shared memory, whose handle is closed."""
    try:
        return np.frombuffer(mmap.mmap(handle, slots * size), dtype=np.uint8).reshape(slots, size)
    finally:
        os.close(handle)
