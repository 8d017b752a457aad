"""Re-ranking written down from the papers: full matrices, loops, float64. Slow, and easy to read."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def unit(vectors: np.ndarray) -> Matrix:
    """Rows of length 1."""
    vectors = vectors.astype(np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def everyone(query: np.ndarray, gallery: np.ndarray) -> tuple[Matrix, int]:
    """All vectors, queries first, and where the gallery begins; one set where both are the same."""
    if gallery is query:
        return unit(query), 0
    return np.concatenate([unit(query), unit(gallery)]), len(query)


def ranks(distances: Matrix) -> list[list[int]]:
    """For every image all images, nearest first, itself before all others, equal distances by number."""
    size = len(distances)
    return [sorted(range(size), key=lambda j, i=i: (j != i, distances[i, j], j)) for i in range(size)]


def squared_euclidean(vectors: Matrix) -> Matrix:
    """Of all pairs."""
    return np.array([[((left - right) ** 2).sum() for right in vectors] for left in vectors])


def k_reciprocal(query: np.ndarray, gallery: np.ndarray, k1: int, k2: int, weight: float) -> Matrix:
    """Zhong et al., CVPR 2017, section 3, with the choices of the authors' code."""
    vectors, start = everyone(query, gallery)
    size = len(vectors)
    distances = squared_euclidean(vectors)
    order = ranks(distances)
    largest = distances.max(axis=1, keepdims=True)
    distances = distances / np.where(largest > 0, largest, 1)

    def reciprocal(image: int, k: int) -> list[int]:
        return [other for other in order[image][: k + 1] if image in order[other][: k + 1]]

    rows = np.zeros((size, size))
    for image in range(size):
        base = reciprocal(image, k1)
        grown = set(base)
        for candidate in base:
            theirs = reciprocal(candidate, int(np.around(k1 / 2)))
            if len(set(theirs) & set(base)) > 2 / 3 * len(theirs):
                grown |= set(theirs)
        for other in grown:
            rows[image, other] = np.exp(-distances[image, other])
        rows[image] /= rows[image].sum()
    rows = np.array([np.mean([rows[other] for other in order[image][:k2]], axis=0) for image in range(size)])
    result = np.zeros((len(query), len(gallery)))
    for i in range(len(query)):
        for j in range(len(gallery)):
            shared = np.minimum(rows[i], rows[start + j]).sum()
            result[i, j] = (1 - weight) * (1 - shared / (2 - shared)) + weight * distances[i, start + j]
    return result


def expanded_neighbourhood(query: np.ndarray, gallery: np.ndarray, t: int, q: int, k: int, base: str) -> Matrix:
    """Sarfraz et al., CVPR 2018, equations 3 and 4; rank lists scaled as in the authors' Matlab code."""
    vectors, start = everyone(query, gallery)
    size = len(vectors)
    distances = 1 - vectors @ vectors.T
    order = ranks(distances)
    if base == "ranks":
        lists = np.zeros((size, size))
        for image in range(size):
            for place, other in enumerate(order[image], start=1):
                lists[image, other] = max(0, k + 1 - place)
        similar = lists @ lists.T
        smallest, largest = similar.min(axis=1, keepdims=True), similar.max(axis=1, keepdims=True)
        span = np.where(largest > smallest, largest - smallest, 1)
        distances = np.where(largest > smallest, 1 - (similar - smallest) / span, 0)

    def expanded(image: int) -> list[int]:
        first = order[image][1 : t + 1] or [image]
        return first + [other for near in first for other in order[near][1 : q + 1]]

    result = np.zeros((len(query), len(gallery)))
    for i in range(len(query)):
        for j in range(len(gallery)):
            terms = [distances[near, start + j] for near in expanded(i)]
            terms += [distances[near, i] for near in expanded(start + j)]
            result[i, j] = np.mean(terms)
    return result


def graph_propagation(query: np.ndarray, gallery: np.ndarray, k1: int, k2: int, alpha: float, layers: int) -> Matrix:
    """Zhang et al. 2020, with full matrices."""
    vectors, start = everyone(query, gallery)
    similar = vectors @ vectors.T
    order = ranks(1 - similar)
    graph = np.zeros_like(similar)
    for image in range(len(vectors)):
        graph[image, order[image][:k1]] = 1
    for _ in range(layers):
        graph = graph + graph.T
        messages = [
            graph[image] + sum(np.abs(similar[image, near]) ** alpha * graph[near] for near in order[image][1:k2])
            for image in range(len(vectors))
        ]
        graph = np.array([message / np.linalg.norm(message) for message in messages])
    return 1 - graph[: len(query)] @ graph[start:].T


def query_expansion(query: np.ndarray, gallery: np.ndarray, count: int, alpha: float) -> Matrix:
    """Weighted sums of each query and its nearest in the gallery, without itself."""
    own, others = unit(query), unit(gallery)
    result = []
    for image, vector in enumerate(own):
        near = sorted(range(len(others)), key=lambda j, vector=vector: (-(others[j] @ vector), j))
        near = [j for j in near if gallery is not query or j != image][:count]
        result.append(vector + sum(max(0.0, others[j] @ vector) ** alpha * others[j] for j in near))
    return unit(np.array(result))
