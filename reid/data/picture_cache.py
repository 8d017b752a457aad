"""Training pictures kept in memory at the size of the network, before chance comes in.

Where every picture is first resized as a whole, the rest of what training does to it starts from the same pixels in
every epoch, and resizing them to the size that they have changes nothing: a run comes out the same with and without.
"""

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reid.data.resizing import Pixels, Size, resize


@dataclass(frozen=True, eq=False)
class PictureCache:
    """Memory for the first M pictures of a list, shared with all processes that are forked later.

    Attributes:
        pictures: (M, height, width, 3) uint8.
        there: (M,) uint8, 1 where the picture has been put.
        interpolation: rule of `resize`.
    """

    pictures: Pixels
    there: NDArray[np.uint8]
    interpolation: str

    @classmethod
    def make(cls, count: int, size: Size, limit: int, *, interpolation: str = "area") -> Self:
        """An empty one.

        Args:
            count: length of the list.
            size: (height, width) of the pictures.
            limit: bytes that it may grow to; the pictures that do not fit are read every time.
            interpolation: how images become pictures, see `resize`.
        """
        each = size[0] * size[1] * 3
        held = min(count, limit // (each + 1))
        memory = np.frombuffer(mmap.mmap(-1, max(1, held * (each + 1))), dtype=np.uint8)
        return cls(
            memory[: held * each].reshape(held, *size, 3), memory[held * each : held * (each + 1)], interpolation
        )

    def fetch(self, row: int, read: Callable[[], Pixels]) -> Pixels:
        """(height, width, 3) uint8 picture `row`, which is not to be written to; or the image of any size, where it has no room.

        Args:
            row: place in the list.
            read: reads the image where its picture is not there yet.
        """
        if row >= len(self.there):
            return read()
        if not self.there[row]:
            self.pictures[row] = resize(read(), self.pictures.shape[1:3], interpolation=self.interpolation)
            self.there[row] = 1  # last: whoever sees it finds the picture whole
        picture: Pixels = self.pictures[row]
        return picture

    def part(self, rows: slice) -> Self:
        """That of a stretch of the list, in the same memory."""
        return type(self)(self.pictures[rows], self.there[rows], self.interpolation)
