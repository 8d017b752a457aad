"""Jaccard distances of sparse rows, blended with distances of vectors, in compiled loops."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.records import Integers
from reid.rerank.sparse import Images, Values


class Encoded(NamedTuple):
    """What the distances of Q queries to G gallery images are made of.

    Attributes:
        starts: (Q + 1,) where each query's elements begin in `columns` and `values`; rows that sum to 1.
        columns: int32, images.
        values: float32.
        image_starts: (N + 1,) where each image's elements begin in `gallery` and `gallery_values`.
        gallery: int32, gallery images whose row is not zero at this image, ascending.
        gallery_values: float32, their elements there.
        own: (Q,) float64 cosine distances of each query to itself, which rounding keeps from 0.
        others: (G,) float64 the same of each gallery image.
        largest: (Q,) float64 by what a query's distances are divided; 0 where all its distances are 0.
        weight: of the distance of the vectors; that of the Jaccard distance is 1 - weight.
    """

    starts: Integers
    columns: Images
    values: Values
    image_starts: Integers
    gallery: Images
    gallery_values: Values
    own: NDArray[np.float64]
    others: NDArray[np.float64]
    largest: NDArray[np.float64]
    weight: float


@compiled
def blend_rows(
    encoded: Encoded, queries: Integers, gallery: Integers, block: NDArray[np.floating], start: int, stop: int
) -> None:
    """Replace cosine distances of `queries` to `gallery` images by re-ranked ones, in the rows start..stop-1 of a block."""
    shared = np.empty(len(encoded.others))
    low, high = len(shared), int(np.int64(0))  # a literal 0 has its own type: _share would be compiled for it too
    for image in gallery:
        low, high = min(low, image), max(high, image + 1)
    for row in range(start, stop):
        _share(encoded, queries[row], shared, low, high)
        for place in range(len(gallery)):
            image = gallery[place]
            block[row, place] = _blend(encoded, queries[row], image, shared[image], np.float64(block[row, place]))


@compiled
def blend_pairs(
    encoded: Encoded, queries: Integers, gallery: Integers, values: NDArray[np.float64], start: int, stop: int
) -> None:
    """Replace cosine distances of pairs by re-ranked ones, from `start` to `stop` - 1; quick if pairs of a query adjoin."""
    shared = np.empty(len(encoded.others))
    low = int(np.int64(0))  # no literal, as above
    for pair in range(start, stop):
        if pair == start or queries[pair] != queries[pair - 1]:
            _share(encoded, queries[pair], shared, low, len(shared))
        values[pair] = _blend(encoded, queries[pair], gallery[pair], shared[gallery[pair]], values[pair])


@compiled
def _share(encoded: Encoded, query: int, shared: NDArray[np.float64], low: int, high: int) -> None:
    """Sums of the smaller elements of a query's row and of those of the gallery images low..high-1."""
    shared[low:high] = 0
    for element in range(encoded.starts[query], encoded.starts[query + 1]):
        image, value = encoded.columns[element], encoded.values[element]
        for place in range(encoded.image_starts[image], encoded.image_starts[image + 1]):
            other = encoded.gallery[place]
            if other >= high:
                break
            if other >= low:
                shared[other] += min(value, encoded.gallery_values[place])


@compiled
def _blend(encoded: Encoded, query: int, image: int, shared: float, cosine: float) -> float:
    distance = 0.0
    if encoded.largest[query] > 0:
        distance = (cosine - (encoded.own[query] + encoded.others[image]) / 2) / encoded.largest[query]
    jaccard = 1 - shared / (2 - shared)
    return (1 - encoded.weight) * max(jaccard, 0.0) + encoded.weight * max(distance, 0.0)
