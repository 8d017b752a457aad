"""What worker processes found out about crops, as one block of bytes: the form in which it crosses to another process.

A block is the length of its header (8 bytes), the header (JSON), all thumbnails, and all pictures.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

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
    rows = [
        [
            crop.sha256,
            crop.box,
            crop.clipped,
            -1 if crop.thumbnail is None else len(crop.thumbnail),
            crop.pictured,
            None if crop.problem is None else [type(crop.problem).__name__, str(crop.problem)],
        ]
        for crop in crops
    ]
    shape = [len(pictures), *pictures[0].shape] if pictures else [0, 0, 0, 3]
    header = json.dumps([shape, rows]).encode("ascii")
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
    place = _LENGTH + int.from_bytes(block[:_LENGTH].tobytes(), "little")
    shape, rows = json.loads(block[_LENGTH:place].tobytes())
    crops = []
    for sha256, box, clipped, size, pictured, problem in rows:
        small = None if size < 0 else block[place : place + size].tobytes()
        place += max(0, size)
        crops.append(Crop(sha256, _box(box), clipped, small, pictured, _problem(problem)))
    return crops, block[place:].reshape(shape)


def _box(edges: list[int] | None) -> Box | None:
    return None if edges is None else (edges[0], edges[1], edges[2], edges[3])


def _problem(told: list[str] | None) -> ReidError | None:
    if told is None:
        return None
    kind: type[ReidError] = getattr(errors, told[0])
    return kind(told[1])
