"""Messages in a graph of neighbours: as published, whatever the blocks and threads."""

import numpy as np
import pytest
import rerank_oracles
from hypothesis import given, settings
from hypothesis import strategies as st
from rerank_samples import clusters

from reid.errors import ConfigError
from reid.rerank import graph_propagation


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 10**6),
    st.integers(1, 30),
    st.integers(1, 40),
    st.integers(1, 27),
    st.integers(1, 8),
    st.sampled_from([1.0, 2.0, 3.5]),
    st.integers(1, 3),
)
def test_equals_the_paper(seed, queries, images, k1, k2, alpha, layers):
    """Also with more neighbours asked for than there are."""
    vectors = clusters(seed, queries + images)
    query, gallery = vectors[:queries], vectors[queries:]
    found = graph_propagation(query, gallery, k1=k1, k2=k2, alpha=alpha, layers=layers)
    expected = rerank_oracles.graph_propagation(query, gallery, k1, k2, alpha, layers)

    assert found.shape == (queries, images)
    assert np.abs(found.rows(0, queries) - expected).max() < 1e-6


def test_one_set():
    """The same object twice is one set of images; each is at distance 0 from itself."""
    vectors = clusters(2, 150)
    found = graph_propagation(vectors, vectors).rows(0, 150)

    assert np.abs(found - rerank_oracles.graph_propagation(vectors, vectors, 26, 7, 2, 2)).max() < 1e-6
    assert np.abs(np.diag(found)).max() < 1e-6


@pytest.mark.parametrize("threads", ["1", "3"])
def test_blocks_and_threads_do_not_matter(monkeypatch, threads):
    """Equal to the last bit."""
    vectors = clusters(3, 200)
    usual = graph_propagation(vectors[:40], vectors[40:]).rows(0, 40)
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    found = graph_propagation(vectors[:40], vectors[40:], memory=2**14)

    assert (np.concatenate([found.rows(start, start + 7) for start in range(0, 40, 7)]) == usual).all()


def test_degenerate_vectors():
    """Equal vectors, a row of zeros and a single image have finite distances."""
    vectors = np.repeat(clusters(1, 3), [1, 9, 4], axis=0)
    vectors[0] = 0

    assert np.isfinite(graph_propagation(vectors, vectors, k1=4).rows(0, 14)).all()
    assert np.abs(graph_propagation(vectors[1:2], vectors[1:2]).rows(0, 1)).max() < 1e-6


@pytest.mark.parametrize("settings", [{"k1": 0}, {"k2": 0}, {"layers": 0}, {"alpha": 0}, {"alpha": float("inf")}])
def test_settings_out_of_range(settings):
    """The setting and its value are named."""
    vectors = clusters(1, 6)

    with pytest.raises(ConfigError, match=rf"{next(iter(settings))} must .*{next(iter(settings.values()))}"):
        graph_propagation(vectors, vectors, **settings)
