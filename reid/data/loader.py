"""Batches of pictures from files, read ahead by worker processes.

A worker makes a whole batch, uint8 and not normalised, so that what crosses the process boundary is one block of
shared memory. Without workers, as many threads read as compute, in turns with them. What is in a batch depends on (seed, epoch, step, position) alone, never on the worker that made it.
"""

import os
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


class Loader:
    """Batches in order, of one reader, epoch after epoch.

    Its worker processes stay alive until it is closed or its `with` block ends.

    Args:
        reader: makes the batches.
        workers: number of processes; 0 reads in the calling process, with as many threads as torch has, as does any
            number where there is no Linux.
        threads: that read where no processes do; None is as many as torch has.
        pin: whether batches are put in page-locked memory, for a GPU to fetch.
        timeout: seconds after which a worker that finishes no picture is given up.
    """

    def __init__(
        self,
        reader: BatchReader,
        *,
        workers: int,
        threads: int | None = None,
        pin: bool = False,
        timeout: float = 300.0,
    ) -> None:
        self._reader, self._threads, self._pin = reader, threads, pin
        self._workers = processes.Workers(reader, workers, timeout) if workers and processes.AVAILABLE else None

    def batches(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, "torch.Tensor"]]:
        """The batches of `tasks`, in order, each as the reader makes it: (B, height, width, 3) uint8 by `Reader`.

        One call is at work at a time: a new one ends those before.

        Raises:
            DataError: a file is not a readable image; it is named.
            LoaderError: an image could not be prepared, or a worker died or hangs; the file is named where it is known.
        """
        every = list(tasks)
        made = self._made(every)
        yield from zip(every, self._one_ahead(made) if self._pin else made, strict=True)

    def _made(self, tasks: list[Task]) -> "Iterator[torch.Tensor]":
        import torch

        if self._workers is None:
            for pixels in self._in_turns(tasks, self._threads or torch.get_num_threads()):
                batch = torch.from_numpy(pixels)
                yield batch.pin_memory() if self._pin else batch
            return
        for made in self._workers.make(tasks):
            if isinstance(made, ReidError):
                raise made
            yield torch.from_numpy(made).pin_memory() if self._pin else torch.from_numpy(made.copy())

    def _in_turns(self, tasks: list[Task], threads: int) -> Iterator[Pixels]:
        """The same from this process: each of torch's threads reads a batch while none of them computes."""
        if threads == 1:
            yield from map(self._reader.batch, tasks)
            return
        with ThreadPoolExecutor(threads) as pool:
            for start in range(0, len(tasks), threads):
                coming = [pool.submit(self._reader.batch, task) for task in tasks[start : start + threads]]
                wait(coming)
                for batch in coming:
                    yield batch.result()

    def _one_ahead(self, made: "Iterator[torch.Tensor]") -> "Iterator[torch.Tensor]":
        """The same, each being copied to page-locked memory while the GPU is at work on the one before."""
        with ThreadPoolExecutor(1) as thread:
            coming = thread.submit(next, made, None)
            try:
                while (batch := coming.result()) is not None:
                    coming = thread.submit(next, made, None)
                    yield batch
            except KeyboardInterrupt:
                self.close()  # which ends the thread's waiting, for whatever it is
                raise

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
