"""Parts of frames and thumbnails, against Pillow's reading of them."""

import io

import numpy as np
import pytest
from pictures import oriented, photo
from PIL import Image

from reid.data.images import read_image
from reid.errors import DataError, MissingInputError
from reid.gallery.entries import Entry
from reid.gallery.pictures import read_picture, thumbnail


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


def test_pictures_of_entries(tmp_path):
    """The whole file or a part of it as it is seen, upright; what cannot be had is named."""
    (tmp_path / "f.jpg").write_bytes(oriented(photo(60, 40), "JPEG", 6))
    path = str(tmp_path / "f.jpg")
    upright = read_image(tmp_path / "f.jpg")

    assert upright.shape == (40, 60, 3)
    assert np.array_equal(read_picture(Entry(path)), upright)
    assert np.array_equal(read_picture(Entry(path, box=(20, 10, 70, 30))), upright[10:30, 20:60])
    with pytest.raises(DataError, match=r"f\.jpg: box \(60, 0, 70, 10\) lies outside the frame, which has 60 x 40"):
        read_picture(Entry(path, box=(60, 0, 70, 10)))
    with pytest.raises(MissingInputError, match=r"none\.jpg"):
        read_picture(Entry(str(tmp_path / "none.jpg")))
