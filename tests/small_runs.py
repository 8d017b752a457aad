"""Small models, and images that differ by identity, for tests of everything that trains or embeds."""

from pathlib import Path

import cv2
import numpy as np
import torch

from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.store import Description
from reid.records import Records, build

SIZE = 32


def network(*, learners: int = 2, dimension: int = 16, seed: int = 0, pooling: str = "average") -> EmbeddingNetwork:
    """A small-cnn with random weights, laid out in memory as in training."""
    torch.manual_seed(seed)
    made = EmbeddingNetwork(Architecture("small-cnn", dimension, learners, pooling=pooling))
    return made.to(memory_format=torch.channels_last)


def description(architecture: Architecture) -> Description:
    """Of a model for square pictures of 32 pixels."""
    return Description(architecture, (SIZE, SIZE), "resize", "area", "vehicle", "patches")


def patches(folder: Path, *, identities: int = 12, each: int = 6, seed: int = 0) -> Records:
    """Noisy pictures of coloured squares on grey, `each` of every identity, written to `folder` as PNG.

    An identity is two colours, one inside the other; place, brightness and noise change from picture to picture.
    """
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths, names = [], []
    for identity in range(identities):
        outer, inner = random.integers(0, 256, (2, 3))
        for number in range(each):
            picture = np.full((SIZE, SIZE, 3), 128.0)
            top, left = random.integers(0, 9, 2)
            picture[top : top + 24, left : left + 24] = outer
            picture[top + 7 : top + 17, left + 7 : left + 17] = inner
            picture = picture * random.uniform(0.7, 1.3) + random.normal(0, 12, picture.shape)
            paths.append(f"{identity:03d}_{number}.png")
            names.append(f"{identity:03d}")
            cv2.imwrite(str(folder / paths[-1]), picture.clip(0, 255).astype(np.uint8))
    return build(folder, paths, names)


def pictures(count: int, seed: int = 0, size: tuple[int, int] = (SIZE, SIZE)) -> torch.Tensor:
    """(count, height, width, 3) uint8 random pictures."""
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *size, 3), generator=random, dtype=torch.uint8)
