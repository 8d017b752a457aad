"""All images of a test set, queries first, and who is near whom."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.distances import CosineDistances, Neighbours, nearest
from reid.errors import ConfigError, ShapeError
from reid.rerank.sparse import Images

Compare = Callable[[NDArray[Any], NDArray[Any]], CosineDistances]

MEMORY = 2**28
"""Default memory for scratch, in bytes."""


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """N images, the queries and the gallery, or once where both are the same, and their neighbours.

    Attributes:
        distances: of the queries to the gallery.
        among_all: of all N images to all.
        indices: (N, K) int32 neighbours, nearest first; every image is its own first neighbour.
        farthest: (N,) int32 the farthest image of each.
    """

    distances: CosineDistances
    among_all: CosineDistances
    indices: Images
    farthest: Images

    @property
    def gallery_start(self) -> int:
        """Where the gallery begins among all."""
        return len(self.indices) - self.distances.shape[1]


def look_around(
    query: NDArray[Any], gallery: NDArray[Any], count: int, memory: int, compare: Compare = CosineDistances
) -> Neighbourhood:
    """Find the `count` nearest of every image among all; itself is one of them, and no more than N are found.

    Args:
        query: (Q, D) numbers.
        gallery: (G, D) numbers, or the very same object for one set of images.
        count: how many, at least 1.
        memory: bytes of scratch.
        compare: makes the distances.

    Raises:
        ShapeError: no matrices, of different width, empty, or with NaN or infinity.
        ConfigError: `memory` is not positive.
    """
    distances = compare(query, gallery)
    refuse_empty(distances)
    among_all = distances.among_all()
    found = nearest(among_all, count, memory=memory)
    return Neighbourhood(distances, among_all, itself_first(found), found.farthest)


def positive(**settings: int) -> None:
    """Refuse settings that count something and are less than 1.

    Raises:
        ConfigError: the first of them.
    """
    for name, value in settings.items():
        if value < 1:
            raise ConfigError(f"{name} must be 1 or more, got {value}")


def refuse_empty(distances: CosineDistances) -> None:
    """Refuse sets without images.

    Raises:
        ShapeError: there are no queries or no gallery images.
    """
    for size, name in zip(distances.shape, ("query", "gallery"), strict=True):
        if not size:
            raise ShapeError(f"the {name} set is empty, so there is nothing to re-rank")


def itself_first(found: Neighbours) -> Images:
    """The neighbours of images among themselves, (N, K) int32, every image being its own first.

    Among equal vectors another image may have been found before the image itself, or instead of it.
    """
    itself = np.arange(len(found.indices), dtype=np.int32)[:, np.newaxis]
    at = found.indices == itself
    at[~at.any(axis=1), -1] = True
    order = np.argsort(~at, axis=1, kind="stable")
    indices: Images = np.take_along_axis(found.indices, order, axis=1)
    indices[:, 0] = itself[:, 0]
    return indices


def similarities(distances: CosineDistances, chosen: Images) -> NDArray[np.float64]:
    """Cosines of every query and the gallery images chosen for it, (Q, K).

    Args:
        distances: of the queries to the gallery.
        chosen: (Q, K) gallery images.
    """
    queries = np.repeat(np.arange(len(chosen)), chosen.shape[1])
    exact = distances.exact_pairs(queries, chosen.reshape(-1).astype(np.int64))
    return 1 - distances.numbers(exact).reshape(chosen.shape)
