"""Image files -> (H, W, 3) uint8 RGB, upright: one by one, or a whole list of them verified in parallel.

What is accepted and how it becomes RGB stands in `reid.data.pixels`. A file that is cut short, forged or no image at
all is a DataError that names it and says what it looks like, never a half-grey picture.
"""

import errno
import json
import os
import signal
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.data.pixels import to_pixels
from reid.data.processes import READY, Crew, Died
from reid.errors import DataError, MissingInputError
from reid.text import printable

MAX_MEGAPIXELS = 64.0
_PAUSES = (0.1, 0.2)  # seconds before the second and the third attempt to read a file
_PASSING_ERRORS = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN}
# Opening a pipe would wait for a writer; Windows would translate line ends.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CHUNK = 32


def read_image(path: Path | str, *, max_megapixels: float = MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """The picture in a file, upright; a warning says so where it is the first of several frames.

    Args:
        path: a JPEG, PNG, GIF, BMP, TIFF, WebP, or binary PBM, PGM or PPM file.
        max_megapixels: larger pictures are refused before they are decoded.

    Returns:
        (H, W, 3) uint8 RGB, contiguous.

    Raises:
        MissingInputError: there is no such file, or it may not or cannot be read.
        DataError: it is no usable picture; the message names the file and says what it looks like.
    """
    return decode_image(read_content(path, max_megapixels=max_megapixels), str(path), max_megapixels=max_megapixels)


def read_content(path: Path | str, *, max_megapixels: float = MAX_MEGAPIXELS) -> bytes:
    """The bytes of an image file, not decoded.

    Args:
        path: an image file.
        max_megapixels: files with more bytes than such a picture can have are refused.

    Raises:
        MissingInputError: there is no such file, or it may not or cannot be read; it is named.
        DataError: it is too large; it is named.
    """
    try:
        return _read(path, max_megapixels)
    except DataError as error:
        raise type(error)(f"cannot read image {printable(path)}: {printable(error)}") from error


def decode_image(content: bytes, name: str, *, max_megapixels: float = MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """The picture in the bytes of an image file, as `read_image` gives it.

    Args:
        content: the file's bytes.
        name: what messages call it.
        max_megapixels: larger pictures are refused before they are decoded.

    Raises:
        DataError: it is no usable picture; the message has the name and says what it looks like.
    """
    try:
        pixels, animated = to_pixels(content, max_megapixels=max_megapixels)
    except DataError as error:
        raise DataError(f"cannot read image {printable(name)}: {printable(error)}") from error
    if animated:
        warnings.warn(f"image {printable(name)} has several frames; only the first is used", stacklevel=2)
    return pixels


def check_images(
    paths: Sequence[Path],
    *,
    max_megapixels: float = MAX_MEGAPIXELS,
    processes: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict[Path, str]:
    """Decode every file, in processes of their own, so that one that crashes the decoder is reported like any other.

    Damage that a decoder notices but glosses over, such as coded data that ends too early, is reported as well.

    Args:
        paths: the files.
        max_megapixels: larger pictures are refused before they are decoded.
        processes: how many at once; None is one for every core.
        progress: called now and then, in the calling thread, with the number of files done since the last call.

    Returns:
        What is wrong with each file that is missing or no usable picture, in the order of `paths`; empty is good.

    Raises:
        ArtefactError: a process cannot be started.
    """
    chunks = [[os.fspath(path) for path in paths[i : i + _CHUNK]] for i in range(0, len(paths), _CHUNK)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    code = f"from reid.data.images import answer_checks; answer_checks({max_megapixels!r})"
    bad: dict[Path, str] = {}
    with Crew(code, max(1, min(processes or cores, len(chunks)))) as crew:
        for chunk, answers in zip(chunks, crew.ask(chunks), strict=True):
            for path, answer in zip(chunk, answers, strict=True):
                if answer is not None:
                    bad[Path(path)] = _death(answer) if isinstance(answer, Died) else answer
            if progress is not None:
                progress(len(chunk))
    return bad


def answer_checks(max_megapixels: float) -> None:
    """What a process of `check_images` does: for all paths on standard input, write what is wrong with the file."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent closes the input then
    cv2.setNumThreads(1)
    with tempfile.TemporaryFile() as remarks:
        os.dup2(remarks.fileno(), sys.stderr.fileno())
        _write_line(READY)
        for line in sys.stdin:
            for path in json.loads(line):
                _write_line(_problem(Path(path), max_megapixels) or _remark(remarks.fileno()))


def _write_line(value: str | None) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _remark(file: int) -> str | None:
    """What libjpeg said on standard error about damage to the picture just decoded; it has no other way to say it."""
    os.lseek(file, 0, os.SEEK_SET)
    said = os.read(file, 4096).decode(errors="replace")
    os.ftruncate(file, 0)
    os.lseek(file, 0, os.SEEK_SET)
    damage = [line for line in said.splitlines() if "Corrupt JPEG data" in line and "extraneous" not in line]
    return f"it is damaged: {printable(damage[0])}" if damage else None


def _death(death: Died) -> str:
    return f"it brought the decoding process down (exit code {death.code})"


def _problem(path: Path, max_megapixels: float) -> str | None:
    try:
        to_pixels(_read(path, max_megapixels), max_megapixels=max_megapixels)
    except DataError as error:
        return str(error)
    return None


def _read(path: Path | str, max_megapixels: float) -> bytes:
    pauses = iter(_PAUSES)
    while True:
        try:
            return _read_once(path, max_megapixels)
        except OSError as error:
            pause = next(pauses, None) if error.errno in _PASSING_ERRORS else None
            if pause is None:
                raise MissingInputError(error.strerror or str(error)) from error
        except ValueError as error:
            raise MissingInputError(f"no file can have this name ({error})") from error
        time.sleep(pause)


def _read_once(path: Path | str, max_megapixels: float) -> bytes:
    file = os.open(path, _READ)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise MissingInputError("Is a directory" if stat.S_ISDIR(status.st_mode) else "it is no regular file")
        if status.st_size > 1_000_000 + 8e6 * max_megapixels:  # 8 bytes per pixel are 16-bit RGBA, uncompressed
            raise DataError(f"it has {status.st_size} bytes, more than any picture of {max_megapixels:g} megapixels")
        content = os.read(file, status.st_size + 1)
        while more := os.read(file, 1_000_000):
            content += more
        return content
    finally:
        os.close(file)
