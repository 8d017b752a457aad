"""Vectors in one byte a number, with a bound of how far off their products are.

A row x becomes scale * codes; the length of what is left, x - scale * codes, is kept as its residual. For any query q
the product of q and x is that of q and scale * codes, give or take |q| * residual (Cauchy and Schwarz).
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.records import Floats

LARGEST = 127
"""The largest code; the smallest is its negative."""
STEP = 32
"""Codes of a row are a multiple of these, the rest being 0: as many are multiplied at once."""
_LARGEST_QUERY = 32767
_LARGEST_SUM = (2**31 - 1) // LARGEST
_TINY = 1e-30  # rows whose numbers are all smaller have codes of 0
_ROUNDOFF = 2.0**-53


class Codes(NamedTuple):
    """Rows in one byte a number.

    Attributes:
        numbers: (C, W) int8 in -127..127, 0 beyond the dimension.
        scales: (C,) float32.
        residuals: (C,) float32, not less than the length of what the codes leave of a row.
    """

    numbers: NDArray[np.int8]
    scales: Floats
    residuals: Floats


class Query(NamedTuple):
    """A query in two bytes a number.

    For a row with codes c, its product with the query lies within `length * residual + slack * scale` of
    `scale * self.scale * (c @ numbers)`, the rounding of both included; c @ numbers fits 32 bits.

    Attributes:
        numbers: (W,) int16.
        scale: of the numbers.
        length: not less than the query's.
        slack: for each unit of a row's scale.
    """

    numbers: NDArray[np.int16]
    scale: float
    length: float
    slack: float


def width(dimension: int) -> int:
    """How many codes a row of `dimension` numbers has."""
    return -(-dimension // STEP) * STEP


def empty_codes(capacity: int, dimension: int) -> Codes:
    """Room for `capacity` rows, not set."""
    return Codes(
        np.empty((capacity, width(dimension)), dtype=np.int8),
        np.empty(capacity, dtype=np.float32),
        np.empty(capacity, dtype=np.float32),
    )


def quantise_query(vector: Floats) -> Query:
    """A query (D,) float32, finite, with what bounds the error of its products."""
    numbers = np.zeros(width(len(vector)), dtype=np.int16)
    return Query(numbers, *_quantise_query(vector, numbers))


def quantise(vectors: Floats, positions: NDArray[np.int64], codes: Codes) -> None:
    """Write the rows (N, D) float32, finite, to their positions (N,) in `codes`."""
    if len(vectors):
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        _quantise(rows, rows.view(np.int32), positions, *codes)


def restore(codes: Codes, positions: NDArray[np.int64], dimension: int) -> Floats:
    """About the vectors (N, D) float32 that were quantised."""
    numbers = codes.numbers[positions, :dimension].astype(np.float32)
    numbers *= codes.scales[positions, np.newaxis]
    return numbers


def coded(vectors: Floats) -> Codes:
    """The rows (N, D) float32, finite, in codes of their own."""
    codes = empty_codes(*vectors.shape)
    quantise(vectors, np.arange(len(vectors)), codes)
    return codes


def rounded(vectors: Floats) -> Floats:
    """About the rows (N, D) float32, finite: what their codes stand for."""
    return restore(coded(vectors), np.arange(len(vectors)), vectors.shape[1])


@partial(compiled, any_order=True)  # sums only go into bounds, which have room for any order
def _quantise(
    vectors: Floats,
    bits: NDArray[np.int32],
    positions: NDArray[np.int64],
    numbers: NDArray[np.int8],
    scales: Floats,
    residuals: Floats,
) -> None:
    pattern = np.zeros(1, dtype=np.int32)
    for row in range(len(vectors)):
        vector, code, words = vectors[row], numbers[positions[row]], bits[row]
        top = np.int32(0)
        for place in range(len(vector)):  # floats without a sign are in order as integers, which compare faster
            top = max(top, np.int32(words[place] & 0x7FFFFFFF))
        pattern[0] = top
        largest = pattern.view(np.float32)[0]
        scale, per = np.float32(0), np.float32(0)
        if largest > _TINY:
            scale, per = np.float32(largest / np.float32(LARGEST)), np.float32(np.float32(LARGEST) / largest)
        for place in range(len(vector)):
            code[place] = np.int8(np.rint(vector[place] * per))
        for place in range(len(vector), len(code)):
            code[place] = 0
        total = 0.0
        for place in range(len(vector)):
            left = np.float64(vector[place]) - np.float64(scale) * np.float64(code[place])
            total += left * left
        scales[positions[row]] = scale
        residuals[positions[row]] = np.float32(np.sqrt(total) * 1.000001 + 3e-45)


@compiled
def _quantise_query(vector: Floats, numbers: NDArray[np.int16]) -> tuple[float, float, float]:
    largest, total, squares, left = 0.0, 0.0, 0.0, 0.0
    for place in range(len(vector)):
        value = np.float64(vector[place])
        largest = max(largest, abs(value))
        total += abs(value)
        squares += value * value
    scale = max(largest / _LARGEST_QUERY, total / (_LARGEST_SUM - len(numbers)))
    for place in range(len(vector)):
        value = np.float64(vector[place])
        if scale > 0:
            numbers[place] = np.int16(np.rint(value / scale))
        rest = value - scale * np.float64(numbers[place])
        left += rest * rest
    length = 1.000001 * np.sqrt(squares)
    # What the query's own rounding, and that of sums in float64, can do to a row of the length scale * 127 * sqrt(D).
    slack = np.sqrt(left) + (len(vector) + 8) * _ROUNDOFF * length
    return scale, length, 1.000001 * slack * LARGEST * np.sqrt(np.float64(len(vector)))
