"""Decoded image -> uint8 picture of the network's size, for training (with chance) and for tests (without).

Pixels stay uint8; they are normalised on the device. `resize` is the one way in which the size of a picture changes,
and the name of its rule is stored with a model.

Training draws all its random numbers first, always equally many, and then calls albumentations' operations with them:
the result is a pure function of image and generator, changing one augmentation leaves the draws of the others alone,
and seeding a pipeline of albumentations for every image, which would take as long as decoding it, is spared.
"""

import functools
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.data import random_boxes
from reid.data.random_boxes import central_box, random_box
from reid.data.resizing import RULES, Pixels, Size, check_image, resize, resize_centre, resize_cover
from reid.errors import ConfigError
from reid.text import did_you_mean, listed

__all__ = ["Augmentation", "TestTransform", "TrainTransform", "albumentations_operations", "resize"]

MEAN_COLOUR = (124, 116, 104)  # of ImageNet, as the networks' normalisation has it
RANDOM_RESIZED, PADDED, WHOLE = CROPS = ("random-resized", "pad", "none")
_PAD = 1 / 25  # 10 pixels at 256 x 128, as usual for persons
_ERASED_AREA, _ERASED_RATIO = (0.02, 0.33), (0.3, 3.3)
_FACTOR, _HUE = 0.4, 0.1  # largest change at colour strength 1, as MoCo has it (He et al., CVPR 2020)
_GREY = np.tile([0.299, 0.587, 0.114], (3, 1))
_CROSS = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])


@dataclass(frozen=True)
class Augmentation:
    """What training leaves to chance.

    Attributes:
        crop: "random-resized" (a random part, resized), "pad" (the whole, shifted by up to a twenty-fifth of its
            longer side, mean colour coming in) or "none" (the whole).
        flip: chance of mirroring, 0..1.
        erase: chance of random erasing with the mean colour (Zhong et al., AAAI 2020), 0..1.
        colour: strength of the changes of brightness, contrast, saturation and hue, 0 (off) .. 1 (factors up to
            1 +- 0.4, hue up to +- a tenth of the circle).
        scale: smallest and largest share of the area that a random resized crop keeps; the default is the classical
            one, which tight crops of persons may find harsh.
        ratio: smallest and largest width / height of a random resized crop, relative to that of the output, so that
            (3/4, 4/3) distorts pictures of 256 x 128 no more than square ones.

    Raises:
        ConfigError: an unknown crop, or a number out of its range.
    """

    crop: str = "random-resized"
    flip: float = 0.5
    erase: float = 0.0
    colour: float = 0.0
    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def __post_init__(self) -> None:
        _check_choice("crop", self.crop, CROPS)
        for name, value in (("flip", self.flip), ("erase", self.erase), ("colour", self.colour)):
            if not 0 <= value <= 1:
                raise ConfigError(f"{name} must be from 0 to 1, got {value!r}")
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ConfigError(f"scale must be two shares of the area, 0 < smallest <= largest <= 1, got {self.scale!r}")
        if not 0 < self.ratio[0] <= self.ratio[1] < math.inf:
            raise ConfigError(f"ratio must be two numbers, 0 < smallest <= largest, got {self.ratio!r}")


@dataclass(frozen=True)
class TrainTransform:
    """Random pictures for training.

    Attributes:
        size: (height, width) of the output.
        augmentation: what is left to chance.
        mean: colour (red, green, blue) of what is erased or comes in from outside.
        interpolation: rule of `resize`.

    Raises:
        ConfigError: a size below 1, or an unknown rule.
    """

    size: Size
    augmentation: Augmentation
    mean: tuple[int, int, int] = field(default=MEAN_COLOUR, kw_only=True)
    interpolation: str = field(default="area", kw_only=True)

    def __post_init__(self) -> None:
        _check_size(self.size)
        _check_choice("interpolation", self.interpolation, RULES)

    def __call__(self, image: Pixels, random: np.random.Generator) -> Pixels:
        """(H, W, 3) uint8 -> (height, width, 3) uint8, determined by `image` and the next numbers of `random`.

        Raises:
            ShapeError: `image` is not (H, W, 3) uint8.
        """
        check_image(image)
        chance, draws = self.augmentation, _Draws.of(random)
        part = _random_part(image, self, draws.crop) if chance.crop == RANDOM_RESIZED else image
        picture = resize(part, self.size, interpolation=self.interpolation)
        if chance.colour > 0:
            picture = albumentations_operations().recolour(picture, _recolouring(picture, chance.colour, draws.colour))
        if chance.crop == PADDED:
            picture = _shifted(picture, self.mean, draws.crop)
        if draws.flip < chance.flip:
            picture = albumentations_operations().flip(picture)
        if draws.erase < chance.erase:
            _erase(picture, self.mean, draws.erased)
        return picture


