"""What may be embedded -> upright RGB pixels: files, arrays, Pillow images, tensors, and frames with boxes."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reid.data.boxes import Box, cut
from reid.data.images import MAX_MEGAPIXELS, read_image
from reid.data.pixels import pillow_pixels
from reid.embed.reading import Pixels
from reid.errors import DataError, ShapeError


def pixels(image: object, name: str, *, max_megapixels: float = MAX_MEGAPIXELS) -> Pixels:
    """A picture of any kind as (H, W, 3) uint8 RGB.

    Args:
        image: a path; a uint8 array (H, W, 3); a uint8 tensor (H, W, 3) or (3, H, W), on any device; a Pillow image of
            any mode, which is turned upright and laid on white as its file would be.
        name: what messages call it, such as "image 3".
        max_megapixels: larger files and Pillow images are refused.

    Raises:
        MissingInputError: there is no such file.
        DataError: it is no readable image.
        ShapeError: it is of another type, depth or shape.
    """
    if isinstance(image, (str, os.PathLike)):
        return read_image(Path(image), max_megapixels=max_megapixels)
    if isinstance(image, torch.Tensor):
        return _of_tensor(image, name)
    if not isinstance(image, np.ndarray):
        return _of_pillow(image, name, max_megapixels)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ShapeError(
            f"{name} is {image.dtype} of shape {image.shape}; wanted uint8 of shape (H, W, 3), RGB{_hint(image.dtype)}"
        )
    return image


def crops(frame: Pixels, boxes: Iterable[Box], name: str) -> list[Pixels]:
    """The parts of a frame that boxes mean, as views of it.

    Args:
        frame: (H, W, 3) uint8.
        boxes: what reaches over the edge of the frame is left out.
        name: what messages call the frame.

    Raises:
        DataError: a box lies outside the frame, or makes no image; frame and place of the box are named.
    """
    made = []
    for place, box in enumerate(boxes):
        try:
            made.append(cut(frame, box)[0])
        except DataError as error:
            raise DataError(f"{name}, box {place}: {error}") from error
    return made


def to_boxes(found: object, name: str = "boxes") -> list[Box]:
    """Boxes of any kind, rounded to whole pixels.

    Args:
        found: (N, 4) numbers left, top, right, bottom; further columns, such as scores, are passed over. Or anything
            that has such numbers as its `xyxy`, or has `boxes` that do: detections of supervision, results of
            ultralytics. Or a `geometry` whose `values` they are: detections of BoxMOT.
        name: what messages call them.

    Raises:
        ShapeError: they are of another shape, turned, NaN or infinite.
    """
    numbers = _numbers_of(found)
    if getattr(found, "is_obb", False) or numbers is None:
        what = "turned boxes" if numbers is not None else f"a {type(found).__name__} without boxes"
        raise ShapeError(f"{name} are {what}; wanted left, top, right, bottom of upright ones")
    if isinstance(numbers, torch.Tensor):
        numbers = numbers.detach().cpu().numpy()
    try:
        edges = np.asarray(numbers, dtype=np.float64)
    except (TypeError, ValueError):
        raise ShapeError(
            f"{name} are a {type(found).__name__}; wanted numbers (N, 4), or what has them as xyxy"
        ) from None
    if not edges.size:
        return []
    if edges.ndim != 2 or edges.shape[1] < 4:
        raise ShapeError(f"{name} have shape {edges.shape}; wanted (N, 4): left, top, right, bottom")
    edges = edges[:, :4]
    if not np.isfinite(edges).all():
        row = int(np.flatnonzero(~np.isfinite(edges).all(axis=1))[0])
        raise ShapeError(f"{name}: box {row} is {edges[row].tolist()}; wanted finite numbers")
    return [(row[0], row[1], row[2], row[3]) for row in np.rint(edges).astype(np.int64).tolist()]


def _numbers_of(found: object) -> Any:
    """The numbers of boxes, or None where what detectors return has a place for them, and none in it."""
    if hasattr(found, "xyxy"):
        return found.xyxy
    if hasattr(found, "boxes"):
        return getattr(found.boxes, "xyxy", None)
    return found.geometry.values if hasattr(found, "geometry") else found


def _of_tensor(image: torch.Tensor, name: str) -> Pixels:
    if image.dtype == torch.uint8 and image.ndim == 3 and image.numel():
        made: Pixels = image.detach().cpu().numpy()
        if made.shape[2] == 3:
            return made
        if made.shape[0] == 3:
            return np.ascontiguousarray(made.transpose(1, 2, 0))
    what = f"{str(image.dtype).removeprefix('torch.')} of shape {tuple(image.shape)}"
    raise ShapeError(
        f"{name} is a tensor, {what}; wanted uint8 of shape (H, W, 3) or (3, H, W), RGB{_hint(image.dtype)}"
    )


def _of_pillow(image: object, name: str, max_megapixels: float) -> Pixels:
    import PIL.Image

    if not isinstance(image, PIL.Image.Image):
        raise ShapeError(
            f"{name} is a {type(image).__name__}; wanted a path, a numpy array, a tensor or a Pillow image"
        )
    try:
        return pillow_pixels(image, max_megapixels=max_megapixels)
    except DataError as error:
        raise DataError(f"cannot use {name}: {error}") from error


def _hint(dtype: object) -> str:
    """What to do with numbers that are no bytes."""
    if "float" not in str(dtype):
        return ""
    return "; numbers from 0 to 1 become bytes by (255 * x).round() as uint8, and normalising is the model's own part"
