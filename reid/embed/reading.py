"""Images on their way to whatever computes: prepared in batches, read ahead, and computed one after the other."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from reid.data.loader import Loader, Reader, Task, default_workers
from reid.data.transforms import TestTransform
from reid.errors import DataError
from reid.model.store import Description

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
BATCH = 128


@dataclass(frozen=True)
class Fixed:
    """A test transform in the loader's call shape: nothing is left to chance."""

    transform: TestTransform

    def __call__(self, image: Pixels, random: np.random.Generator) -> Pixels:  # noqa: ARG002  the loader's call shape
        """(H, W, 3) uint8 -> (height, width, 3) uint8."""
        return self.transform(image)


def transform(description: Description) -> TestTransform:
    """The preparation of images that belongs to a model."""
    return TestTransform(description.image_size, crop=description.crop, interpolation=description.interpolation)


def compute_over(
    reader: Reader,
    compute: Callable[[torch.Tensor], Floats],
    device: torch.device,
    *,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Floats:
    """What `compute` makes of every image of `reader`, in order, (N, D) float32.

    Args:
        reader: of N images.
        compute: (B, height, width, 3) uint8 in the memory of the CPU -> (B, D) float32.
        device: that it computes on.
        workers: loader processes; None chooses by the number of cores.
        progress: called with the number of images of each finished batch.

    Raises:
        DataError: no images, or a file is not a readable image.
    """
    total = len(reader.paths)
    if not total:
        raise DataError("there are no images to embed")
    workers = default_workers(device.type) if workers is None else workers
    found: Floats | None = None
    with Loader(reader, workers=min(workers, -(-total // BATCH)), pin=device.type == "cuda") as loader:
        for task, batch in loader.batches(Task(0, step, rows) for step, rows in enumerate(_chunks(total))):
            made = compute(batch)
            found = np.empty((total, made.shape[1]), dtype=np.float32) if found is None else found
            found[task.rows] = made
            if progress is not None:
                progress(len(task.rows))
    return np.empty((0, 0), dtype=np.float32) if found is None else found


def _chunks(total: int) -> list[NDArray[np.int64]]:
    return [np.arange(start, min(start + BATCH, total)) for start in range(0, total, BATCH)]
