"""Distances made by torch: within their stated bounds, and never another result."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.acceleration import AcceleratedDistances, accelerates
from reid.distances import CosineDistances, nearest
from reid.evaluation.all_vs_all import all_vs_all
from reid.evaluation.refinement import Refinement
from reid.rerank import k_reciprocal

CPU = torch.device("cpu")
DEVICES = [CPU, *([torch.device("cuda")] if torch.cuda.is_available() else [])]


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape).astype(np.float32)


def errors(distances: AcceleratedDistances) -> tuple[float, float]:
    """The largest errors of tiles and of blocks."""
    queries, gallery = distances.shape
    exact = (distances.exact(np.arange(queries), np.arange(gallery)) - 2**52) / 2**52
    tile = 1 - distances.tile(slice(0, queries), slice(0, gallery)).astype(np.float64)
    block = np.empty((queries, gallery), dtype=np.float32)
    distances.fill(0, block)
    return np.abs(tile - exact).max(), np.abs(block - exact).max()


@pytest.mark.parametrize("device", DEVICES, ids=str)
@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 64, 300, 2048]))
def test_errors_stay_within_their_bounds(device: torch.device, seed: int, dimension: int) -> None:
    """For any vectors, tiles and blocks."""
    distances = AcceleratedDistances(normal(seed, 20, dimension), normal(seed + 1, 30, dimension), device=device)
    tile, block = errors(distances)

    assert tile <= distances.tile_rounding < 2e-4
    assert block <= distances.rounding < 2e-4


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_coarse_products_stay_within_a_wider_bound(device: torch.device) -> None:
    """Where the process lets products round their factors, every coordinate losing as much as it can, results are the same."""
    row = np.full(256, 1 / 16, dtype=np.float32) * np.float32(1 + 2**-8 - 2**-16)
    vectors = np.concatenate([row[np.newaxis], row[np.newaxis] + 0.01 * normal(3, 99, 256)])
    expected = nearest(CosineDistances(vectors, vectors), 5)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        distances = AcceleratedDistances(vectors, vectors, device=device)
        assert max(errors(distances)) <= distances.tile_rounding < 0.01
        assert np.array_equal(nearest(distances, 5).indices, expected.indices)
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("device", DEVICES, ids=str)
@pytest.mark.parametrize("spread", [1e-6, 1e-3, 1.0])
def test_neighbours_are_the_same(device: torch.device, spread: float) -> None:
    """Among all, and of queries in a gallery, from nearly equal to different vectors, duplicates among them."""
    vectors = 1 + spread * normal(1, 400, 16)
    vectors[50:60] = vectors[0]
    for query in (vectors, vectors[:40].copy()):
        plain, quick = CosineDistances(query, vectors), AcceleratedDistances(query, vectors, device=device)
        expected, found = nearest(plain, 9), nearest(quick, 9)
        assert np.array_equal(found.indices, expected.indices)
        assert np.array_equal(found.distances, expected.distances)
        assert np.array_equal(found.farthest, expected.farthest)
        assert np.array_equal(nearest(quick.among_all(), 9).indices, nearest(plain.among_all(), 9).indices)


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_scores_and_reranking_are_the_same(device: torch.device) -> None:
    """To the last bit, whoever multiplies."""
    from functools import partial

    from samples import drawn

    images = drawn(90, 8)
    compare = partial(AcceleratedDistances, device=device)
    rerank = partial(k_reciprocal, compare=compare)
    plain = all_vs_all(images)
    assert all_vs_all(images, refinement=Refinement(compare=compare)) == plain
    expected = all_vs_all(images, refinement=Refinement(rerank=k_reciprocal))
    assert all_vs_all(images, refinement=Refinement(rerank=rerank)) == expected


def test_rows_on_a_device_are_those_of_their_set() -> None:
    """Chosen columns are brought anew, and what was brought before is not taken for them."""
    distances = AcceleratedDistances(normal(1, 5, 8), normal(2, 9, 8), device=torch.device("cpu"))
    there = distances._on_device(distances.vectors[1])
    for columns in ([0, 1], [5, 6, 7]):
        some = distances.select_gallery(np.array(columns))
        assert np.array_equal(some._on_device(some.vectors[1]).numpy(), distances.vectors[1][columns])
    assert distances._on_device(distances.vectors[1]) is there


def test_what_accelerates() -> None:
    """A GPU does; numpy is as good on a processor."""
    assert accelerates(torch.device("cuda"))
    assert not accelerates(CPU)
