"""Codes, and what is proven of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_search import random, score

from reid.gallery.index.codes import LARGEST, empty_codes, quantise, quantise_query, restore


def coded(rows):
    """Codes of all rows, in reverse order."""
    codes = empty_codes(len(rows), rows.shape[1])
    quantise(rows, np.arange(len(rows))[::-1].copy(), codes)
    return [part[::-1] for part in codes]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6),
    st.sampled_from([1, 7, 32, 100, 128]),
    st.sampled_from([1e-44, 1e-30, 1e-8, 1.0, 1e20, 1e37]),
    st.sampled_from([1e-44, 1e-20, 1.0, 1e37]),
    st.sampled_from([1, 8]),
)
def test_products_lie_within_their_bounds(seed, dimension, size, query_size, power):
    """Whatever the scale, and however uneven the numbers: the bound holds for the very score that is given in the end."""
    numbers = random(seed)
    rows = (numbers.standard_normal((20, dimension)) ** power * size).clip(-3e38, 3e38).astype(np.float32)
    rows[3] = 0
    query = (numbers.standard_normal(dimension) * query_size).astype(np.float32)
    codes, scales, residuals = coded(rows)
    asked = quantise_query(query)

    products = codes.astype(np.int64) @ asked.numbers.astype(np.int64)
    assert np.abs(products).max() < 2**31
    values = scales.astype(np.float64) * asked.scale * products
    bounds = asked.length * residuals.astype(np.float64) + asked.slack * scales.astype(np.float64)
    for row, value, bound in zip(rows, values, bounds, strict=True):
        assert abs(score(row, query) - value) <= bound


def test_the_largest_products_fit_32_bits():
    """A row and a query of nothing but the largest numbers, in many dimensions."""
    rows = np.full((1, 4096), 3.0, dtype=np.float32)
    codes, _, _ = coded(rows)
    product = codes.astype(np.int64) @ quantise_query(rows[0]).numbers.astype(np.int64)

    assert codes.max() == LARGEST
    assert 2**30 < product[0] < 2**31


def test_bounds_are_of_use():
    """For unit vectors the bound is below one in a hundred."""
    rows = random(1).standard_normal((100, 128))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    _, scales, residuals = coded(rows)
    asked = quantise_query(rows[0])

    assert (asked.length * residuals + asked.slack * scales).max() < 0.015
    assert asked.slack * scales.max() < 0.001


@pytest.mark.parametrize("dimension", [5, 128])
def test_vectors_come_back(dimension):
    """About: within half a step of each number."""
    rows = random(2).standard_normal((30, dimension)).astype(np.float32)
    codes = empty_codes(40, dimension)
    quantise(rows, np.arange(5, 35), codes)
    back = restore(codes, np.arange(5, 35), dimension)

    assert back.shape == rows.shape
    assert (np.abs(back - rows) <= 0.501 * codes.scales[5:35, np.newaxis]).all()
    assert not codes.numbers[5:35, dimension:].any()


def test_no_rows():
    """Nothing is done for none."""
    quantise(np.empty((0, 4), dtype=np.float32), np.empty(0, dtype=np.int64), empty_codes(0, 4))
