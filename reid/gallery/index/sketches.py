"""Vectors in one bit a number: which of two sides each number of a row is on.

A row r (relative to the centre of its list) is turned by a fixed rotation and only the signs s of its numbers are kept,
with the factor f = |r|^2 / |r|_1. Then f * (q . s) estimates the product of r with a query q: without bias, and with an error
of 0.603 * f * |q| as a rule, since q has no particular direction beside r once both are turned at random (Gao and Long, "RaBitQ:
Quantizing High-Dimensional Vectors with a Theoretical Error Bound", SIGMOD 2024). The query's numbers are rounded
to four bits, so that q . s is made of counts of bits.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.distances.compiled import compiled
from reid.gallery.index.codes import Codes
from reid.records import Floats

PLANES = 4
"""Bits of a query's number."""
WORD = 64
_LEVELS = 2**PLANES - 1
_ERROR = float(np.sqrt(1 - 2 / np.pi))  # a random direction and its signs have a cosine of sqrt(2 / pi)
_NARROWEST = 8  # nearer numbers are not added: the permutation brings others together
_DEVIATIONS = 2.5  # an estimate is too low by more in one case of 160


class Rotation(NamedTuple):
    """A rotation of vectors of up to B numbers: signs, sums and differences, a permutation with signs, and again.

    Attributes:
        signs: (B,) float32, 1 or -1.
        order: (B,) int32, a permutation.
        turned: (B,) float32, 1 or -1, times what keeps the length.
    """

    signs: Floats
    order: NDArray[np.int32]
    turned: Floats


class Sketches(NamedTuple):
    """Rows in one bit a number.

    Attributes:
        words: (B / 64, C) uint64; bit i of word w is set where number 64 w + i is positive.
        factors: (C,) float32.
    """

    words: NDArray[np.uint64]
    factors: Floats


class SketchedQuery(NamedTuple):
    """A query against sketches: a row's product is likely not above `factor * (top - step * distance)`.

    Attributes:
        planes: (4, B / 64) uint64, the bits of its numbers. The distance of a row is the sum over p of 2^p times the
            number of bits in which the row and plane p differ.
        top: for the smallest distance, with room for the error.
        step: for each unit of it.
    """

    planes: NDArray[np.uint64]
    top: float
    step: float


def rotation(dimension: int) -> Rotation:
    """The rotation for vectors of `dimension` numbers; always the same one, for sketches are kept in files."""
    size = max(WORD, 1 << (dimension - 1).bit_length())
    random = rng.generator(0, "sketches", dimension)
    halvings = 2 * (size.bit_length() - _NARROWEST.bit_length())
    return Rotation(
        random.choice(np.array([-1, 1], dtype=np.float32), size),
        random.permutation(size).astype(np.int32),
        random.choice(np.array([-1, 1], dtype=np.float32), size) * np.float32(2.0 ** (-halvings / 2)),
    )


