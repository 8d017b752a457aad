"""Files and boxes -> what a gallery keeps of them: digest, thumbnail, and the picture for the network.

It is what a loader's worker processes do. A file's bytes are read and hashed once, and a frame is decoded once, for
all of its boxes that stand together in a batch.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from numpy.typing import NDArray

from reid.data.boxes import cut
from reid.data.images import MAX_MEGAPIXELS, decode_image, read_content
from reid.data.loader import core_left
from reid.data.reader import Task
from reid.data.thumbnails import THUMBNAIL, thumbnail
from reid.data.videos import Videos, parse_frame
from reid.errors import DataError, LoaderError, ReidError
from reid.gallery.blocks import Crop, Pixels, pack
from reid.gallery.entries import Box, Entry
from reid.text import printable

if TYPE_CHECKING:
    from hashlib import _Hash

Digests = NDArray[np.bytes_]


def sorted_digests(sha256: Iterable[str]) -> Digests:
    """(M,) digests of 32 bytes in order, which take half the room of a set's slots alone."""
    return np.array(sorted(bytes.fromhex(one) for one in sha256 if one), dtype="S32")


@dataclass(frozen=True, eq=False)
class CropReader:
    """Makes blocks (see `reid.gallery.blocks`) of entries; what cannot be read is told in the block.

    Attributes:
        entries: what is read, as rows are counted.
        prepare: makes the network's pictures; None makes none.
        thumbnail: longer side of thumbnails in pixels; 0 makes none.
        known: digests of content that needs no picture or thumbnail, in order.
        max_megapixels: larger pictures are refused.
        videos: that frames are decoded from.
        hashed: whether digests are made; without them nothing is known, and those of the crops are "".
    """

    entries: Sequence[Entry]
    prepare: Callable[[Pixels], Pixels] | None
    thumbnail: int = THUMBNAIL
    known: Digests | None = None
    max_megapixels: float = MAX_MEGAPIXELS
    videos: Videos = field(default_factory=Videos)
    hashed: bool = True

    def batch(self, task: Task, begin: Callable[[int], None] = lambda _place: None) -> Pixels:
        """The block of the entries `task.rows`.

        Raises:
            LoaderError: an image could not be prepared; its file is named.
        """
        crops: list[Crop] = []
        pictures: list[Pixels] = []
        frame = _Frame("", self.max_megapixels)
        for place, row in enumerate(task.rows.tolist()):
            begin(place)
            entry = self.entries[row]
            if entry.path != frame.path:
                of = parse_frame(entry.path)
                frame = (
                    _Frame(entry.path, self.max_megapixels)
                    if of is None
                    else _VideoFrame(entry.path, of, self.videos, self.max_megapixels)
                )
            try:
                crops.append(self._crop(entry, frame, pictures))
            except DataError as error:
                crops.append(Crop("", entry.box, problem=error))
        return pack(crops, pictures)

    def files(self, task: Task) -> list[Path]:
        """The files of a batch."""
        return [Path(self.entries[row].path) for row in task.rows.tolist()]

    def _crop(self, entry: Entry, frame: "_Frame", pictures: list[Pixels]) -> Crop:
        digest = frame.digest(entry.box) if self.hashed else b""
        if self._knows(digest) or (self.prepare is None and not self.thumbnail):
            return Crop(digest.hex(), entry.box)
        image, box = frame.image(), entry.box
        if box is not None:
            image, box = frame.cut(box)
        if self.prepare is not None:
            pictures.append(self._prepared(image, self.prepare, entry))
        return Crop(
            (digest if box == entry.box or not self.hashed else frame.digest(box)).hex(),
            box,
            clipped=box != entry.box,
            thumbnail=thumbnail(image, self.thumbnail) if self.thumbnail else None,
            pictured=self.prepare is not None,
        )

    def _prepared(self, image: Pixels, prepare: Callable[[Pixels], Pixels], entry: Entry) -> Pixels:
        try:
            return prepare(image)
        except ReidError:
            raise
        except Exception as error:  # such as being out of memory
            raise LoaderError(
                f"image {printable(entry.path)} could not be prepared: {type(error).__name__}: {printable(error)}"
            ) from error

    def _knows(self, digest: bytes) -> bool:
        if self.known is None:
            return False
        place = int(np.searchsorted(self.known, digest))
        # NumPy's texts have lost the zeros at their end.
        return place < len(self.known) and bytes(self.known[place]) == digest.rstrip(b"\0")


