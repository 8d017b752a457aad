"""What a source of images was found to hold, before any of them is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

from reid.errors import ReidError
from reid.gallery.entries import Box, Entry
from reid.records import Floats
from reid.text import printable

EDGES = ("left", "top", "right", "bottom")
"""Attributes of an embeddings folder's records that tell the box of a crop; empty for a whole image."""


@dataclass(frozen=True, eq=False)
class Listing(Sequence[Entry]):
    """The images of one source, in a fixed order; boxes of one frame stand together.

    Attributes:
        entries: the images, without sha256.
        file: the list or table that names them; None where there is none.
        lines: line of every image in that file.
        vectors: (N, D) float32 where they are there already.
        model: fingerprint of the model that made them.
    """

    entries: Sequence[Entry]
    file: Path | None = None
    lines: Sequence[int] = ()
    vectors: Floats | None = None
    model: str = ""

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, row: int) -> Entry: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[Entry]: ...

    def __getitem__(self, row: int | slice) -> Entry | Sequence[Entry]:
        return self.entries[row]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def place(self, row: int) -> str:
        """Where an image is named, "crops.csv:17", for messages; "" where it is in no file."""
        return f"{printable(self.file)}:{self.lines[row]}" if self.file is not None else ""

    def part(self, number: int, count: int) -> "Listing":
        """One of several nearly equal parts in a row, of which each embeds its own; no frame's boxes are parted.

        Args:
            number: of the part, 1..`count`.
            count: of parts; where there are few images, some are empty.
        """
        begin, end = (self._start(len(self) * edge // count) for edge in (number - 1, number))
        return self._rows(begin, end)

    def pieces(self, size: int) -> "Iterator[Listing]":
        """Parts of about `size` images in a row; no frame's boxes are parted."""
        begin = 0
        while begin < len(self):
            end = self._start(min(begin + size, len(self)))
            if end <= begin:  # more boxes of one frame than that
                end = next((row for row in range(begin + size, len(self)) if self._start(row) == row), len(self))
            yield self._rows(begin, end)
            begin = end

    def _rows(self, begin: int, end: int) -> "Listing":
        return replace(
            self,
            entries=self.entries[begin:end],
            lines=self.lines[begin:end],
            vectors=None if self.vectors is None else self.vectors[begin:end],
        )

    def _start(self, row: int) -> int:
        """The row at which the boxes of its frame begin."""
        while 0 < row < len(self) and self.entries[row].box and self.entries[row].path == self.entries[row - 1].path:
            row -= 1
        return row


def placed(entries: Sequence[Entry], row: int, problem: ReidError) -> ReidError:
    """What is wrong with an image, with the file and line that name it, if any does."""
    place = entries.place(row) if isinstance(entries, Listing) else ""
    return type(problem)(f"{place}: {problem}") if place else problem


@dataclass(frozen=True)
class Columns:
    """What a source says of N images.

    Attributes:
        paths: absolute, or of another machine.
        identities: names, None unknown; empty where nothing is said of any.
        cameras: numbers, likewise.
        times: likewise.
        boxes: likewise.
        lines: in the list or table.
    """

    paths: Sequence[str]
    identities: Sequence[str | None] = ()
    cameras: Sequence[int | None] = ()
    times: Sequence[float | None] = ()
    boxes: Sequence[Box | None] = ()
    lines: Sequence[int] = ()
