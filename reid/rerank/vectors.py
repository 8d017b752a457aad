"""Sums of vectors."""

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.distances.threads import share_rows
from reid.records import Floats
from reid.rerank.sparse import Images


def add_weighted(sums: Floats, vectors: Floats, chosen: Images, weights: NDArray[np.float64]) -> None:
    """Add to each row of `sums` some rows of `vectors`, each multiplied by its weight, in double precision.

    Args:
        sums: (S, D) float32, changed in place.
        vectors: (N, D) float32.
        chosen: (S, K) int32 which rows of `vectors`.
        weights: (S, K) float64.
    """

    def work(start: int, stop: int) -> None:
        _add(sums, vectors, chosen, weights, start, stop)

    share_rows(work, len(sums))


@compiled
def _add(sums: Floats, vectors: Floats, chosen: Images, weights: NDArray[np.float64], start: int, stop: int) -> None:
    total = np.empty(sums.shape[1])
    for row in range(start, stop):
        for place in range(len(total)):
            total[place] = sums[row, place]
        for term in range(chosen.shape[1]):
            vector, weight = vectors[chosen[row, term]], weights[row, term]
            for place in range(len(total)):
                total[place] += weight * vector[place]
        for place in range(len(total)):
            sums[row, place] = total[place]