class _Frame:
    """An image file that is read, hashed and decoded no more than once; what kept it from that is told every time."""

    def __init__(self, path: str, max_megapixels: float) -> None:
        self.path = path
        self._max_megapixels = max_megapixels
        self._content = b""
        self._hash: _Hash | None = None
        self._image: Pixels | None = None
        self._problem: DataError | None = None

    def digest(self, box: Box | None) -> bytes:
        """sha256 of the file's bytes and, if there is one, of the box."""
        if self._hash is None:
            self._hash = self._hashed()
        made = self._hash.copy()
        if box is not None:
            made.update("\nbox {} {} {} {}".format(*box).encode())
        return made.digest()

    def image(self) -> Pixels:
        """The whole picture."""
        if self._image is None:
            content = self._read()
            with self._remembering():
                self._image = decode_image(content, self.path, max_megapixels=self._max_megapixels)
            self._content = b""
        return self._image

    def cut(self, box: Box) -> tuple[Pixels, Box]:
        """The crop that a box means, and its part of the frame."""
        image = self.image()
        try:
            return cut(image, box)
        except DataError as error:
            raise type(error)(f"cannot use a part of {printable(self.path)}: {error}") from error

    def _hashed(self) -> "_Hash":
        return hashlib.sha256(self._read())

    def _read(self) -> bytes:
        if not self._content:
            with self._remembering():
                self._content = read_content(self.path, max_megapixels=self._max_megapixels)
        return self._content

    @contextlib.contextmanager
    def _remembering(self) -> Iterator[None]:
        if self._problem is not None:
            raise self._problem
        try:
            yield
        except DataError as error:
            self._problem = error
            raise


class _VideoFrame(_Frame):
    """A frame of a video, whose content is its pixels."""

    def __init__(self, path: str, of: tuple[str, int], videos: Videos, max_megapixels: float) -> None:
        super().__init__(path, max_megapixels)
        self._of, self._videos = of, videos

    def image(self) -> Pixels:
        """The whole picture."""
        if self._image is None:
            with self._remembering():
                self._image = self._videos.frame(*self._of, max_megapixels=self._max_megapixels)
        return self._image

    def _hashed(self) -> "_Hash":
        image = self.image()
        made = hashlib.sha256(f"frame {image.shape}".encode())
        made.update(image.data)
        return made


class Readers(TypedDict, total=False):
    """Who reads for a loader, in its own words."""

    workers: int
    threads: int
    ahead: bool


def readers(entries: Sequence[Entry], workers: int, device: str = "cpu") -> Readers:
    """Who reads for a loader: as many as it likes, but one thread of this process where there are frames of videos.

    It decodes each once, in order: while the network computes, if there is a core for that.

    Args:
        entries: what is read.
        workers: processes for anything else.
        device: that computes.
    """
    if not any(parse_frame(entry.path) for entry in entries):
        return {"workers": workers}
    return {"workers": 0, "threads": 1, "ahead": device != "cpu" or core_left()}


def tasks(entries: Sequence[Entry], size: int) -> Iterator[Task]:
    """Batches of `size` entries, or up to twice as many where boxes of one frame would otherwise be parted."""
    begin, step = 0, 0
    while begin < len(entries):
        end = min(begin + size, len(entries))
        last = entries[end - 1]
        while end < min(begin + 2 * size, len(entries)) and last.box is not None and entries[end].path == last.path:
            end += 1
        yield Task(0, step, np.arange(begin, end))
        begin, step = end, step + 1
