"""Exact nearest neighbours, against sorting exact distances."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.distances import CosineDistances, MatrixDistances, Neighbours, nearest
from reid.distances.nearest import search_bytes
from reid.errors import ConfigError, ShapeError


def clusters(seed: int, rows: int, dimension: int = 24, spread: float = 0.5) -> np.ndarray:
    """Vectors around a few centres; with small spread they are alike, some are equal."""
    random = np.random.Generator(np.random.Philox(seed))
    vectors = random.standard_normal((1 + rows // 8, dimension))[random.integers(1 + rows // 8, size=rows)]
    vectors = vectors + spread * random.standard_normal(vectors.shape)
    vectors[random.integers(rows, size=1 + rows // 10)] = vectors[0]
    return vectors.astype(np.float32)


def sorted_out(exact: np.ndarray, count: int) -> Neighbours:
    """The definition: sort every row."""
    indices = np.argsort(exact, axis=1, kind="stable")[:, :count]
    taken = np.take_along_axis(exact, indices, axis=1)
    return Neighbours(indices, taken, exact.argmax(axis=1), exact.max(axis=1))


def assert_equal(found: Neighbours, expected: Neighbours) -> None:
    assert found.indices.tolist() == expected.indices.tolist()
    assert found.distances.tolist() == expected.distances.tolist()
    assert found.farthest.tolist() == expected.farthest.tolist()
    assert found.farthest_distances.tolist() == expected.farthest_distances.tolist()


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6),
    st.integers(1, 90),
    st.integers(1, 30),
    st.sampled_from([0.0, 1e-7, 1e-5, 1e-3, 0.5]),
    st.booleans(),
    st.sampled_from([1, 3000, 40_000, 10**9]),
)
def test_equals_sorting(seed, rows, count, spread, itself, memory):
    """Whatever the block size, however alike the vectors, equal ones by their place in the gallery."""
    vectors = clusters(seed, rows, spread=spread)
    distances = CosineDistances(vectors if itself else clusters(seed + 1, 7), vectors)
    exact = distances.exact(*map(np.arange, distances.shape))

    assert_equal(nearest(distances, count, memory=memory), sorted_out(exact, count))


@pytest.mark.parametrize("threads", ["1", "3"])
def test_many_tiles(monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    """More rows than a tile has, several threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    vectors = clusters(3, 2100, 16)
    distances = CosineDistances(vectors, vectors)
    exact = distances.exact(np.arange(2100), np.arange(2100))

    assert_equal(nearest(distances, 21), sorted_out(exact, 21))
    assert_equal(nearest(distances, 21, memory=3 * 2**20), sorted_out(exact, 21))


class Coarse(CosineDistances):
    """Distances as a machine with few digits would hand them out."""

    rounding = tile_rounding = 2e-3

    def _blur(self, block: np.ndarray) -> np.ndarray:
        random = np.random.Generator(np.random.Philox(block.size))
        return (block + random.uniform(-1.9e-3, 1.9e-3, block.shape)).astype(np.float32)

    def rows(self, start: int, stop: int) -> np.ndarray:
        return self._blur(super().rows(start, stop))

    def tile(self, queries: slice, gallery: slice) -> np.ndarray:
        return self._blur(super().tile(queries, gallery))


@pytest.mark.parametrize("itself", [False, True])
@pytest.mark.parametrize("spread", [1e-3, 0.05, 0.5])
def test_coarser_distances_give_the_same(itself, spread):
    """What the quick distances leave open, the exact ones decide."""
    vectors = clusters(5, 400, 16, spread)
    query = vectors if itself else clusters(6, 50, 16, spread)
    fine = nearest(CosineDistances(query, vectors), 9)

    assert_equal(nearest(Coarse(query, vectors), 9), fine)


class Unrounded(CosineDistances):
    """Distances whose quick values are the true ones."""

    rounding = tile_rounding = 0.0


def test_no_rounding_at_all():
    """Equal distances are still ranked by column, in whatever order tiles are made."""
    vectors = np.eye(12, dtype=np.float32)[np.random.Generator(np.random.Philox(1)).integers(12, size=300)]

    for memory in (2**20, 2**12 + 600 * 300):
        assert_equal(
            nearest(Unrounded(vectors, vectors), 30, memory=memory), nearest(CosineDistances(vectors, vectors), 30)
        )


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from([1, 4, 10**6]))
def test_plain_distances(seed, count, distinct):
    """Where there are no exact distances the given ones decide; equal ones by column."""
    random = np.random.Generator(np.random.Philox(seed))
    matrix = random.integers(0, distinct + 1, (6, 150)).astype(np.float32)

    assert_equal(nearest(MatrixDistances(matrix), count, memory=5000), sorted_out(matrix, count))


def test_more_than_there_are():
    """The whole gallery, ranked."""
    vectors = clusters(1, 5)

    assert nearest(CosineDistances(vectors[:2], vectors), 100).indices.shape == (2, 5)


def test_no_queries():
    """Nothing is found for nobody."""
    vectors = clusters(1, 5)

    assert nearest(CosineDistances(vectors[:0], vectors), 3).indices.shape == (0, 3)


def test_empty_gallery_is_refused():
    """There is no nearest."""
    vectors = clusters(1, 5)

    with pytest.raises(ShapeError, match="gallery is empty"):
        nearest(CosineDistances(vectors, vectors[:0]), 3)


@pytest.mark.parametrize(("count", "memory"), [(0, 100), (3, 0)])
def test_nonsense_is_refused(count, memory):
    """Both numbers are named."""
    vectors = clusters(1, 5)

    with pytest.raises(ConfigError, match=f"positive, got {count} and {memory}"):
        nearest(CosineDistances(vectors, vectors), count, memory=memory)


def test_memory_is_kept():
    """Scratch stays within what was allowed, far below a matrix of all distances."""
    vectors = np.random.Generator(np.random.Philox(1)).standard_normal((3000, 8)).astype(np.float32)
    distances = CosineDistances(vectors, vectors)
    nearest(distances, 10)
    tracemalloc.start()
    nearest(distances, 10, memory=2**23)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2**23 + 3000 * 10 * 12
    assert peak < search_bytes(3000, 10, 2**23)
    assert peak < 3000 * 3000 * 4 / 3
