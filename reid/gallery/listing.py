"""What a source of images was found to hold, before any of them is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from reid.gallery.entries import Box, Entry
from reid.records import Floats
from reid.text import printable


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