@dataclass(frozen=True)
class TestTransform:
    """The one picture of an image for tests, queries and galleries.

    Attributes:
        size: (height, width) of the output.
        crop: "resize" changes the whole image to that size; "centre" resizes it, keeping its proportions, to cover
            the size divided by 0.875, and keeps the centre (for 224: shorter side 256, centre crop 224); "cover" does so
            with the size itself.
        interpolation: rule of `resize`.

    Raises:
        ConfigError: a size below 1, or an unknown crop or rule.
    """

    __test__: ClassVar[bool] = False  # not a test class of pytest's

    size: Size
    crop: str = field(default="resize", kw_only=True)
    interpolation: str = field(default="area", kw_only=True)

    def __post_init__(self) -> None:
        _check_size(self.size)
        _check_choice("crop", self.crop, _TEST_CROPS)
        _check_choice("interpolation", self.interpolation, RULES)

    def __call__(self, image: Pixels) -> Pixels:
        """(H, W, 3) uint8 -> (height, width, 3) uint8.

        Raises:
            ShapeError: `image` is not (H, W, 3) uint8.
        """
        return _TEST_CROPS[self.crop](image, self.size, interpolation=self.interpolation)


@functools.cache
def albumentations_operations() -> "Operations":
    """The operations of albumentations that are used here.

    The first call imports albumentations, which takes a second, and four where torch was not imported before. Call it
    before worker processes are forked, so that they have it already.
    """
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it asks the network for a newer version of itself otherwise
    from albumentations.augmentations.geometric import functional as geometric
    from albumentations.augmentations.pixel import functional as pixel

    return Operations(
        flip=geometric.hflip,
        pad=geometric.pad_with_params,
        recolour=pixel.linear_transformation_rgb,
    )


class Operations(NamedTuple):
    """Functions of albumentations, by what they do: image and numbers in, new image out."""

    flip: Callable[..., Pixels]
    pad: Callable[..., Pixels]
    recolour: Callable[..., Pixels]


class _Draws(NamedTuple):
    crop: list[float]
    flip: float
    colour: list[float]
    erase: float
    erased: list[float]

    @classmethod
    def of(cls, random: np.random.Generator) -> "_Draws":
        n = random_boxes.DRAWS
        numbers = random.random(2 * n + 6).tolist()
        return cls(numbers[:n], numbers[n], numbers[n + 1 : n + 5], numbers[n + 5], numbers[n + 6 :])


def _random_part(image: Pixels, transform: TrainTransform, draws: Sequence[float]) -> Pixels:
    height, width = image.shape[:2]
    chance, shape = transform.augmentation, transform.size[1] / transform.size[0]
    ratios = chance.ratio[0] * shape, chance.ratio[1] * shape
    box = random_box(height, width, chance.scale, ratios, draws) or central_box(height, width, ratios)
    return image[box.top : box.bottom, box.left : box.right]


def _shifted(picture: Pixels, colour: tuple[int, int, int], draws: Sequence[float]) -> Pixels:
    height, width = picture.shape[:2]
    pad = max(1, round(max(height, width) * _PAD))
    down, right = (int(draw * (2 * pad + 1)) - pad for draw in draws[:2])
    part = picture[max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
    edges = max(down, 0), max(-down, 0), max(right, 0), max(-right, 0)  # top, bottom, left, right
    return albumentations_operations().pad(part, *edges, border_mode=cv2.BORDER_CONSTANT, value=colour)


def _recolouring(picture: Pixels, strength: float, draws: Sequence[float]) -> NDArray[np.float64]:
    """Brightness, contrast about the mean grey, saturation about each pixel's grey, and a turn of the hue about the
    grey axis: all linear in (red, green, blue), so that one (3, 4) matrix does them in one pass without clipping between.
    """
    factors = [1 + _FACTOR * strength * (2 * draw - 1) for draw in draws[:3]]
    brightness, contrast, saturation = factors
    angle = 2 * math.pi * _HUE * strength * (2 * draws[3] - 1)
    along, aside = (1 - math.cos(angle)) / 3, math.sin(angle) / math.sqrt(3)
    turn = math.cos(angle) * np.eye(3) + along + aside * _CROSS
    colours = brightness * contrast * turn @ (saturation * np.eye(3) + (1 - saturation) * _GREY)
    offset = brightness * (1 - contrast) * _GREY[0] @ cv2.mean(picture)[:3]
    return np.column_stack([colours, np.full(3, offset)])


def _erase(picture: Pixels, colour: tuple[int, int, int], draws: Sequence[float]) -> None:
    box = random_box(picture.shape[0], picture.shape[1], _ERASED_AREA, _ERASED_RATIO, draws)
    if box is not None:  # OpenCV fills in place; albumentations' cutout takes ten times as long
        cv2.rectangle(picture, (box.left, box.top), (box.right - 1, box.bottom - 1), colour, cv2.FILLED)


_TEST_CROPS: Mapping[str, Callable[..., Pixels]] = {
    "resize": resize,
    "centre": resize_centre,
    "cover": resize_cover,
}


def _check_choice(what: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        hint = did_you_mean(name, known) or "."
        raise ConfigError(f"unknown {what} {name!r}{hint} Known: {listed(known)}")


def _check_size(size: Size) -> None:
    if len(size) != 2 or min(size) < 1:
        raise ConfigError(f"size must be (height, width) in pixels, got {size!r}")
