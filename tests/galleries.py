"""Small galleries, and what they must hold."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.gallery.embedded.store import EmbeddedStore
from reid.gallery.entries import Entry
from reid.gallery.filters import Where
from reid.gallery.store import About

DIMENSION = 8


def about(dimension: int = DIMENSION, precision: str = "float32") -> About:
    """Of a gallery of a model that is not there."""
    return About(dimension, "f" * 64, {"input": [16, 16]}, precision)


def unit(count: int, dimension: int = DIMENSION, seed: int = 0) -> NDArray[np.float32]:
    """Vectors of unit length."""
    made = np.random.default_rng(seed).standard_normal((count, dimension))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def entries(count: int, first: int = 0) -> list[Entry]:
    """Images of five cameras and as many identities, a minute apart; the last of each ten knows nothing."""
    return [
        Entry(f"/crops/{n}.jpg", sha256=f"{n:064x}")
        if n % 10 == 9
        else Entry(
            f"/crops/{n % 3}/{n}.jpg", f"car-{n % 5}", n % 7, 60.0 * n, f"source-{n % 2}", (0, 0, 4, n + 1), f"{n:064x}"
        )
        for n in range(first, first + count)
    ]


def filled(folder: Path, count: int = 30, **of: object) -> EmbeddedStore:
    """A gallery of `entries(count)` with `unit(count)`."""
    store = EmbeddedStore.create(folder, about(**of))  # type: ignore[arg-type]
    store.add(entries(count), unit(count), [b"small picture %d" % n for n in range(count)])
    return store


def content(store: EmbeddedStore) -> list[tuple[object, bytes, bytes | None]]:
    """Every image with its vector's bytes and its small picture."""
    images = list(store.entries(Where()))
    vectors = store.vectors([image.id for image in images])
    return [(image, row.tobytes(), store.thumbnail(image.id)) for image, row in zip(images, vectors, strict=True)]
