"""Better vectors from those of neighbours: query expansion and database augmentation.

Each vector becomes the sum of itself and its nearest neighbours in the gallery, weighted, and of unit length again:

    x' = x + sum over the `count` nearest y of max(0, cosine(x, y))**alpha y

With alpha 0 all weigh the same, which is average query expansion (Chum et al., ICCV 2007). Larger ones trust the near
more than the far, alpha query expansion (Radenovic, Tolias, Chum, PAMI 2019; alpha 3, count 50 for buildings, of which
there are many pictures). The same within the gallery is database augmentation (Arandjelovic, Zisserman, CVPR 2012).

Neighbours must be pictures of the same object more often than not: with one positive per query in the gallery these
methods do harm.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.distances import CosineDistances, nearest, unit_rows
from reid.errors import ConfigError
from reid.records import Floats
from reid.rerank.neighbourhood import MEMORY, itself_first, positive, refuse_empty, similarities
from reid.rerank.sparse import Images
from reid.rerank.vectors import add_weighted


def average_query_expansion(
    query: NDArray[Any], gallery: NDArray[Any], *, count: int = 10, memory: int = MEMORY
) -> Floats:
    """Queries averaged with their neighbours in the gallery; arguments, result and errors as `alpha_query_expansion`."""
    return alpha_query_expansion(query, gallery, count=count, alpha=0.0, memory=memory)


def alpha_query_expansion(
    query: NDArray[Any], gallery: NDArray[Any], *, count: int = 10, alpha: float = 3.0, memory: int = MEMORY
) -> Floats:
    """Queries averaged with their neighbours in the gallery, nearer ones weighing more.

    Args:
        query: (Q, D) vectors; their lengths do not matter.
        gallery: (G, D) vectors. The very same object as `query` means all images: none is its own neighbour.
        count: neighbours of each query, at least 1; no more than there are.
        alpha: power of the similarity that neighbours are weighted by, 0 or larger.
        memory: bytes of scratch for the search for neighbours.

    Returns:
        (Q, D) float32 vectors of unit length; a sum of zero stays zero.

    Raises:
        ConfigError: a setting is out of its range.
        ShapeError: the vectors are no matrices of the same width, empty, or hold NaN or infinity.
    """
    positive(count=count, memory=memory)
    if not 0 <= alpha < np.inf:
        raise ConfigError(f"alpha must be 0 or larger, got {alpha}")
    distances = CosineDistances(query, gallery)
    refuse_empty(distances)
    chosen, similarities = _neighbours(distances, count, memory)
    own, others = distances.vectors
    sums = own.copy()
    add_weighted(sums, others, chosen, np.maximum(similarities, 0) ** alpha)
    return unit_rows(sums, "expanded")


def database_augmentation(
    gallery: NDArray[Any], *, count: int = 10, alpha: float = 0.0, memory: int = MEMORY
) -> Floats:
    """Gallery vectors averaged with their neighbours in the gallery; arguments and errors as `alpha_query_expansion`."""
    return alpha_query_expansion(gallery, gallery, count=count, alpha=alpha, memory=memory)


def _neighbours(distances: CosineDistances, count: int, memory: int) -> tuple[Images, NDArray[np.float64]]:
    """Gallery images to be added, (Q, K), and their similarities."""
    found = nearest(distances, count + distances.symmetric, memory=memory)
    if not distances.symmetric:
        return found.indices, 1 - distances.numbers(np.asarray(found.distances, dtype=np.int64))
    chosen = itself_first(found)[:, 1:]
    return np.ascontiguousarray(chosen), similarities(distances, chosen)
