"""k-reciprocal re-ranking: as published, whatever the blocks and threads, in little memory."""

import tracemalloc

import numpy as np
import pytest
import rerank_oracles
from hypothesis import given, settings
from hypothesis import strategies as st
from rerank_samples import clusters

import reid
from reid.distances import RoundedDistances
from reid.errors import ConfigError, ShapeError
from reid.rerank import k_reciprocal


def exact(distances) -> np.ndarray:
    return distances.exact(*map(np.arange, distances.shape)) / 2**52 - 1


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 10**6),
    st.integers(1, 30),
    st.integers(1, 40),
    st.integers(1, 22),
    st.integers(1, 8),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_equals_the_paper(seed, queries, images, k1, k2, weight):
    """Also with more neighbours asked for than there are."""
    vectors = clusters(seed, queries + images)
    query, gallery = vectors[:queries], vectors[queries:]
    found = k_reciprocal(query, gallery, k1=k1, k2=k2, weight=weight)
    expected = rerank_oracles.k_reciprocal(query, gallery, k1, k2, weight)

    assert found.shape == (queries, images)
    assert np.abs(found.rows(0, queries) - expected).max() < 1e-6
    assert np.abs(exact(found) - expected).max() < 1e-6


@pytest.mark.parametrize(("k1", "k2"), [(20, 6), (5, 1), (15, 3)])
def test_one_set(k1, k2):
    """The same object twice is one set of images; each is at distance 0 from itself."""
    vectors = clusters(2, 90)
    found = k_reciprocal(vectors, vectors, k1=k1, k2=k2)

    assert np.abs(found.rows(0, 90) - rerank_oracles.k_reciprocal(vectors, vectors, k1, k2, 0.3)).max() < 1e-6
    assert np.abs(np.diag(found.rows(0, 90))).max() < 1e-6


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("memory", [1, 2**16, 2**30])
def test_blocks_and_threads_do_not_matter(monkeypatch, threads, memory):
    """Exact distances are equal to the last bit, quick ones within the stated error."""
    vectors = clusters(3, 200)
    usual = k_reciprocal(vectors[:40], vectors[40:])
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    found = k_reciprocal(vectors[:40], vectors[40:], memory=memory)

    assert isinstance(found, RoundedDistances)
    assert (exact(found) == exact(usual)).all()
    for start in range(0, 40, 7):
        assert np.abs(found.rows(start, start + 7) - exact(usual)[start : start + 7]).max() <= found.rounding < 1e-5


def test_parts_of_rows():
    """Written into the memory of others, some columns only."""
    vectors = clusters(4, 90)
    found = k_reciprocal(vectors[:20], vectors[20:])
    block = np.zeros((9, 50), dtype=np.float32)
    found.fill(3, block[:, 5:40], 11)

    assert np.abs(block[:, 5:40] - exact(found)[3:12, 11:46]).max() <= found.rounding
    assert not block[:, :5].any()
    assert not block[:, 40:].any()


def test_exact_pairs():
    """As exact tables have them, in any order."""
    vectors = clusters(4, 60)
    found = k_reciprocal(vectors[:20], vectors[20:])
    random = np.random.Generator(np.random.Philox(1))
    queries, images = random.integers(20, size=300), random.integers(40, size=300)

    assert (found.exact_pairs(queries, images) == found.exact(np.arange(20), np.arange(40))[queries, images]).all()
    assert found.exact_pairs(queries[:0], images[:0]).shape == (0,)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6))
def test_order_does_not_matter(seed):
    """Permuting gallery or queries permutes columns or rows; lengths of vectors do not matter."""
    vectors = clusters(seed, 70)
    query, gallery = vectors[:20], vectors[20:]
    random = np.random.Generator(np.random.Philox(seed))
    rows, columns = random.permutation(20), random.permutation(50)
    found = exact(k_reciprocal(query, gallery))
    other = exact(k_reciprocal(query[rows] * 4, gallery[columns].astype(np.float64)))

    assert np.abs(other - found[np.ix_(rows, columns)]).max() < 1e-6


@pytest.mark.parametrize("rows", [1, 2, 9])
def test_equal_vectors(rows):
    """A model that sees no difference gets finite distances, and equal ones of a vector."""
    vectors = np.repeat(clusters(1, 1), rows, axis=0)
    found = exact(k_reciprocal(vectors, vectors, k1=3, k2=2))

    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.abs(exact(k_reciprocal(vectors[:1], vectors, weight=1.0))).max() == 0


def test_duplicates_among_others():
    """Equal vectors are nearest to each other."""
    vectors = clusters(5, 60)
    vectors[30] = vectors[3]
    found = exact(k_reciprocal(vectors[:10], vectors[10:]))

    assert found[3].argmin() == 20


def test_vectors_without_direction():
    """A row of zeros has finite distances, and is its own nearest."""
    vectors = clusters(6, 30)
    vectors[4] = 0
    found = exact(k_reciprocal(vectors, vectors, k1=5))

    assert np.isfinite(found).all()
    assert found[4].argmin() == 4


@pytest.mark.parametrize("settings", [{"k1": 0}, {"k2": 0}, {"weight": 1.1}, {"weight": float("nan")}, {"memory": 0}])
def test_settings_out_of_range(settings):
    """The setting and its value are named."""
    vectors = clusters(1, 6)

    with pytest.raises(ConfigError, match=rf"{next(iter(settings))} must .*{next(iter(settings.values()))}"):
        k_reciprocal(vectors, vectors, **settings)


def test_bad_vectors():
    """NaN, other widths and empty sets are refused."""
    vectors = clusters(1, 6)
    broken = vectors.copy()
    broken[2, 1] = np.nan

    with pytest.raises(ShapeError, match="1 of 6 gallery vectors hold NaN or infinity: row 2"):
        k_reciprocal(vectors, broken)
    with pytest.raises(ShapeError, match="16 dimensions and gallery vectors 5"):
        k_reciprocal(vectors, vectors[:, :5])
    with pytest.raises(ShapeError, match="the gallery set is empty"):
        k_reciprocal(vectors, vectors[:0])


def test_memory_grows_with_the_neighbours():
    """Four times the images take about four times the memory, far from a matrix of all distances."""

    def peak(rows: int) -> int:
        vectors = clusters(1, rows, 8)
        tracemalloc.start()
        k_reciprocal(vectors[: rows // 8], vectors[rows // 8 :], memory=2**22).rows(0, 10)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(100)
    small, large = peak(2000), peak(8000)

    assert large < 5 * small
    assert large < 8000 * 8000 * 4 / 10


def test_public_name():
    """As the documentation has it."""
    assert reid.rerank.k_reciprocal is k_reciprocal
