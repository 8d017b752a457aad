"""Changing the size of pictures: against plain averages, Pillow and torchvision's geometry."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import photo
from PIL import Image

from reid.data.resizing import RULES, resize, resize_centre
from reid.errors import ShapeError


def area_average(line: np.ndarray, new: int) -> np.ndarray:
    """(old, ...) -> (new, ...): the mean over the stretch that a new pixel covers, pixel by pixel."""
    scale, made = len(line) / new, []
    for i in range(new):
        begin, end = i * scale, (i + 1) * scale
        overlap = np.array([max(0.0, min(end, j + 1) - max(begin, j)) for j in range(len(line))])
        made.append(np.tensordot(overlap / scale, line, axes=1))
    return np.array(made)


@settings(max_examples=30, deadline=None)
@given(factors=st.tuples(st.integers(1, 5), st.integers(1, 5)), size=st.tuples(st.integers(3, 20), st.integers(3, 20)))
def test_whole_factors_are_plain_means(factors, size):
    """Shrinking by m x n gives the mean of every m x n block."""
    image = photo(size[0] * factors[0], size[1] * factors[1])
    blocks = image.reshape(size[0], factors[0], size[1], factors[1], 3).astype(float)
    assert np.abs(resize(image, size) - blocks.mean(axis=(1, 3))).max() <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(30, 90), st.integers(30, 90), st.integers(12, 30), st.integers(12, 30))
def test_near_to_the_average_over_areas(height, width, tall, wide):
    """Whatever the factors, the result stays near to the exact average over areas."""
    image = photo(height, width, seed=height * width)
    exact = area_average(area_average(image.astype(float), tall).transpose(1, 0, 2), wide).transpose(1, 0, 2)
    assert np.abs(resize(image, (tall, wide)) - exact).mean() < 3


@settings(max_examples=30, deadline=None)
@given(st.integers(40, 200), st.integers(40, 200), st.integers(8, 39))
def test_fine_patterns_vanish(height, width, side):
    """A chessboard of single pixels becomes even grey where both axes at least halve, instead of a coarser pattern."""
    board = (np.indices((height, width)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = resize(np.repeat(board[..., None], 3, axis=2), (min(side, height // 2), min(side, width // 2)))
    assert np.abs(small.astype(int) - 127).mean() < 20


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 200), st.integers(20, 200), st.integers(8, 60), st.integers(8, 60))
def test_the_rule_as_it_is_written(height, width, tall, wide):
    """Filter, linear interpolation at n points per pixel and mean, in floating point, axis by axis."""

    def axis(line, new):
        f = len(line) / new
        n = max(1, math.floor(f))
        s = max(1.0, f / n)
        a = round((s * s - 1) / 12 * 256) / 256
        edged = np.concatenate([line[:1], line, line[-1:]])
        smooth = a * edged[:-2] + (1 - 2 * a) * line + a * edged[2:]
        at = np.clip((np.arange(new * n) + 0.5) * f / n - 0.5, 0, len(line) - 1)
        low = np.minimum(at.astype(int), len(line) - 2)
        share = (at - low).reshape(-1, 1, 1)
        return ((1 - share) * smooth[low] + share * smooth[low + 1]).reshape(new, n, *line.shape[1:]).mean(axis=1)

    image = photo(height, width, seed=height + width)
    wanted = axis(axis(image.astype(float), tall).transpose(1, 0, 2), wide).transpose(1, 0, 2)
    assert np.abs(resize(image, (tall, wide)) - wanted).max() <= 3


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("size", [(37, 91), (80, 20), (20, 80), (8, 8), (128, 96), (64, 48)])
def test_near_to_pillow(rule, size):
    """Every rule, shrinking, growing and both at once, is near to Pillow's bilinear filter."""
    image = photo(64, 48)
    wanted = np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR)).astype(int)
    result = resize(image, size, interpolation=rule)
    assert result.shape == (*size, 3)
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    assert result.flags.writeable
    assert np.abs(result - wanted).mean() < (0.6 if rule == "bilinear" else 7)


@pytest.mark.parametrize("rule", RULES)
def test_laws(rule):
    """Even colour stays, the same size is a copy, parts of larger arrays are taken as they look, and turns commute."""
    even = np.full((33, 20, 3), (10, 200, 77), np.uint8)
    for size in ((50, 7), (7, 50), (224, 224)):
        assert (resize(even, size, interpolation=rule) == (10, 200, 77)).all()
    image = photo(40, 30)
    same = resize(image, (40, 30), interpolation=rule)
    assert np.array_equal(same, image)
    assert not np.shares_memory(same, image)
    part = image[3:33, 5:25]
    assert np.array_equal(resize(part, (24, 48), interpolation=rule), resize(part.copy(), (24, 48), interpolation=rule))
    turned = resize(np.ascontiguousarray(image.transpose(1, 0, 2)), (17, 61), interpolation=rule)
    assert np.abs(resize(image, (61, 17), interpolation=rule) - turned.transpose(1, 0, 2).astype(int)).max() <= 2


@pytest.mark.parametrize("shape", [(350, 300), (300, 350), (64, 48), (800, 100), (256, 256)])
@pytest.mark.parametrize("size", [(224, 224), (56, 112)])
def test_centre_as_torchvision_has_it(shape, size):
    """The geometry of "resize the shorter side to size / 0.875, crop the centre", also where the output is not square."""
    tall, wide = size[0] / 0.875, size[1] / 0.875
    factor = max(tall / shape[0], wide / shape[1])
    height, width = int(shape[0] * factor + 1e-9), int(shape[1] * factor + 1e-9)
    image = photo(*shape)
    whole = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
    top, left = round((height - size[0]) / 2), round((width - size[1]) / 2)
    wanted = whole[top : top + size[0], left : left + size[1]].astype(int)
    result = resize_centre(image, size, interpolation="bilinear")
    assert result.flags.c_contiguous
    assert np.array_equal(result, wanted)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)  # fmt: skip
@pytest.mark.parametrize("function", [resize, resize_centre])
def test_not_an_image(image, function):
    """What is not (H, W, 3) uint8 is refused with its shape."""
    with pytest.raises(ShapeError, match=r"\(height, width, 3\) uint8, got \("):
        function(image, (8, 8))
