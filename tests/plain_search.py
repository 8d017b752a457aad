"""The slow way to do what the index of a gallery does."""

import numpy as np

from reid.gallery.index.vector_index import VectorIndex


def random(seed: int) -> np.random.Generator:
    """Numbers that only depend on the seed."""
    return np.random.Generator(np.random.Philox(seed))


def unit(rows: np.ndarray) -> np.ndarray:
    """The rows (N, D) at unit length, float32."""
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def identities(seed: int, rows: int, dimension: int, noise: float, *, each: int = 20) -> np.ndarray:
    """Unit vectors (rows, dimension) of identities with `each` images."""
    numbers = random(seed)
    centres = unit(numbers.standard_normal((-(-rows // each), dimension)))
    images = np.repeat(centres, each, axis=0)[:rows]
    return unit(images + numbers.standard_normal(images.shape) * noise / np.sqrt(dimension))


KINDS = {
    "unit": lambda numbers: unit(numbers.standard_normal((200, 12))),
    "duplicates": lambda numbers: unit(numbers.integers(-1, 2, (200, 3)) + np.array([0.5, 0, 0])),
    "collapsed": lambda numbers: np.tile(unit(numbers.standard_normal((1, 12))), (200, 1)),
    "nearly collapsed": lambda numbers: unit(np.ones(12) + 1e-6 * numbers.standard_normal((200, 12))),
    "tiny": lambda numbers: (1e-38 * numbers.standard_normal((200, 12))).astype(np.float32),
    "huge": lambda numbers: (1e37 * numbers.standard_normal((200, 12))).astype(np.float32),
    "of all sizes": lambda numbers: (
        numbers.standard_normal((200, 12)) * 10.0 ** numbers.integers(-9, 9, (200, 1))
    ).astype(np.float32),
    "zeros": lambda _numbers: np.zeros((200, 12), dtype=np.float32),
}


def score(row: np.ndarray, query: np.ndarray) -> float:
    """Eight sums in float64 of every eighth product, one after the other, and then the rest."""
    products = [float(one) * float(other) for one, other in zip(row, query, strict=True)]
    whole = len(products) // 8 * 8
    sums = [0.0] * 8
    for place in range(whole):
        sums[place % 8] += products[place]
    total = 0.0
    for number in [*sums, *products[whole:]]:
        total += number
    return total


def ranking(rows: np.ndarray, query: np.ndarray, count: int, slots: list[int]) -> list[tuple[int, float]]:
    """The best `count` of the rows at `slots`, with their scores."""
    scores = [(slot, score(rows[slot], query)) for slot in slots]
    return sorted(scores, key=lambda one: (-one[1], one[0]))[:count]


def index_of(rows: np.ndarray, first: int | None = None) -> VectorIndex:
    """An index of the first rows, or all, which are stored in memory."""
    index = VectorIndex(rows.shape[1], lambda slots: rows[slots])
    index.append(0, rows[:first])
    return index


def found(index: VectorIndex, query: np.ndarray, count: int, **options: object) -> list[tuple[int, float]]:
    """What the index finds for one query (D,)."""
    slots, scores = index.search(query[np.newaxis], count, **options)[0]
    return list(zip(slots.tolist(), scores.tolist(), strict=True))


def recall(
    index: VectorIndex, rows: np.ndarray, queries: np.ndarray, count: int, slots: np.ndarray, **options: object
) -> float:
    """The share of the rows at `slots` that are among the best `count` of each query which the index finds."""
    products = queries.astype(np.float64) @ rows[slots].astype(np.float64).T
    best = slots[np.argsort(-products, axis=1, kind="stable")[:, :count]]
    answers = index.search(queries, count, **options)
    return float(
        np.mean([len(np.intersect1d(one, other[0])) / count for one, other in zip(best, answers, strict=True)])
    )
