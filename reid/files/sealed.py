"""Large files that prove on reading that nothing changed since they were written, in one pass and without a copy.

The content, of any length, stands behind a header with its sha256.
"""

import contextlib
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from reid.errors import ArtefactError
from reid.files.reading import reading
from reid.files.replacing import replacement
from reid.text import printable

_SEAL = b"reid sealed file 1\n"
_HEADER = len(_SEAL) + 65


class Sink:
    """What the content of a sealed file is written into: the `write` and `flush` of a file.

    A failing disk, or Ctrl-C, is raised when all is written: writers in other languages than Python, torch's among
    them, answer an exception from here with one of their own, which hides it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sum = hashlib.sha256()
        self._failure: BaseException | None = None

    def write(self, content: bytes | memoryview) -> int:
        """Append `content`; returns its length in bytes."""
        try:
            if self._failure is None:
                self._file.write(content)
                self._sum.update(content)
        except BaseException as error:  # noqa: BLE001  raised by `finish`
            self._failure = error
        return len(content)

    def flush(self) -> None:
        """Nothing: the file is flushed once, as a whole."""

    def finish(self) -> str:
        """The hexadecimal sha256 of all that was written.

        Raises:
            BaseException: what a call of `write` was stopped by.
        """
        if self._failure is not None:
            raise self._failure
        return self._sum.hexdigest()


@contextlib.contextmanager
def sealing(path: Path) -> Iterator[Sink]:
    """Write a sealed file piece by piece; it takes the place of `path` when the block ends without an error.

    Raises:
        OutputError: the folder is missing, or nothing may be written there.
        ArtefactError: the disk is full or failed; what stands at `path` is whole.
    """
    with replacement(path) as file:
        file.write(_SEAL + b"." * 64 + b"\n")
        sink = Sink(file)
        yield sink
        digest = sink.finish()
        file.seek(len(_SEAL))
        file.write(digest.encode())


@contextlib.contextmanager
def unsealing(path: Path) -> Iterator[BinaryIO]:
    """The content of a sealed file, to be read from its beginning, after proof that it is what was written.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: it is no sealed file, or is truncated or altered.
    """
    with reading(path):
        file = path.open("rb")
    with file:
        with reading(path):
            _verify(file, path)
        yield io.BufferedReader(_Rest(file))


def _verify(file: io.BufferedReader, path: Path) -> None:
    header = file.read(_HEADER)
    if not header.startswith(_SEAL) or len(header) < _HEADER:
        raise ArtefactError(
            f"{printable(path)} is not a file of this toolkit, or its beginning is damaged; restore it from a copy"
        )
    if hashlib.file_digest(file, "sha256").hexdigest().encode() + b"\n" != header[len(_SEAL) :]:
        raise ArtefactError(
            f"{printable(path)} is corrupt: its sha256 differs from the one written into it; restore it from a copy"
        )


class _Rest(io.RawIOBase):
    """What follows the header of a file, as a file of its own."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)

    def readall(self) -> bytes:
        return self._file.read()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = _HEADER if whence == os.SEEK_SET else 0
        return self._file.seek(start + offset, whence) - _HEADER
