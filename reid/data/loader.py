"""Batches of pictures from files, read ahead by worker processes.

A worker makes a whole batch, uint8 and not normalised, so that what crosses the process boundary is one block of
shared memory. What is in a batch depends on (seed, epoch, step, position) alone, never on the worker that made it.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.data.images import read_image
from reid.errors import ReidError

if TYPE_CHECKING:
    import torch

Pixels = NDArray[np.uint8]


class Task(NamedTuple):
    """What one batch is made of: where it stands in training, and its rows in the list of files."""

    epoch: int
    step: int
    rows: NDArray[np.int64]


class Prepare(Protocol):
    """Turns a decoded image into a picture of the network's size; `random` decides what is left to chance."""

    def __call__(self, image: Pixels, random: np.random.Generator) -> Pixels:
        """(H, W, 3) uint8 -> (height, width, 3) uint8."""
        ...


@dataclass(frozen=True)
class Reader:
    """Makes a batch from files: the part of the loader that runs in the workers.

    Attributes:
        paths: files, as rows are counted.
        prepare: what happens to each decoded image.
        seed: of the run.
        max_megapixels: larger pictures are refused.
    """

    paths: Sequence[Path]
    prepare: Prepare
    seed: int = 0
    max_megapixels: float = 64.0

    def batch(self, task: Task) -> Pixels:
        """(B, height, width, 3) uint8 RGB pictures of `task.rows`.

        Raises:
            DataError: a file is not a readable image; it is named.
        """
        return np.stack([self.picture(int(row), task, place) for place, row in enumerate(task.rows)])

    def picture(self, row: int, task: Task, place: int) -> Pixels:
        """(height, width, 3) uint8 RGB picture of one row at one place of the batch."""
        image = read_image(self.paths[row], max_megapixels=self.max_megapixels)
        return self.prepare(image, rng.generator(self.seed, "augment", task.epoch, task.step, place))


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
    """Worker processes that stay alive between epochs, until the loader is closed or its `with` block ends.

    Args:
        reader: makes the batches.
        workers: number of processes; 0 reads in the calling process.
        pin: whether batches are put in page-locked memory, for a GPU to fetch.
        timeout: seconds after which a silent worker is given up.
    """

    def __init__(self, reader: Reader, *, workers: int, pin: bool = False, timeout: float = 300.0) -> None:
        from torch.utils.data import DataLoader

        self._tasks = _Tasks()
        self._loader: DataLoader[torch.Tensor | ReidError] = DataLoader(
            _Batches(reader),  # type: ignore[arg-type]  # indexed by tasks, not by numbers: no Dataset by name
            batch_size=None,
            sampler=self._tasks,
            num_workers=workers,
            pin_memory=pin,
            persistent_workers=workers > 0,
            prefetch_factor=4 if workers else None,
            timeout=timeout if workers else 0,
            worker_init_fn=_one_thread if workers else None,
        )

    def batches(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, "torch.Tensor"]]:
        """The batches of `tasks`, in order: (B, height, width, 3) uint8 each.

        Raises:
            DataError: a file is not a readable image; it is named.
            ArtefactError: reading a file failed.
        """
        self._tasks.tasks = list(tasks)
        for task, made in zip(self._tasks.tasks, self._started(), strict=True):
            if isinstance(made, ReidError):
                raise made
            yield task, made

    def _started(self) -> "Iterator[torch.Tensor | ReidError]":
        """The loader's iterator, with its workers split off while OpenCV has no threads: they would wait for those for ever."""
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            return iter(self._loader)
        finally:
            cv2.setNumThreads(threads)

    def close(self) -> None:
        """End the workers at once.

        Left to the garbage collector, each worker takes five seconds to end if an exception on its way up still holds
        the frames that use them, for then they are not told but have to notice.
        """
        from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

        iterator = self._loader._iterator  # noqa: SLF001  the DataLoader has no public way to end persistent workers
        if isinstance(iterator, _MultiProcessingDataLoaderIter):
            iterator._shutdown_workers()  # noqa: SLF001
        self._loader._iterator = None  # noqa: SLF001

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass
class _Tasks:
    """The sampler of the DataLoader: whatever the coming epoch consists of."""

    tasks: list[Task] = field(default_factory=list)

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    def __len__(self) -> int:
        return len(self.tasks)


@dataclass(frozen=True)
class _Batches:
    reader: Reader

    def __getitem__(self, task: Task) -> "torch.Tensor | ReidError":
        import torch

        try:
            return torch.from_numpy(self.reader.batch(task))
        except ReidError as error:  # as a value, for the DataLoader would drown its message in a traceback
            return error


def _one_thread(_worker: int) -> None:
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
