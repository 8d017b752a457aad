"""Operations of compiled loops against plain ones."""

import numpy as np
from plain_search import random

from reid.distances.compiled import compiled
from reid.gallery.index.instructions import bit_count, product_of_rows

_product, _ones = product_of_rows(), bit_count()


@compiled
def products(codes, numbers, found):
    for row in range(len(codes)):
        found[row] = _product(codes, row, numbers)


@compiled
def counts(words, found):
    for place in range(len(words)):
        found[place] = _ones(words[place])


def test_products():
    """All values of both types, at one width and at several."""
    for width in (32, 160):
        codes = random(width).integers(-128, 128, (50, width)).astype(np.int8)
        numbers = random(width + 1).integers(-32768, 32768, width).astype(np.int16)
        found = np.empty(50, dtype=np.int32)
        products(codes, numbers, found)

        assert found.tolist() == (codes.astype(np.int64) @ numbers.astype(np.int64)).tolist()


def test_counts():
    """None, all, and some."""
    words = np.array([0, 2**64 - 1, 2**63, 0b1011], dtype=np.uint64)
    found = np.empty(4, dtype=np.int64)
    counts(words, found)

    assert found.tolist() == [0, 64, 1, 3]
