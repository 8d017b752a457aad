"""What re-ranking will take, said before it starts."""

import time
from dataclasses import dataclass

import numpy as np

from reid.distances.nearest import search_bytes
from reid.errors import ConfigError
from reid.rerank.neighbourhood import MEMORY
from reid.rng import generator
from reid.text import did_you_mean

_ELEMENT = 8  # bytes of an element of a sparse row
_SCRATCH = 2**25  # bytes for distances that are compared or handed out at the moment


@dataclass(frozen=True)
class _Method:
    """What a method takes besides its neighbours.

    Attributes:
        neighbours: how many it asks for by default.
        elements: elements of sparse rows that exist at a time, per image and neighbour; a generous guess.
        vectors: vectors that it makes, as multiples of all.
        products: 1 if the distances it hands out need a matrix product.
        among_all: whether it looks for the neighbours of all images, or only for those of queries in the gallery.
    """

    neighbours: int
    elements: int = 0
    vectors: int = 0
    products: int = 1
    among_all: bool = True


METHODS = {
    "k-reciprocal": _Method(21, elements=10),
    "ecn": _Method(26, elements=20, products=0),
    "ecn-vectors": _Method(9, vectors=3, products=2),
    "graph": _Method(26, elements=100, products=0),
    "query-expansion": _Method(10, vectors=1, products=0, among_all=False),
}
"""What is known about every method, by its name."""


@dataclass(frozen=True)
class Estimate:
    """What re-ranking will take.

    Attributes:
        bytes: memory beyond the vectors that are given, at its height.
        operations: floating-point operations of its matrix products, which are most of the work of wide vectors.
    """

    bytes: int
    operations: float

    def seconds(self, rate: float) -> float:
        """Time for the products at `rate` operations a second, and half as much again for the rest."""
        return 1.5 * self.operations / rate


def estimate(
    method: str,
    queries: int,
    gallery: int,
    dimension: int,
    *,
    one_set: bool = False,
    neighbours: int | None = None,
    memory: int = MEMORY,
) -> Estimate:
    """Memory and operations of a re-ranking, with the distances it hands out.

    Args:
        method: a name in METHODS.
        queries: number of queries.
        gallery: number of gallery images.
        dimension: width of the vectors.
        one_set: queries and gallery are the same images.
        neighbours: how many of each image are asked for, such as k1 + 1; None means as many as by default.
        memory: bytes of scratch for the search, as given to the method.

    Raises:
        ConfigError: the method is unknown.
    """
    if method not in METHODS:
        raise ConfigError(f"method must be one of {', '.join(METHODS)}, got {method!r}{did_you_mean(method, METHODS)}")
    known = METHODS[method]
    images = gallery if one_set else queries + gallery
    count = min(neighbours or known.neighbours, images)
    if not (one_set or known.among_all):
        found = (8 * dimension * known.vectors + 12 * count) * queries
        return Estimate(found + _SCRATCH, 2.0 * queries * gallery * dimension)
    vectors = 4 * images * dimension * (known.vectors + (not one_set))
    rows = _ELEMENT * images * count * known.elements
    operations = 1.0 * images**2 * dimension + 2.0 * queries * gallery * dimension * known.products
    return Estimate(search_bytes(images, count, memory) + vectors + rows + _SCRATCH, operations)


def product_rate() -> float:
    """Floating-point operations a second of a matrix product here and now, measured in a few hundredths of a second."""
    left, right = (
        generator(0, "product rate", side).standard_normal((1024, 1024), dtype=np.float32) for side in (0, 1)
    )
    np.matmul(left[:64], right)
    started = time.perf_counter()
    np.matmul(left, right)
    return 2 * 1024.0**3 / (time.perf_counter() - started)
