"""Cameras: where each one stands and what it does to every picture, so that the same object never looks the same."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from reid.data.synthetic.mesh import Floats, Image
from reid.rng import generator

# Degrees from the object's front; neighbours in the list differ, so that few cameras already see different sides.
_AZIMUTHS = (32.0, 148.0, -38.0, 8.0, -145.0, 88.0, 178.0, -92.0)
_PLACES = {  # degrees above the ground, metres away, pixels of the longer side of a crop, factor on colour casts
    "vehicle": ((9, 27), (11, 20), (92, 128), 1.0),
    "person": ((4, 20), (6, 12), (108, 140), 1.5),
}
_NOISE_TILE = 256
_LARGEST_CROP = 176


@dataclass(frozen=True, eq=False)
class Camera:
    """One camera; angles in radians.

    Attributes:
        number: 1, 2, ...
        azimuth: from the front of the objects it sees, towards their left.
        elevation: above the ground.
        distance: in metres.
        size: longer side of its crops, in pixels.
        sun: azimuth of the light from the line of sight.
        ambient: share of light from everywhere, 1 under clouds.
        matrix: (3, 4) colour response: exposure, white balance, saturation, and in the last column haze.
        blur: standard deviation of its defocus in pixels.
        noise: (256, 256, 3) int16 noise, of which every picture gets another part.
        quality: JPEG quality.
    """

    number: int
    azimuth: float
    elevation: float
    distance: float
    size: int
    sun: float
    ambient: float
    matrix: Floats
    blur: float
    noise: np.ndarray[tuple[int, int, int], np.dtype[np.int16]]
    quality: int


def draw_camera(seed: int, kind: str, number: int) -> Camera:
    """Camera `number` (from 1) of the site that `seed` stands for."""
    random = generator(seed, f"{kind} camera", number)
    base = _AZIMUTHS[(number - 1) % len(_AZIMUTHS)]
    elevation, distance, size, cast = _PLACES[kind]
    spread = cast * (0.6 + 0.8 * random.random())
    return Camera(
        number=number,
        azimuth=math.radians(base + random.uniform(-9, 9)),
        elevation=math.radians(random.uniform(*elevation)),
        distance=float(random.uniform(*distance)),
        size=int(random.integers(size[0], size[1] + 1)),
        sun=float(random.uniform(-1.2, 1.2)),
        ambient=float(random.uniform(0.55, 0.85)),
        matrix=_response(random, spread),
        blur=float(max(0.0, random.uniform(-0.3, 0.9))),
        noise=np.round(random.normal(0, random.uniform(2, 7.5), (_NOISE_TILE, _NOISE_TILE, 3))).astype(np.int16),
        quality=int(random.integers(62, 93)),
    )


def _response(random: np.random.Generator, spread: float) -> Floats:
    exposure = math.exp(min(0.10 + random.normal(0, 0.14) * spread, 0.22))
    balance = np.exp(random.normal(0, 0.065, 3) * spread)
    saturation = random.uniform(0.65, 1.15)
    luma = np.array([0.30, 0.59, 0.11])
    mix = saturation * np.eye(3) + (1 - saturation) * luma
    haze = random.uniform(0, 26) * spread
    return np.concatenate([exposure * (1 - haze / 255) * balance[:, None] * mix, np.full((3, 1), haze)], axis=1)


def crop_size(camera: Camera, aspect: float, random: np.random.Generator) -> tuple[int, int]:
    """Width and height of a crop whose width is `aspect` times its height."""
    longer = min(camera.size * random.uniform(0.82, 1.18), _LARGEST_CROP)
    width, height = (longer, longer / aspect) if aspect > 1 else (longer * aspect, longer)
    return max(round(width), 8), max(round(height), 8)


def develop(canvas: Image, camera: Camera, random: np.random.Generator) -> Image:
    """What the camera makes of a scene.

    Args:
        canvas: (2H, 2W, 3) uint8 RGB, drawn at twice the size.
        camera: its lens and sensor.
        random: of this picture.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    height, width = canvas.shape[0] // 2, canvas.shape[1] // 2
    picture = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    motion = int(random.integers(2, 5)) if random.random() < 0.15 else 1
    if motion > 1:
        picture = cv2.blur(picture, (motion, 1))
    blur = camera.blur * random.uniform(0.6, 1.3)
    if blur > 0.25:
        picture = cv2.GaussianBlur(picture, (5, 5), blur)
    picture = cv2.transform(picture, camera.matrix * math.exp(random.normal(0, 0.08)))  # clouds come and go
    top, left = random.integers(0, _NOISE_TILE - np.array([height, width]))
    return np.asarray(cv2.add(picture, camera.noise[top : top + height, left : left + width], dtype=cv2.CV_8U))
