"""What a process does that opens pictures of strangers: it may die of one, and then only this one is lost.

It reads a length (8 bytes, little-endian) and as many bytes from standard input, and writes a line of JSON and, as
that says, the picture for the network and a small JPEG.
"""

import contextlib
import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.data.images import decode_image
from reid.data.thumbnails import thumbnail
from reid.data.transforms import TestTransform
from reid.errors import ReidError

LENGTH = 8
READY = {"ready": True}


def serve(settings: str) -> None:
    """Answer until standard input ends.

    Args:
        settings: JSON with "size", "crop" and "interpolation" of the network's pictures, "megapixels", "memory" in
            bytes and "seconds" of computing.
    """
    told = json.loads(settings)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the server closes the input then
    cv2.setNumThreads(1)
    prepare = TestTransform(tuple(told["size"]), crop=told["crop"], interpolation=told["interpolation"])
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing else may write among the answers
    _open(white(), prepare, told["megapixels"])  # libraries load their parts before memory is limited
    _limit_memory(told["memory"])
    _answer(answers, READY)
    while head := sys.stdin.buffer.read(LENGTH):
        content = sys.stdin.buffer.read(int.from_bytes(head, "little"))
        with _limited_time(told["seconds"]):
            header, parts = _open(content, prepare, told["megapixels"])
        _answer(answers, header, *parts)


def _open(
    content: bytes, prepare: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], megapixels: float
) -> tuple[dict[str, Any], list[bytes]]:
    try:
        pixels = decode_image(content, "upload", max_megapixels=megapixels)
        picture, small = np.ascontiguousarray(prepare(pixels)).tobytes(), thumbnail(pixels)
    except ReidError as error:
        return {"problem": str(error)}, []
    except (MemoryError, cv2.error):
        return {"problem": "cannot read image upload: it takes too much memory"}, []
    header = {"sha256": hashlib.sha256(content).hexdigest(), "picture": len(picture), "thumbnail": len(small)}
    return {**header, "suffix": _suffix(content)}, [picture, small]


def _suffix(content: bytes) -> str:
    """Of a file with this content; what is in it decides, never what somebody calls it."""
    from reid.data.image_headers import image_format

    return {"JPEG": ".jpg", "TIFF": ".tif"}.get(kind := str(image_format(content)), f".{kind.lower()}")


def _answer(file: BinaryIO, header: dict[str, Any], *parts: bytes) -> None:
    file.write(json.dumps(header).encode() + b"\n" + b"".join(parts))
    file.flush()


def white() -> bytes:
    """A picture that nobody has sent: a small white JPEG."""
    return bytes(cv2.imencode(".jpg", np.full((64, 64, 3), 255, dtype=np.uint8))[1].tobytes())


def _limit_memory(room: int) -> None:
    """Let the process take `room` bytes more than it has."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # where the system knows no such limit
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            pages = int(file.read().split()[0])
        most = pages * resource.getpagesize() + room
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


@contextlib.contextmanager
def _limited_time(seconds: float) -> Any:
    """End the process where a picture takes more computing; time in which others have the processor does not count."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
