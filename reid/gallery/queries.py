"""Before and after a search: several crops as one query, and a better order of the best images."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reid.errors import ShapeError
from reid.gallery.entries import Stored
from reid.gallery.grouping import Found
from reid.records import Floats

if TYPE_CHECKING:
    from reid.distances import Distances  # which takes a second, and most searches need none

Rerank = Callable[[Floats, Floats], "Distances"]
"""From (1, D) query and (N, D) gallery vectors to their distances, as `reid.rerank.k_reciprocal`."""

_CANCELLED = 1e-4  # length of a mean of unit vectors below which it is rounding errors, and not a direction


def one_query(vectors: NDArray[Any], weights: ArrayLike | None = None) -> Floats:
    """Several crops of one object, a tracklet, as one query: the mean of their vectors, of unit length again.

    Args:
        vectors: (N, D) of the crops; their lengths do not matter.
        weights: (N,) how much each counts, 0 or more, such as a detector's confidence; None counts all alike.

    Returns:
        (D,) float32, unit length.

    Raises:
        ShapeError: no vectors, one that is not finite or zero, weights that do not fit or are all 0, or vectors that
            cancel each other.
    """
    numbers = np.asarray(vectors, dtype=np.float64)
    if numbers.ndim != 2 or not len(numbers) or not np.isfinite(numbers).all():
        raise ShapeError(
            f"a query needs a matrix of one vector or more, without NaN or infinity; got shape {numbers.shape}"
        )
    lengths = np.linalg.norm(numbers, axis=1)
    if not lengths.all():
        raise ShapeError(f"vector {int(np.argmin(lengths))} of a query is zero, which is no direction")
    counts = np.ones(len(numbers)) if weights is None else np.asarray(weights, dtype=np.float64)
    if counts.shape != lengths.shape or not np.isfinite(counts).all() or (counts < 0).any() or not counts.any():
        raise ShapeError(f"{len(numbers)} query vectors need as many weights, 0 or more and not all 0; got {counts}")
    mean = np.average(numbers / lengths[:, np.newaxis], axis=0, weights=counts / counts.max())
    length = float(np.linalg.norm(mean))
    if length < _CANCELLED:
        raise ShapeError("the query vectors cancel each other: crops of one object do not point in opposite directions")
    return np.asarray(mean / length, dtype=np.float32)


def rerank_top(query: Floats, found: Found, vectors: Floats, method: Rerank) -> list[tuple[Stored, float]]:
    """Put the best images in the order of a re-ranking method; scores stay the cosine similarities.

    Neighbours are looked for among the query and these images alone. At equal distance the lower id comes first.

    Args:
        query: (D,) its vector.
        found: what was found.
        vectors: (N, D) of the first N of these; the others follow as they are.
        method: such as `reid.rerank.k_reciprocal`, its options bound.

    Raises:
        ShapeError: more vectors than images, or vectors that do not fit the query.
    """
    if len(vectors) > len(found):
        raise ShapeError(f"{len(vectors)} vectors were given for {len(found)} images found")
    if len(vectors) < 2:
        return list(found)
    from reid.distances import RoundedDistances

    distances = method(query[np.newaxis], vectors)
    every = np.arange(len(vectors))
    if isinstance(distances, RoundedDistances):
        order = distances.exact(every[:1], every)[0].tolist()
    else:
        order = distances.rows(0, 1)[0].tolist()
    top = sorted(every.tolist(), key=lambda place: (order[place], found[place][0].id))
    return [*(found[place] for place in top), *found[len(vectors) :]]
