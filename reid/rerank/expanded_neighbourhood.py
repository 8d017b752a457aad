"""Re-ranking with expanded cross neighbourhood distances (ECN; Sarfraz, Schumann, Eberle, Stiefelhagen, CVPR 2018).

Of N images, queries and gallery together, the expanded neighbours of image i are its t nearest others and the q nearest
others of each of those, t + t q = M in all, repeated ones counted again. With a base distance d(., .),

    ECN(p, g) = 1 / 2M (sum of d(n, g) over the expanded neighbours n of p
                        + sum of d(n, p) over the expanded neighbours n of g)

which is equation 3 of the paper. The base distance is one of two:

- "ranks", the paper's better one, compares lists of neighbours. With pos_i(b) the place of image b among the nearest
  of image i, i itself being at place 1, R(i, j) = sum over all b of max(0, k + 1 - pos_i(b)) max(0, k + 1 - pos_j(b)).
  Row i of R is moved and scaled to 0..1, its smallest element becoming 0 and its largest 1, and d = 1 - R. (The
  smallest is 0 anyway unless a set is so small that the lists of all its images overlap.)
- "vectors" is 1 - cosine, as in the authors' code ("original distance").

Neither needs a matrix of all distances. R is a product of sparse rows with k elements each, and so is the sum of some
of its rows. The sum of cosines with some vectors is the cosine with their sum.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.distances import CosineDistances, Distances
from reid.distances.compiled import compiled
from reid.errors import ConfigError
from reid.records import Floats, Integers
from reid.rerank.neighbourhood import MEMORY, Compare, Neighbourhood, look_around, positive
from reid.rerank.products import ProductDistances
from reid.rerank.sparse import Images, SparseRows, Values
from reid.rerank.vectors import add_weighted
from reid.text import did_you_mean


def expanded_neighbourhood(
    query: NDArray[Any],
    gallery: NDArray[Any],
    *,
    t: int = 3,
    q: int = 8,
    k: int = 25,
    base: str = "ranks",
    memory: int = MEMORY,
    compare: Compare = CosineDistances,
) -> Distances:
    """Re-rank with expanded neighbours; the formulas are those at the head of this module.

    Args:
        query: (Q, D) vectors; their lengths do not matter.
        gallery: (G, D) vectors. The very same object as `query` means all images against all: no image is there twice.
        t: nearest others of an image, at least 1; no more than there are.
        q: nearest others of each of those, at least 1; no more than there are.
        k: length of the lists that are compared, the image itself included, at least 1; only for "ranks".
        base: "ranks" or "vectors".
        memory: bytes of scratch for the search for neighbours.
        compare: makes the distances of the vectors; those of `reid.acceleration` are quicker on some hardware.

    Returns:
        Q x G distances in 0..1 ("ranks") or 0..2 ("vectors"), in blocks.

    Raises:
        ConfigError: a setting is out of its range, or `base` is unknown.
        ShapeError: the vectors are no matrices of the same width, empty, or hold NaN or infinity.
    """
    positive(t=t, q=q, k=k, memory=memory)
    if base not in _BASES:
        raise ConfigError(f"base must be one of {', '.join(_BASES)}, got {base!r}{did_you_mean(base, _BASES)}")
    around = look_around(query, gallery, max(t + 1, q + 1, k if base == "ranks" else 1), memory, compare)
    return _BASES[base](around, _expand(around.indices, t, q), k)


def _expand(indices: Images, t: int, q: int) -> Images:
    """Expanded neighbours, (N, M); of a single image, itself."""
    if len(indices) == 1:
        return indices
    first = indices[:, 1 : t + 1]
    second = indices[first, 1 : q + 1].reshape(len(indices), -1)
    return np.concatenate([first, second], axis=1)


def _of_ranks(around: Neighbourhood, expanded: Images, k: int) -> Distances:
    images, queries = len(expanded), around.distances.shape[0]
    width = min(k, images)
    lists = SparseRows(
        np.arange(images + 1) * width,
        np.ascontiguousarray(around.indices[:, :width]).reshape(-1),
        np.tile(np.arange(k, k - width, -1, dtype=np.float64), images),  # scale may be far below the largest
        images,
    )
    largest = float((lists.values[:width] ** 2).sum())
    scale = largest - _smallest(lists, lists.transposed())
    factor = np.divide(1 / (2 * expanded.shape[1]), scale, out=np.zeros(images), where=scale > 0)
    sums = lists.combined(expanded, factor[expanded])
    shift = largest * factor[expanded].sum(axis=1)
    start = around.gallery_start
    return ProductDistances(
        sums.part(0, queries).beside(lists.part(0, queries)),
        lists.part(start, images).beside(sums.part(start, images)),
        shift[:queries],
        shift[start:],
    )


def _smallest(lists: SparseRows, images: SparseRows) -> NDArray[np.float64]:
    """The smallest element of every row of R."""
    smallest = np.zeros(len(lists))
    _find_smallest(lists.starts, lists.columns, lists.values, images.starts, images.columns, images.values, smallest)
    return smallest


@compiled
def _find_smallest(
    starts: Integers,
    columns: Images,
    values: Values,
    image_starts: Integers,
    image_columns: Images,
    image_values: Values,
    smallest: NDArray[np.float64],
) -> None:
    sums = np.zeros(len(smallest))
    touched = np.empty(len(smallest), dtype=np.int64)
    for row in range(len(smallest)):
        size = 0
        for element in range(starts[row], starts[row + 1]):
            image = columns[element]
            for place in range(image_starts[image], image_starts[image + 1]):
                if sums[image_columns[place]] == 0:
                    touched[size] = image_columns[place]
                    size += 1
                sums[image_columns[place]] += values[element] * image_values[place]
        if size == len(smallest):
            smallest[row] = sums[0]
            for place in range(size):
                smallest[row] = min(smallest[row], sums[place])
        sums[touched[:size]] = 0


def _of_vectors(around: Neighbourhood, expanded: Images, _k: int) -> Distances:
    """Cosine distances of longer vectors: of [m, x, a, 0] to [x, m, 0, b], where m is the mean of x's neighbours.

    The last two columns give both the same length, so that all cosines are divided by the same number.
    """
    vectors, _ = around.among_all.vectors
    means = np.zeros_like(vectors)
    add_weighted(means, vectors, expanded, np.full(expanded.shape, 1 / expanded.shape[1]))
    queries, start = around.distances.shape[0], around.gallery_start
    return CosineDistances(_beside(means[:queries], vectors[:queries], -2), _beside(vectors[start:], means[start:], -1))


def _beside(left: Floats, right: Floats, filled: int) -> Floats:
    """Both beside each other, and two columns, of which `filled` brings the squared length to 2; divided by its root."""
    rows, width = left.shape
    joined = np.zeros((rows, 2 * width + 2), dtype=np.float32)
    np.divide(left, np.sqrt(2), out=joined[:, :width])
    np.divide(right, np.sqrt(2), out=joined[:, width : 2 * width])
    squares = np.einsum("ij,ij->i", joined, joined, dtype=np.float64)
    joined[:, filled] = np.sqrt(np.maximum(0, 1 - squares))
    return joined


_BASES: dict[str, Callable[[Neighbourhood, Images, int], Distances]] = {"ranks": _of_ranks, "vectors": _of_vectors}
