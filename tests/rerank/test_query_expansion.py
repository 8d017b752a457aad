"""Expanded vectors: as published."""

import numpy as np
import pytest
import rerank_oracles
from hypothesis import given, settings
from hypothesis import strategies as st
from rerank_samples import clusters

from reid.errors import ConfigError, ShapeError
from reid.rerank import alpha_query_expansion, average_query_expansion, database_augmentation


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 10**6),
    st.integers(1, 20),
    st.integers(1, 40),
    st.integers(1, 12),
    st.sampled_from([0.0, 1.0, 3.0]),
    st.booleans(),
)
def test_equals_the_papers(seed, queries, images, count, alpha, itself):
    """Also with more neighbours asked for than there are; an image is not its own neighbour."""
    vectors = clusters(seed, queries + images)
    query, gallery = vectors[:queries], vectors[queries:]
    query = gallery if itself else query
    found = alpha_query_expansion(query, gallery, count=count, alpha=alpha)

    assert found.dtype == np.float32
    assert np.abs(found - rerank_oracles.query_expansion(query, gallery, count, alpha)).max() < 1e-6


def test_the_same_by_other_names():
    """Average expansion has alpha 0; augmentation is expansion within the gallery."""
    vectors = clusters(1, 50)
    query, gallery = vectors[:10], vectors[10:]

    assert (average_query_expansion(query, gallery) == alpha_query_expansion(query, gallery, alpha=0)).all()
    assert (database_augmentation(gallery, count=3) == average_query_expansion(gallery, gallery, count=3)).all()


def test_it_helps():
    """Vectors come nearer to the centre of their cluster."""
    random = np.random.Generator(np.random.Philox(1))
    centres = rerank_oracles.unit(random.standard_normal((8, 16)))
    labels = np.repeat(np.arange(8), 10)
    vectors = rerank_oracles.unit(centres[labels] + 0.2 * random.standard_normal((80, 16)))
    better = database_augmentation(vectors, count=5)

    assert (better * centres[labels]).sum(axis=1).mean() > (vectors * centres[labels]).sum(axis=1).mean() + 0.05


def test_vectors_without_direction():
    """A row of zeros gets the direction of its neighbours, or stays zero; all remains finite."""
    vectors = clusters(1, 12)
    vectors[3] = 0

    assert np.isfinite(database_augmentation(vectors, count=3, alpha=3)).all()
    assert not database_augmentation(np.zeros((4, 3)), count=3).any()


def test_a_single_image():
    """Has no neighbours, and stays."""
    vectors = rerank_oracles.unit(clusters(1, 1)).astype(np.float32)

    assert np.allclose(database_augmentation(vectors), vectors)


def test_bad_input():
    """Names the setting, or the set."""
    vectors = clusters(1, 6)

    with pytest.raises(ConfigError, match="count must be 1 or more, got 0"):
        average_query_expansion(vectors, vectors, count=0)
    with pytest.raises(ConfigError, match="alpha must be 0 or larger, got -1"):
        alpha_query_expansion(vectors, vectors, alpha=-1)
    with pytest.raises(ShapeError, match="the gallery set is empty"):
        average_query_expansion(vectors, vectors[:0])
    with pytest.raises(ShapeError, match="hold NaN or infinity: row 1"):
        database_augmentation(np.where(np.arange(6)[:, None] == 1, np.nan, vectors))