def empty_sketches(capacity: int, size: int) -> Sketches:
    """Room for `capacity` rows of `size` bits, not set."""
    return Sketches(np.empty((size // WORD, capacity), dtype=np.uint64), np.empty(capacity, dtype=np.float32))


def rotate(vectors: Floats, turning: Rotation) -> Floats:
    """The rows (N, D) turned, (N, B) float32."""
    turned = np.empty((len(vectors), len(turning.signs)), dtype=np.float32)
    _rotate_rows(np.ascontiguousarray(vectors, dtype=np.float32), turning, turned)
    return turned


def sketch(
    codes: Codes,
    positions: NDArray[np.int64],
    lists: NDArray[np.int32],
    centres: Floats,
    turning: Rotation,
    sketches: Sketches,
) -> None:
    """Sketch the rows at `positions` (N,) relative to the turned centres (L, B) of their lists (N,)."""
    if len(positions):
        _sketch(codes, positions, lists, centres, turning, sketches)


def sketch_query(vector: Floats, turning: Rotation) -> SketchedQuery:
    """A query (D,) float32 against sketches."""
    planes = np.empty((PLANES, len(turning.signs) // WORD), dtype=np.uint64)
    return SketchedQuery(planes, *_sketch_query(vector, turning, planes))


@compiled
def _mix(numbers: Floats) -> None:
    stride = len(numbers) // 2
    while stride >= _NARROWEST:
        for start in range(0, len(numbers), 2 * stride):
            left, right = numbers[start : start + stride], numbers[start + stride : start + 2 * stride]
            for place in range(stride):
                one, other = left[place], right[place]
                left[place] = one + other
                right[place] = one - other
        stride //= 2


@compiled
def _turn(numbers: Floats, turning: Rotation, turned: Floats) -> None:
    """Overwrites `numbers`."""
    for place in range(len(numbers)):
        numbers[place] *= turning.signs[place]
    _mix(numbers)
    for place in range(len(numbers)):
        turned[place] = numbers[turning.order[place]] * turning.turned[place]
    _mix(turned)


@compiled
def _rotate_rows(vectors: Floats, turning: Rotation, turned: Floats) -> None:
    numbers = np.zeros(turned.shape[1], dtype=np.float32)
    for row in range(len(vectors)):
        numbers[:] = 0
        for place in range(vectors.shape[1]):
            numbers[place] = vectors[row, place]
        _turn(numbers, turning, turned[row])


@partial(compiled, any_order=True)  # the sums only go into estimates
def _sketch(
    codes: Codes,
    positions: NDArray[np.int64],
    lists: NDArray[np.int32],
    centres: Floats,
    turning: Rotation,
    sketches: Sketches,
) -> None:
    codes_of, scales, _ = codes
    words, factors = sketches
    size = len(turning.signs)
    numbers, turned = np.empty(size, dtype=np.float32), np.empty(size, dtype=np.float32)
    for row in range(len(positions)):
        position = positions[row]
        code, scale, centre = codes_of[position], scales[position], centres[lists[row]]
        numbers[:] = 0
        for place in range(min(size, len(code))):
            numbers[place] = scale * np.float32(code[place])
        _turn(numbers, turning, turned)
        squares, sizes = np.float32(0), np.float32(0)
        for place in range(size):
            left = turned[place] - centre[place]
            turned[place] = left
            squares += left * left
            sizes += abs(left)
        for word in range(size // WORD):
            some, bits = turned[WORD * word : WORD * word + WORD], np.uint64(0)
            for place in range(WORD):
                bits |= np.uint64(some[place] > 0) << np.uint64(place)
            words[word, position] = bits
        factors[position] = squares / sizes if sizes > 0 else np.float32(0)


@compiled
def _sketch_query(vector: Floats, turning: Rotation, planes: NDArray[np.uint64]) -> tuple[float, float]:
    numbers = np.zeros(len(turning.signs), dtype=np.float32)
    turned = np.empty(len(turning.signs), dtype=np.float32)
    for place in range(len(vector)):
        numbers[place] = vector[place]
    _turn(numbers, turning, turned)
    largest, squares, left = 0.0, 0.0, 0.0
    for place in range(len(turned)):
        largest = max(largest, np.float64(abs(turned[place])))
    step = 2 * largest / _LEVELS
    planes[:] = 0
    for place in range(len(turned)):
        value, level = np.float64(turned[place]), 0.0
        if step > 0:
            level = np.rint(value / step + _LEVELS / 2)
        rest = value - step * (level - _LEVELS / 2)
        squares += value * value
        left += rest * rest
        for plane in range(PLANES):
            bit = np.uint64((np.int64(level) >> plane) & 1)
            planes[plane, place // WORD] |= bit << np.uint64(place % WORD)
    error = _DEVIATIONS * np.sqrt(_ERROR**2 * squares + left)
    return step * _LEVELS / 2 * len(turned) + error, step
