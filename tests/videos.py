"""Videos for tests, written with what OpenCV has everywhere."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

RATE = 10.0


def frames(count: int, *, height: int = 48, width: int = 64) -> list[NDArray[np.uint8]]:
    """RGB pictures that differ: a bright square that moves over a slope of grey, its colour telling its number."""
    slope = np.linspace(20, 120, width, dtype=np.uint8)[None, :, None].repeat(height, 0).repeat(3, 2)
    made = []
    for number in range(count):
        picture = slope.copy()
        left = 4 + 3 * number % (width - 24)
        picture[10:34, left : left + 20] = (250, 40 + 8 * number, 250 - 8 * number)
        made.append(picture)
    return made


def write(path: Path, pictures: list[NDArray[np.uint8]]) -> Path:
    """A video of Motion JPEG, 10 frames a second."""
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (width, height))
    for picture in pictures:
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    writer.release()
    return path
