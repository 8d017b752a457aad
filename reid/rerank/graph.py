"""Re-ranking as messages between neighbours in a graph (Zhang, Jiang, Zheng, Tan, Ding, Yang, arXiv 2012.07620, 2020).

Of N images, queries and gallery together, A(i, j) = 1 if j is among the k1 nearest of image i, itself included. Row i
of A is the first description of image i, h(i). In each layer

    A    <- A + transposed A                        neighbours on both sides count twice
    h(i) <- h(i) + sum of s(i, j)**alpha h(j) over the k2 - 1 nearest others j of i, s being the cosine of their vectors
    h(i) <- h(i) / |h(i)|

and the distance of a query and a gallery image is 1 - <h, h> in the end. As in the authors' code, the first step is
taken in every layer. Rows stay sparse: the image itself, its neighbours, and theirs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.distances import CosineDistances, Distances
from reid.errors import ConfigError
from reid.rerank.neighbourhood import MEMORY, Compare, Neighbourhood, look_around, positive, similarities
from reid.rerank.products import ProductDistances
from reid.rerank.sparse import SparseRows


def graph_propagation(
    query: NDArray[Any],
    gallery: NDArray[Any],
    *,
    k1: int = 26,
    k2: int = 7,
    alpha: float = 2.0,
    layers: int = 2,
    memory: int = MEMORY,
    compare: Compare = CosineDistances,
) -> Distances:
    """Re-rank with a graph of neighbours; the steps are those at the head of this module.

    Args:
        query: (Q, D) vectors; their lengths do not matter.
        gallery: (G, D) vectors. The very same object as `query` means all images against all: no image is there twice.
        k1: neighbours in the graph, the image itself included, at least 1; no more than there are. The paper has 26 for
            Market-1501 and 60 for VeRi-776.
        k2: neighbours that send messages, the image itself included, at least 1; the paper has 7 and 10.
        alpha: power of the similarity that messages are weighted by, larger than 0; the paper has 2.
        layers: how often messages are sent, at least 1; the paper has 2.
        memory: bytes of scratch for the search for neighbours.
        compare: makes the distances of the vectors; those of `reid.acceleration` are quicker on some hardware.

    Returns:
        Q x G distances in 0..1, in blocks.

    Raises:
        ConfigError: a setting is out of its range.
        ShapeError: the vectors are no matrices of the same width, empty, or hold NaN or infinity.
    """
    positive(k1=k1, k2=k2, layers=layers, memory=memory)
    if not 0 < alpha < np.inf:
        raise ConfigError(f"alpha must be larger than 0, got {alpha}")
    around = look_around(query, gallery, max(k1, k2), memory, compare)
    rows = _propagate(around, k1, k2, alpha, layers)
    queries, start = around.distances.shape[0], around.gallery_start
    images = rows.part(start, len(rows))
    return ProductDistances(rows.part(0, queries), images, np.ones(queries), np.zeros(len(images)))


def _propagate(around: Neighbourhood, k1: int, k2: int, alpha: float, layers: int) -> SparseRows:
    images = len(around.indices)
    edges = np.ascontiguousarray(around.indices[:, :k1])
    starts = np.arange(images + 1) * edges.shape[1]
    rows = SparseRows(starts, edges.reshape(-1), np.ones(edges.size, dtype=np.float32), images)
    senders = around.indices[:, :k2]
    weights = np.abs(similarities(around.among_all, senders)) ** alpha
    weights[:, 0] = 1
    both = np.arange(images, dtype=np.int32)[:, np.newaxis] + np.array([0, images], dtype=np.int32)
    for _ in range(layers):
        rows = rows.stacked(rows.transposed()).combined(both, np.ones(both.shape))
        rows = rows.combined(senders, weights).unit()
    return rows
