"""Sketches: what they estimate, and how well."""

import numpy as np
import pytest
from plain_search import identities, random, unit

from reid.gallery.index.codes import empty_codes, quantise
from reid.gallery.index.sketches import empty_sketches, rotate, rotation, sketch, sketch_query


def sketched(rows, centres, lists):
    """Words (N, W) and factors of the rows, relative to the centres of their lists."""
    turning = rotation(rows.shape[1])
    codes, positions = empty_codes(len(rows), rows.shape[1]), np.arange(len(rows))
    quantise(rows, positions, codes)
    sketches = empty_sketches(len(rows), len(turning.signs))
    sketch(codes, positions, lists.astype(np.int32), rotate(centres, turning), turning, sketches)
    return sketches.words.T, sketches.factors


def distances(words, planes):
    """The sum over p of 2^p times the bits in which a row and plane p differ."""
    apart = [np.bitwise_count(words ^ plane).sum(axis=1, dtype=np.int64) << power for power, plane in enumerate(planes)]
    return np.sum(apart, axis=0)


@pytest.mark.parametrize("dimension", [1, 5, 64, 100, 128, 300])
def test_rotations_keep_products(dimension):
    """Of any two rows, whatever their length; and of rows with a single number everything is spread."""
    rows = random(dimension).standard_normal((20, dimension)).astype(np.float32)
    turned = rotate(rows, rotation(dimension))

    assert np.allclose(turned @ turned.T, rows @ rows.T, atol=1e-3)
    spread = rotate(np.eye(dimension, dtype=np.float32), rotation(dimension))
    assert np.abs(spread).max() < 0.6


@pytest.mark.parametrize("kind", ["even", "sparse", "identities"])
def test_estimates(kind):
    """Hardly a product is above its estimate with room for the error, and the room is not much larger than needed."""
    numbers = random(7)
    rows = {
        "even": unit(numbers.standard_normal((4000, 128))),
        "sparse": unit(numbers.standard_normal((4000, 128)) * (numbers.random((4000, 128)) < 0.04) + 1e-9),
        "identities": identities(7, 4000, 128, 0.5),
    }[kind]
    centres = unit(numbers.standard_normal((3, 128))) * np.float32(0.4)
    lists = numbers.integers(0, 3, 4000)
    words, factors = sketched(rows, centres, lists)
    over, room = [], []
    for query in rows[:40]:
        asked = sketch_query(query, rotation(128))
        highest = (centres @ query)[lists] + factors * (asked.top - asked.step * distances(words, asked.planes))
        over.append(rows @ query > highest)
        room.append(highest - rows @ query)

    assert np.mean(over) < 0.01
    assert 0.05 < np.mean(room) < 0.3


def test_a_row_at_its_centre():
    """Its product is that of the centre."""
    rows = np.zeros((2, 64), dtype=np.float32)
    _, factors = sketched(rows, rows[:1], np.zeros(2))

    assert factors.tolist() == [0, 0]


def test_a_query_of_zeros():
    """There is nothing to estimate."""
    asked = sketch_query(np.zeros(64, dtype=np.float32), rotation(64))

    assert (asked.top, asked.step) == (0, 0)
