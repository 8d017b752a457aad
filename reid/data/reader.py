"""One batch of pictures from files, as a pure function of the seed and of where it stands in training."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.data.images import read_image
from reid.data.picture_cache import PictureCache
from reid.errors import LoaderError, ReidError
from reid.text import printable

Pixels = NDArray[np.uint8]


class Task(NamedTuple):
    """What one batch is made of: where it stands in training, and its rows in the list of files.

    `first` is the place of the first row in the whole batch of the step, where each of several processes reads a part
    of it: every picture is drawn as it would be if one process read them all.
    """

    epoch: int
    step: int
    rows: NDArray[np.int64]
    first: int = 0


class Prepare(Protocol):
    """Turns a decoded image into a picture of the network's size; `random` decides what is left to chance."""

    def __call__(self, image: Pixels, random: np.random.Generator) -> Pixels:
        """(H, W, 3) uint8 -> (height, width, 3) uint8."""
        ...


def _ignore(_place: int) -> None:
    pass


class BatchReader(Protocol):
    """Makes batches in the processes of a loader."""

    def batch(self, task: Task, begin: Callable[[int], None] = _ignore) -> Pixels:
        """A batch as uint8 of any shape; `begin` is called with the place of each picture before it is read."""
        ...

    def files(self, task: Task) -> list[Path]:
        """The file of every picture of a batch."""
        ...


@dataclass(frozen=True)
class Reader:
    """Makes a batch from files: the part of the loader that runs in the workers.

    Attributes:
        paths: files, as rows are counted.
        prepare: what happens to each decoded image.
        seed: of the run.
        max_megapixels: larger pictures are refused.
        cache: pictures as `prepare` resizes images first of all, by row; None reads every image every time.
    """

    paths: Sequence[Path]
    prepare: Prepare
    seed: int = 0
    max_megapixels: float = 64.0
    cache: PictureCache | None = None

    def batch(self, task: Task, begin: Callable[[int], None] = _ignore) -> Pixels:
        """(B, height, width, 3) uint8 RGB pictures of `task.rows`.

        Args:
            task: what to read.
            begin: called with the place of each picture before it is read.

        Raises:
            DataError: a file is not a readable image; it is named.
            LoaderError: preparing an image failed, or gave no picture of the same size as the one before; its file is named.
        """
        pictures: list[Pixels] = []
        for place, row in enumerate(task.rows.tolist()):
            begin(place)
            pictures.append(self.picture(row, task, place))
            self._check(pictures[-1], pictures[0], row)
        return np.stack(pictures)

    def picture(self, row: int, task: Task, place: int) -> Pixels:
        """(height, width, 3) uint8 RGB picture of one row at one place of the batch.

        Raises:
            DataError: the file is not a readable image.
            LoaderError: preparing it failed.
        """
        try:
            image = self._read(row) if self.cache is None else self.cache.fetch(row, lambda: self._read(row))
            return self.prepare(image, rng.generator(self.seed, "augment", task.epoch, task.step, task.first + place))
        except ReidError:
            raise
        except Exception as error:  # of whatever prepares images, which may be anybody's code
            raise LoaderError(f"image {printable(self.paths[row])} could not be prepared: {_told(error)}") from error

    def files(self, task: Task) -> list[Path]:
        """The files of a batch."""
        return [self.paths[row] for row in task.rows.tolist()]

    def _read(self, row: int) -> Pixels:
        return read_image(self.paths[row], max_megapixels=self.max_megapixels)

    def _check(self, picture: object, first: Pixels, row: int) -> None:
        if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.shape != first.shape:
            what = f"{picture.dtype} {picture.shape}" if isinstance(picture, np.ndarray) else type(picture).__name__
            raise LoaderError(
                f"image {printable(self.paths[row])} was prepared as {what}; uint8 pictures of one size make a batch"
            )


def _told(error: Exception) -> str:
    """One line about an error, with the place it comes from: a traceback does not reach the other process."""
    if isinstance(error, MemoryError):
        return "out of memory; lower data.workers or the size of the batch"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {printable(error)} ({Path(last.filename).name}, line {last.lineno})"
