"""Every kind of picture as the same pixels; everything else is refused with its name."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pictures import oriented, photo
from PIL import Image

from reid.data.images import read_image
from reid.embed.inputs import crops, pixels, to_boxes
from reid.errors import DataError, ShapeError


def test_kinds_of_one_picture(tmp_path):
    """A file, its array, tensors both ways round and on either stride, and a Pillow image: the same pixels."""
    wanted = photo(40, 60)
    Image.fromarray(wanted).save(tmp_path / "photo.png")
    tensor = torch.from_numpy(wanted.copy())
    kinds = [
        tmp_path / "photo.png",
        str(tmp_path / "photo.png"),
        wanted,
        np.asfortranarray(wanted),
        tensor,
        tensor.permute(2, 0, 1),
        tensor.permute(2, 0, 1).contiguous(),
        Image.fromarray(wanted),
        Image.open(tmp_path / "photo.png"),
    ]
    for kind in kinds:
        assert np.array_equal(pixels(kind, "image 0"), wanted)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16", "1"])
def test_modes_of_pillow_images_become_what_their_files_do(tmp_path, mode):
    """Grey, palettes, transparency, ink and 16 bits: as if the image had been saved without loss and read."""
    rgba = np.dstack([photo(40, 60), np.linspace(0, 255, 2400).reshape(40, 60).astype(np.uint8)])
    image = Image.fromarray(rgba)
    if mode == "I;16":
        image = Image.fromarray((photo(40, 60)[..., 0].astype(np.uint16) << 8) + 99)
    elif mode != "RGBA":
        image = image.convert("RGB" if mode in {"CMYK", "P", "1"} else "RGBA").convert(mode)
    file = tmp_path / ("image.tif" if mode == "CMYK" else "image.png")
    image.save(file)

    assert np.array_equal(pixels(image, "image 0"), read_image(file))


def test_pillow_images_are_turned_upright(tmp_path):
    """The camera's note about which way is up counts, as it does in the file."""
    (tmp_path / "turned.jpg").write_bytes(oriented(photo(40, 60), "JPEG", 6))
    with Image.open(tmp_path / "turned.jpg") as image:
        assert np.abs(pixels(image, "image 0").astype(int) - read_image(tmp_path / "turned.jpg")).max() <= 1


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8), np.uint8), r"image 7 is uint8 of shape \(8, 8\); wanted uint8 of shape \(H, W, 3\), RGB$"),
        (np.zeros((8, 8, 3)), r"image 7 is float64 .* numbers from 0 to 1 become bytes by \(255 \* x\)"),
        (torch.zeros(3, 8, 8), r"image 7 is a tensor, float32 of shape \(3, 8, 8\); wanted uint8 .* become bytes by"),
        (torch.zeros(8, 8, dtype=torch.uint8), r"a tensor, uint8 of shape \(8, 8\); wanted uint8 of shape .* RGB$"),
        (torch.zeros(4, 8, 8, dtype=torch.uint8), r"a tensor, uint8 of shape \(4, 8, 8\)"),
        (torch.zeros(0, 8, 3, dtype=torch.uint8), r"a tensor, uint8 of shape \(0, 8, 3\)"),
        ([1], "image 7 is a list; wanted a path, a numpy array, a tensor or a Pillow image"),
    ],
)
def test_what_is_no_picture(image, message):
    """Type, depth and shape are told, and what to do with fractions."""
    with pytest.raises(ShapeError, match=message):
        pixels(image, "image 7")


def test_pillow_images_that_cannot_be_used(tmp_path):
    """Too large, too small, or damaged where nobody had looked yet."""
    with pytest.raises(
        DataError, match=r"cannot use image 7: it has 2000 x 1000 pixels, more than the limit of 1 mega"
    ):
        pixels(Image.new("L", (2000, 1000)), "image 7", max_megapixels=1)
    with pytest.raises(DataError, match="cannot use image 7: it has 4 x 40 pixels; at least 8"):
        pixels(Image.new("L", (4, 40)), "image 7")
    Image.fromarray(photo(40, 60)).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:900])
    with (
        Image.open(tmp_path / "cut.png") as image,
        pytest.raises(DataError, match="cannot use image 7: it is a damaged or truncated picture"),
    ):
        pixels(image, "image 7")


def test_kinds_of_boxes():
    """Lists, arrays with scores behind, tensors, and what detectors and trackers return; none is an empty list."""
    wanted = [(1, 2, 30, 40), (5, 6, 70, 80)]
    numbers = np.array([[1.4, 2.0, 29.6, 40.0, 0.9], [5, 6, 70, 80, 0.8]])
    assert to_boxes(wanted) == to_boxes(np.array(wanted)) == wanted
    assert to_boxes(numbers) == to_boxes(torch.from_numpy(numbers)) == wanted
    assert to_boxes(SimpleNamespace(xyxy=numbers[:, :4])) == wanted
    assert to_boxes(SimpleNamespace(boxes=SimpleNamespace(xyxy=torch.from_numpy(numbers)))) == wanted
    for nothing in ([], np.zeros((0, 4)), SimpleNamespace(xyxy=torch.zeros(0, 4))):
        assert to_boxes(nothing) == []


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([1, 2, 3, 4], r"boxes have shape \(4,\); wanted \(N, 4\): left, top, right, bottom"),
        ([[1, 2, 3]], r"boxes have shape \(1, 3\)"),
        ([[0, 0, 9, 9], [0, 0, np.nan, 9]], r"boxes: box 1 is \[0.0, 0.0, nan, 9.0\]; wanted finite numbers"),
        ("four", "boxes are a str; wanted numbers"),
        ([[0, 0, 9, 9], [1]], "boxes are a list; wanted numbers"),
    ],
)
def test_what_are_no_boxes(found, message):
    """Shape, or the first box that is none."""
    with pytest.raises(ShapeError, match=message):
        to_boxes(found)


def test_crops_are_named_by_frame_and_box():
    """What reaches over the edge is left out; what lies outside is told."""
    frame = photo(40, 60)
    assert np.array_equal(crops(frame, [(-5, -5, 10, 12)], "frame 3")[0], frame[:12, :10])
    with pytest.raises(DataError, match=r"frame 3, box 1: box \(60, 0, 70, 9\) lies outside the frame"):
        crops(frame, [(0, 0, 9, 9), (60, 0, 70, 9)], "frame 3")
