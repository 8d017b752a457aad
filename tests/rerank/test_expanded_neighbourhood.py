"""Expanded neighbours: as published, whatever the blocks and threads."""

import numpy as np
import pytest
import rerank_oracles
from hypothesis import given, settings
from hypothesis import strategies as st
from rerank_samples import clusters

from reid.errors import ConfigError, ShapeError
from reid.rerank import expanded_neighbourhood


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 10**6),
    st.integers(1, 25),
    st.integers(1, 40),
    st.integers(1, 4),
    st.integers(1, 9),
    st.integers(1, 26),
    st.sampled_from(["ranks", "vectors"]),
)
def test_equals_the_paper(seed, queries, images, t, q, k, base):
    """Also with more neighbours asked for than there are, and where all lists overlap."""
    vectors = clusters(seed, queries + images)
    query, gallery = vectors[:queries], vectors[queries:]
    found = expanded_neighbourhood(query, gallery, t=t, q=q, k=k, base=base)
    expected = rerank_oracles.expanded_neighbourhood(query, gallery, t, q, k, base)

    assert found.shape == (queries, images)
    assert np.abs(found.rows(0, queries) - expected).max() < 1e-6


@pytest.mark.parametrize("base", ["ranks", "vectors"])
def test_one_set(base):
    """The same object twice is one set of images."""
    vectors = clusters(2, 150)
    found = expanded_neighbourhood(vectors, vectors, base=base).rows(0, 150)
    expected = rerank_oracles.expanded_neighbourhood(vectors, vectors, 3, 8, 25, base)

    assert np.abs(found - expected).max() < 1e-6
    assert np.abs(found - found.T).max() < 1e-6


@pytest.mark.parametrize("base", ["ranks", "vectors"])
@pytest.mark.parametrize("threads", ["1", "3"])
def test_blocks_and_threads_do_not_matter(monkeypatch, base, threads):
    """Lists are compared equally to the last bit; vectors are, where it is asked for, exactly."""
    vectors = clusters(3, 200)
    usual = expanded_neighbourhood(vectors[:40], vectors[40:], base=base)
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    found = expanded_neighbourhood(vectors[:40], vectors[40:], base=base, memory=2**14)
    blocks = np.concatenate([found.rows(start, start + 7) for start in range(0, 40, 7)])

    assert np.abs(blocks - usual.rows(0, 40)).max() <= (0 if base == "ranks" else 2 * usual.rounding)
    if base == "vectors":
        assert (found.exact(np.arange(40), np.arange(160)) == usual.exact(np.arange(40), np.arange(160))).all()


@pytest.mark.parametrize("base", ["ranks", "vectors"])
def test_order_does_not_matter(base):
    """Permuting gallery or queries permutes columns or rows."""
    vectors = clusters(4, 100)
    query, gallery = vectors[:30], vectors[30:]
    random = np.random.Generator(np.random.Philox(1))
    rows, columns = random.permutation(30), random.permutation(70)
    found = expanded_neighbourhood(query, gallery, base=base).rows(0, 30)
    other = expanded_neighbourhood(query[rows], gallery[columns], base=base).rows(0, 30)

    assert np.abs(other - found[np.ix_(rows, columns)]).max() < 1e-6


@pytest.mark.parametrize("base", ["ranks", "vectors"])
@pytest.mark.parametrize("rows", [1, 2, 9])
def test_equal_vectors(base, rows):
    """Distances stay finite; of a single image among itself, 0."""
    vectors = np.repeat(clusters(1, 1), rows, axis=0)
    found = expanded_neighbourhood(vectors, vectors, base=base).rows(0, rows)

    assert np.isfinite(found).all()
    if rows == 1:
        assert np.abs(found).max() < 1e-6


def test_bad_input():
    """Names the setting, or the set."""
    vectors = clusters(1, 6)

    with pytest.raises(ConfigError, match="q must be 1 or more, got 0"):
        expanded_neighbourhood(vectors, vectors, q=0)
    with pytest.raises(ConfigError, match="one of ranks, vectors, got 'rank'; did you mean 'ranks'"):
        expanded_neighbourhood(vectors, vectors, base="rank")
    with pytest.raises(ShapeError, match="the query set is empty"):
        expanded_neighbourhood(vectors[:0], vectors)
