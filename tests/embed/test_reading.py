"""Images read ahead and computed one batch after the other."""

from pathlib import Path

import numpy as np
import torch

from reid.data.images import read_image
from reid.data.loader import Reader
from reid.embed import Embedder, Fixed, transform
from reid.embed.reading import compute_over
from reid.records import Records


def test_what_is_computed_stands_in_the_order_of_the_files(embedder: Embedder, records: Records) -> None:
    """Each image prepared as by the test transform, computed once, at its own row; progress hears of all."""
    prepare = transform(embedder.description)
    heard: list[int] = []
    reader = Reader(records.files(), Fixed(prepare))

    def mean(batch: torch.Tensor) -> np.ndarray:
        return batch.numpy().mean(axis=(1, 2), dtype=np.float32)

    made = compute_over(reader, mean, torch.device("cpu"), workers=0, progress=heard.append)

    wanted = [prepare(read_image(Path(path))).mean(axis=(0, 1), dtype=np.float32) for path in records.files()]
    assert np.array_equal(made, np.stack(wanted))
    assert sum(heard) == len(records)
