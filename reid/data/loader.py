"""Batches of pictures from files, read ahead by worker processes.

A worker makes a whole batch, uint8 and not normalised, so that what crosses the process boundary is one block of
shared memory. Without workers, as many threads read as compute, in turns with them. What is in a batch depends on (seed, epoch, step, position) alone, never on the worker that made it.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reid.data import workers as processes
from reid.data.reader import BatchReader, Pixels, Prepare, Reader, Task
from reid.errors import ReidError

if TYPE_CHECKING:
    import torch

__all__ = ["BatchReader", "Loader", "Pixels", "Prepare", "Reader", "Task", "available_cores", "default_workers"]


def available_cores() -> int:
    """Number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers(device: str) -> int:
    """Number of loader processes: all cores, at most 16; beside a network on the "cpu" a quarter of them, and only
    cores that torch's threads leave, for one of these that has to share its core holds up the others.
    """
    cores = available_cores()
    if device != "cpu":
        return min(16, cores)
    import torch

    return min(max(1, cores // 4), max(0, cores - torch.get_num_threads()))


def core_left() -> bool:
    """Whether torch's threads leave a core to who reads ahead; one that has to share its core holds up the others."""
    import torch

    return available_cores() > torch.get_num_threads()


class Loader:
    """Batches in order, of one reader, epoch after epoch.

    Its worker processes stay alive until it is closed or its `with` block ends.

    Args:
        reader: makes the batches.
        workers: number of processes; 0 reads in the calling process, with as many threads as torch has, as does any
            number where there is no Linux.
        threads: that read where no processes do; None is as many as torch has.
        pin: whether batches are put in page-locked memory, for a GPU to fetch.
        lend: whether a batch may be overwritten once the next is asked for, which spares copying it.
        ahead: whether, where no processes read, a thread reads the next batch while the one before is in use.
        timeout: seconds after which a worker that finishes no picture is given up.
    """

    def __init__(
        self,
        reader: BatchReader,
        *,
        workers: int,
        threads: int | None = None,
        pin: bool = False,
        lend: bool = False,
        ahead: bool = False,
        timeout: float = 300.0,
    ) -> None:
        self._reader, self._threads, self._pin, self._lend = reader, threads, pin, lend
        self._workers = processes.Workers(reader, workers, timeout) if workers and processes.AVAILABLE else None
        self._ahead = pin or (ahead and self._workers is None)

    def batches(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, "torch.Tensor"]]:
        """The batches of `tasks`, in order, each as the reader makes it: (B, height, width, 3) uint8 by `Reader`.

        One call is at work at a time: a new one ends those before.

        Raises:
            DataError: a file is not a readable image; it is named.
            LoaderError: an image could not be prepared, or a worker died or hangs; the file is named where it is known.
        """
        every = list(tasks)
        left = threading.Event()
        made = self._made(every, left)
        yield from zip(every, self._one_ahead(made, left) if self._ahead else made, strict=True)

    def _made(self, tasks: list[Task], left: threading.Event) -> "Iterator[torch.Tensor]":
        import torch

        if self._workers is None:
            for pixels in self._in_turns(tasks, self._threads or torch.get_num_threads(), left):
                batch = torch.from_numpy(pixels)
                yield batch.pin_memory() if self._pin else batch
            return
        for made in self._workers.make(tasks):
            if isinstance(made, ReidError):
                raise made
            if self._pin:
                yield torch.from_numpy(made).pin_memory()
            else:
                yield torch.from_numpy(made if self._lend else made.copy())

    def _in_turns(self, tasks: list[Task], threads: int, left: threading.Event) -> Iterator[Pixels]:
        """The same from this process: each of torch's threads reads a batch while none of them computes."""

        def read(task: Task) -> Pixels:
            return self._reader.batch(task, lambda _place: _unless(left))

        if threads == 1:
            yield from map(read, tasks)
            return
        with ThreadPoolExecutor(threads) as pool:
            for start in range(0, len(tasks), threads):
                coming = [pool.submit(read, task) for task in tasks[start : start + threads]]
                wait(coming)
                for batch in coming:
                    yield batch.result()

    def _one_ahead(self, made: "Iterator[torch.Tensor]", left: threading.Event) -> "Iterator[torch.Tensor]":
        """The same, each being read, or copied to page-locked memory, while the one before is in use."""
        with ThreadPoolExecutor(1) as thread:
            coming = thread.submit(next, made, None)
            try:
                while (batch := coming.result()) is not None:
                    coming = thread.submit(next, made, None)
                    yield batch
            except KeyboardInterrupt:
                self.close()  # which ends the thread's waiting, for whatever it is
                raise
            finally:
                left.set()

    def close(self) -> None:
        """End the workers at once."""
        if self._workers is not None:
            self._workers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _LeftError(Exception):
    """Ends a thread that reads for nobody."""


def _unless(left: threading.Event) -> None:
    if left.is_set():
        raise _LeftError
