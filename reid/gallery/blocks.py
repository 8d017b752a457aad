"""What worker processes found out about crops, as one block of bytes: the form in which it crosses to another process.

A block is the length of its header (8 bytes), the header (JSON), all thumbnails, and all pictures.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reid import errors
from reid.errors import ReidError
from reid.gallery.entries import Box

Pixels = NDArray[np.uint8]

_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Crop:
    """What was found out about one entry.

    Attributes:
        sha256: hexadecimal, of the file's bytes and the box; "" where it could not be read.
        box: the part of the frame that was used; None is all of it.
        clipped: whether the box reached over the edge of the frame.
        thumbnail: a small JPEG, if one was made.
        pictured: whether the block has a picture for the network.
        problem: why the entry cannot be used.
    """

    sha256: str
    box: Box | None = None
    clipped: bool = False
    thumbnail: bytes | None = None
    pictured: bool = False
    problem: ReidError | None = None


def pack(crops: Sequence[Crop], pictures: Sequence[Pixels]) -> Pixels:
    """A block, (B,) uint8.

    Args:
        crops: of each entry, in order.
        pictures: (height, width, 3) uint8 all of one size, of those crops that are pictured, in order.
    """
    thumbnails = [crop.thumbnail for crop in crops]
    columns = [
        [crop.sha256 for crop in crops],
        [crop.box for crop in crops],
        [crop.clipped for crop in crops],
        [-1 if crop.thumbnail is None else len(crop.thumbnail) for crop in crops],
        [crop.pictured for crop in crops],
    ]
    problems = [
        [place, type(crop.problem).__name__, str(crop.problem)]
        for place, crop in enumerate(crops)
        if crop.problem is not None
    ]
    shape = [len(pictures), *pictures[0].shape] if pictures else [0, 0, 0, 3]
    header = json.dumps([shape, problems, columns]).encode("ascii")
    front = b"".join([len(header).to_bytes(_LENGTH, "little"), header, *(one for one in thumbnails if one)])
    block = np.empty(len(front) + math.prod(shape), dtype=np.uint8)
    block[: len(front)] = np.frombuffer(front, dtype=np.uint8)
    place = len(front)
    for picture in pictures:
        block[place : place + picture.size] = picture.reshape(-1)
        place += picture.size
    return block


def unpack(block: Pixels) -> tuple[list[Crop], Pixels]:
    """The crops in a block, and its pictures, (P, height, width, 3) uint8, as a view of it."""
    front = _read(block)
    place, crops = front.end, []
    for number, (sha256, box, clipped, size, pictured) in enumerate(zip(*front.columns, strict=True)):
        small = None if size < 0 else block[place : place + size].tobytes()
        place += max(0, size)
        crops.append(Crop(sha256, _box(box), clipped, small, pictured, front.problems.get(number)))
    return crops, block[place:].reshape(front.shape)


def glance(block: Pixels) -> tuple[dict[int, ReidError], dict[int, Box], Pixels]:
    """The same for those who want pictures alone, at a tenth of the time.

    Returns:
        Why entries cannot be used, and the boxes of those that were clipped, by place in the block; and the pictures.
    """
    front = _read(block)
    _, boxes, clipped, sizes, _ = front.columns
    cut = {place: _edges(boxes[place]) for place, whether in enumerate(clipped) if whether} if any(clipped) else {}
    begin = front.end + sum(size for size in sizes if size > 0)
    return front.problems, cut, block[begin:].reshape(front.shape)


class _Front(NamedTuple):
    """What a block says before its thumbnails and pictures.

    Attributes:
        shape: of the pictures.
        problems: why entries cannot be used, by place.
        columns: sha256, boxes, whether clipped, sizes of thumbnails (-1 none), whether pictured.
        end: where it ends in the block.
    """

    shape: list[int]
    problems: dict[int, ReidError]
    columns: list[list[Any]]
    end: int


def _read(block: Pixels) -> _Front:
    end = _LENGTH + int.from_bytes(block[:_LENGTH].tobytes(), "little")
    shape, problems, columns = json.loads(block[_LENGTH:end].tobytes())
    return _Front(shape, {place: _problem(kind, text) for place, kind, text in problems}, columns, end)


def _box(edges: list[int] | None) -> Box | None:
    return None if edges is None else _edges(edges)


def _edges(edges: list[int]) -> Box:
    return edges[0], edges[1], edges[2], edges[3]


def _problem(name: str, text: str) -> ReidError:
    kind: type[ReidError] = getattr(errors, name)
    return kind(text)
