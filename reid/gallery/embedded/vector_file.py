"""The file of vectors: rows by slot behind a header, each with a checksum; it only grows."""

import functools
import json
import mmap
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid import files
from reid.distances.compiled import compiled
from reid.distances.threads import share_rows
from reid.errors import ArtefactError, MissingInputError
from reid.gallery.store import About
from reid.records import Floats, Integers
from reid.text import printable

_MAGIC = b"reid vectors 1\n"
_HEADER = 4096
_BLOCK = 2**20  # fits a core's own cache, where a row is found that is hashed, then quantised
_PRIME = 0x01000193  # of the 32-bit FNV hash
Words = NDArray[np.uint32]


class VectorFile:
    """Vectors of one generation of a gallery.

    A row is the D numbers, in float32 or float16, and a 32-bit checksum that starts from the gallery's uuid, so that a
    row of another gallery is as wrong as a damaged one. It is a chain of exclusive-or and multiplication by an odd
    number (FNV-1a on 32-bit words): a change of any single word always changes it.

    Args:
        path: of the file.
        about: of the gallery.
    """

    def __init__(self, path: Path, about: About) -> None:
        self.path = path
        self.dimension = about.dimension
        self.kind = np.dtype(about.precision)
        self.start = int(about.uuid[:8], 16)
        self.width = -(-about.dimension * self.kind.itemsize // 4) + 1
        self._descriptor = -1
        self._map: mmap.mmap | None = None
        self._words = np.empty((0, self.width), dtype=np.uint32)

    @classmethod
    def create(cls, path: Path, about: About, generation: int) -> "VectorFile":
        """A new, empty file."""
        text = _MAGIC + json.dumps({**asdict(about), "generation": generation}, sort_keys=True).encode()
        body = text.ljust(_HEADER - 4, b"\n")
        files.write_bytes(path, body + zlib.crc32(body).to_bytes(4, "little"))
        return cls(path, about)

    @classmethod
    def open(cls, path: Path, about: About, generation: int) -> "VectorFile":
        """The file of a gallery's generation.

        Raises:
            MissingInputError: it is not there.
            ArtefactError: it belongs to another gallery or generation, or its header is damaged.
        """
        told = read_header(path)
        if told != {**asdict(about), "generation": generation}:
            raise ArtefactError(
                f"{printable(path)} belongs to another gallery or another state of this one; restore it from a copy"
            )
        return cls(path, about)

    def rows(self, vectors: NDArray[Any]) -> tuple[Words, Integers]:
        """Rows as they are written, and their checksums (N,) int64."""
        rows = np.zeros((len(vectors), self.width), dtype=np.uint32)
        rows.view(self.kind)[:, : self.dimension] = vectors
        rows[:, -1] = self._checksums(rows)
        return rows, rows[:, -1].astype(np.int64)

    def write(self, slot: int, rows: Words) -> None:
        """Write rows from a slot on, over what a broken-off batch may have left there, and flush them.

        Raises:
            ArtefactError: the disk is full or failed.
        """
        with files.writing(self.path):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                content, place = memoryview(rows.tobytes()), self._place(slot)
                while content:
                    done = os.pwrite(descriptor, content, place)
                    content, place = content[done:], place + done
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def blocks(self, first: int, stop: int) -> Iterator[tuple[int, Words]]:
        """(slot, rows) of parts of first..stop, read one after another; not compared with their checksums.

        Raises:
            ArtefactError: the file is shorter.
        """
        step = max(1, _BLOCK // (4 * self.width))
        with files.reading(self.path), self.path.open("rb", buffering=0) as file:
            for start in range(first, stop, step):
                rows = np.empty((min(step, stop - start), self.width), dtype=np.uint32)
                file.seek(self._place(start))
                self._fill(file, rows.data.cast("B"))
                yield start, rows

    def _fill(self, file: Any, content: memoryview) -> None:
        while content:
            done = file.readinto(content)
            if not done:
                raise ArtefactError(
                    f"{printable(self.path)} is too short: it was truncated; run reid-gallery check with --repair"
                )
            content = content[done:]

    def numbers(self, rows: Words) -> Floats:
        """(N, D) float32 out of rows."""
        return np.ascontiguousarray(rows.view(self.kind)[:, : self.dimension], dtype=np.float32)

    def seen(self, rows: Words) -> NDArray[Any]:
        """The same without a copy, (N, D) float32 or float16: what is changed in them is changed in `rows`."""
        return rows.view(self.kind)[:, : self.dimension]

    def wrong(self, rows: Words) -> NDArray[np.bool_]:
        """(N,) whether the checksum of each row differs."""
        different: NDArray[np.bool_] = self._checksums(rows) != rows[:, -1]
        return different

    def slots(self) -> int:
        """How many whole rows the file holds, taken or not."""
        return max(0, self.path.stat().st_size - _HEADER) // (4 * self.width)

    def words(self, slots: Integers) -> Words:
        """The rows of some slots as they stand in the file."""
        return self._mapped(int(slots.max(initial=-1)) + 1)[slots]

    def read(self, slots: Integers) -> Floats:
        """(N, D) float32 vectors of some slots, through a memory map; they must have been compared before."""
        return self.numbers(self.words(slots))

    def read_proven(self, slots: Integers) -> Floats:
        """(N, D) float32 vectors of some slots, compared with their checksums.

        Raises:
            ArtefactError: some are damaged.
        """
        rows = self.words(slots)
        wrong = int(self.wrong(rows).sum())
        if wrong:
            raise ArtefactError(
                f"{wrong} vectors in {printable(self.path)} are corrupt; run reid-gallery check with --repair"
            )
        return self.numbers(rows)

    def checksums_at(self, slots: Sequence[int]) -> list[int]:
        """The checksums that stand in the rows of some slots."""
        word, last = self._mapped(max(slots, default=-1) + 1).item, self.width - 1
        return [word(slot, last) for slot in slots]

    def close(self) -> None:
        """Let go of the map."""
        self._words, self._map = np.empty((0, self.width), dtype=np.uint32), None

    def _mapped(self, slots: int) -> Words:
        words = self._words
        if len(words) < slots:
            with files.reading(self.path), self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                there = (size - _HEADER) // (4 * self.width)
                if there < slots:
                    raise ArtefactError(f"{printable(self.path)} is too short: it was truncated")
                mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
            words = np.frombuffer(mapped, np.uint32, there * self.width, _HEADER).reshape(there, self.width)
            self._words = words
        return words

    def _place(self, slot: int) -> int:
        return _HEADER + slot * 4 * self.width

    def _checksums(self, rows: Words) -> Words:
        found = np.empty(len(rows), dtype=np.uint32)
        loop = _compiled_chain()

        def work(start: int, stop: int) -> None:
            loop(rows[start:stop], self.start, _PRIME, found[start:stop])

        if len(rows) < 20_000:
            work(0, len(rows))
        else:
            share_rows(work, len(rows))
        return found


def vectors_path(folder: Path, generation: int) -> Path:
    """Where the vectors of a generation stand."""
    return folder / f"vectors-{generation:06d}.bin"


def read_header(path: Path) -> dict[str, Any]:
    """What a file of vectors says of its gallery, and its generation.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: it is damaged.
    """
    if not path.is_file():
        raise MissingInputError(
            f"{printable(path)} is missing: the gallery has lost its vectors; restore it from a copy"
        )
    with files.reading(path), path.open("rb") as file:
        header = file.read(_HEADER)
    body = header[:-4]
    whole = len(header) == _HEADER and zlib.crc32(body).to_bytes(4, "little") == header[-4:]
    if not whole or not body.startswith(_MAGIC):
        raise ArtefactError(f"the beginning of {printable(path)} is damaged; restore it from a copy")
    told: dict[str, Any] = json.loads(body[len(_MAGIC) :])
    return told


@functools.cache
def _compiled_chain() -> Callable[..., None]:
    return compiled(_chain)


def _chain(rows, start, prime, found):  # type: ignore[no-untyped-def]  # compiled
    # Four rows at once, because each product waits for the one before it. Bits above the lowest 32 never reach those.
    factor, width = np.uint64(prime), rows.shape[1] - 1
    whole = len(rows) // 4 * 4
    for row in range(0, whole, 4):
        first = second = third = fourth = np.uint64(start)
        for column in range(width):
            first = (first ^ np.uint64(rows[row, column])) * factor
            second = (second ^ np.uint64(rows[row + 1, column])) * factor
            third = (third ^ np.uint64(rows[row + 2, column])) * factor
            fourth = (fourth ^ np.uint64(rows[row + 3, column])) * factor
        found[row], found[row + 1] = np.uint32(first), np.uint32(second)
        found[row + 2], found[row + 3] = np.uint32(third), np.uint32(fourth)
    for row in range(whole, len(rows)):
        value = np.uint64(start)
        for column in range(width):
            value = (value ^ np.uint64(rows[row, column])) * factor
        found[row] = np.uint32(value)
