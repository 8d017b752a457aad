"""What is said before re-ranking, against what it takes."""

import tracemalloc

import numpy as np
import pytest
from rerank_samples import clusters

from reid.distances import Distances
from reid.errors import ConfigError
from reid.rerank import (
    Estimate,
    alpha_query_expansion,
    estimate,
    expanded_neighbourhood,
    graph_propagation,
    k_reciprocal,
    product_rate,
)
from reid.rerank.estimate import METHODS


def run(method: str, query: np.ndarray, gallery: np.ndarray) -> Distances | np.ndarray:
    if method.startswith("ecn"):
        return expanded_neighbourhood(query, gallery, base="ranks" if method == "ecn" else "vectors")
    methods = {
        "k-reciprocal": k_reciprocal,
        "graph": graph_propagation,
        "query-expansion": alpha_query_expansion,
    }
    return methods[method](query, gallery)


@pytest.mark.parametrize("method", METHODS)
def test_memory_is_about_right(method: str) -> None:
    """Not less than what is taken, and not many times more."""
    vectors = clusters(1, 4000, 64, each=20)
    query, gallery = vectors[:500], vectors[500:]
    run(method, query[:20], gallery[:50])
    tracemalloc.start()
    made = run(method, query, gallery)
    if not isinstance(made, np.ndarray):
        made.rows(0, 100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak <= estimate(method, 500, 3500, 64).bytes <= 6 * peak


def test_growth() -> None:
    """Memory grows with the images, work with their square; one set is not doubled."""
    small, large = (estimate("k-reciprocal", size // 8, size, 2048) for size in (20_000, 80_000))

    assert large.bytes < 4 * small.bytes
    assert large.operations == pytest.approx(16 * small.operations)
    assert estimate("graph", 500, 500, 8, one_set=True).operations == 500 * 500 * 8
    assert estimate("graph", 500, 500, 8, neighbours=60).bytes > estimate("graph", 500, 500, 8).bytes


def test_published_sizes() -> None:
    """Market-1501 stays below 700 MB, MSMT17 far below the 35 GB of one matrix."""
    assert estimate("k-reciprocal", 3368, 15_913, 2048).bytes < 7e8
    assert estimate("k-reciprocal", 11_659, 82_161, 2048).bytes < 3e9


def test_time() -> None:
    """Follows the rate at which this machine multiplies."""
    assert Estimate(0, 2e9).seconds(1e9) == 3
    assert 1e8 < product_rate() < 1e15


def test_unknown_method() -> None:
    """Names those that are known, and the nearest."""
    with pytest.raises(ConfigError, match="got 'k-recip'; did you mean 'k-reciprocal'"):
        estimate("k-recip", 1, 1, 1)
