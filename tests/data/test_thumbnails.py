"""Thumbnails, against Pillow's reading of them."""

import io

import numpy as np
import pytest
from pictures import photo
from PIL import Image

from reid.data.thumbnails import thumbnail


def opened(content):
    """A JPEG, read by Pillow."""
    image = Image.open(io.BytesIO(content))
    assert image.format == "JPEG"
    return image


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [
        (173, 106, (78, 128)),
        (1080, 1920, (128, 72)),
        (128, 128, (128, 128)),
        (20, 30, (30, 20)),
        (129, 8, (8, 128)),
        (8, 800, (128, 1)),
        (900, 9, (1, 128)),
    ],
)
def test_thumbnail_sizes(height, width, size):
    """The longer side has 128 pixels, or fewer where the picture has, and no side has none."""
    assert opened(thumbnail(photo(height, width))).size == size


@pytest.mark.parametrize(("height", "width"), [(173, 106), (64, 64), (540, 960), (1000, 333), (257, 255)])
def test_thumbnails_look_like_their_pictures(height, width):
    """Near Pillow's own small picture, and of the right colours in the right places."""
    picture = np.array(Image.fromarray(photo(24, 24)).resize((width, height), Image.Resampling.BICUBIC))
    small = opened(thumbnail(picture))
    wanted = np.array(Image.fromarray(picture).resize(small.size, Image.Resampling.BOX), float)

    assert np.abs(np.array(small, float) - wanted).mean() < 8
    assert np.abs(np.array(small, float)[..., ::-1] - wanted).mean() > 20


def test_thumbnails_stay_small():
    """At most 6 KB also of pure noise where quality 20 can do it; a larger side may have more, and has."""
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    plain = photo(173, 106)

    assert len(thumbnail(noise)) <= 6 * 1024 + 512
    assert len(thumbnail(plain)) <= 6 * 1024
    assert 6 * 1024 < len(thumbnail(np.tile(noise, (2, 2, 1)), 256)) <= 4 * 6 * 1024 + 2048
