"""Uploaded bytes -> the picture for the network and a thumbnail, in a few processes that may die of it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reid.errors import ArtefactError, DataError
from reid.model.store import Description
from reid.serve.decoder import LENGTH, READY
from reid.serve.limits import Limits

_CODE = "import sys; from reid.serve.decoder import serve; serve(sys.argv[1])"
_SLOWEST = 20.0  # seconds on the clock for a picture, where the processor is shared with many


@dataclass(frozen=True, eq=False)
class Decoded:
    """An uploaded picture that can be used.

    Attributes:
        content: the bytes that were uploaded.
        sha256: of them, hexadecimal.
        picture: (height, width, 3) uint8, as the network takes it.
        thumbnail: a small JPEG.
        suffix: of a file with this content, such as ".jpg".
    """

    content: bytes
    sha256: str
    picture: NDArray[np.uint8]
    thumbnail: bytes
    suffix: str


class Decoders:
    """A few processes that open pictures. Used as `async with`.

    Args:
        description: how the model wants its pictures.
        limits: of one picture.
        count: how many processes.
    """

    def __init__(self, description: Description, limits: Limits, count: int) -> None:
        self._size = description.image_size
        self._settings = json.dumps(
            {
                "size": list(description.image_size),
                "crop": description.crop,
                "interpolation": description.interpolation,
                "megapixels": limits.megapixels,
                "memory": limits.decoding_memory,
                "seconds": limits.decoding_seconds,
            }
        )
        self._count = count
        self._idle: asyncio.Queue[_Child] = asyncio.Queue()
        self._children: list[_Child] = []

    async def decode(self, content: bytes) -> Decoded:
        """What becomes of uploaded bytes.

        Raises:
            DataError: they are no usable picture.
        """
        child = await self._idle.get()
        try:
            header, parts = await child.ask(content, self._settings)
        finally:
            self._idle.put_nowait(child)
        if "problem" in header:
            raise DataError(header["problem"])
        picture = np.frombuffer(parts, dtype=np.uint8, count=header["picture"]).reshape(*self._size, 3)
        return Decoded(content, header["sha256"], picture, parts[header["picture"] :], header["suffix"])

    async def __aenter__(self) -> Self:
        self._children = [_Child() for _ in range(self._count)]
        await asyncio.gather(*(child.start(self._settings) for child in self._children))
        for child in self._children:
            self._idle.put_nowait(child)
        return self

    async def __aexit__(self, *_: object) -> None:
        for child in self._children:
            await child.stop()


class _Child:
    """One process, started anew after it died."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, settings: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # whatever lies in the current folder is not imported
            "-c",
            _CODE,
            settings,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # decoders write their remarks there
            # One thread of the libraries is enough here, and each would take memory.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"},
        )
        self._process = process
        try:
            ready = await _header(process)
        except EOFError:
            raise ArtefactError(f"a process that opens pictures could not be started: {await self._end()}") from None
        if ready != READY:
            raise ArtefactError(f"a process that opens pictures answered {str(ready)[:100]}")
        return process

    async def ask(self, content: bytes, settings: str) -> tuple[dict[str, Any], bytes]:
        """Its answer; one that says so where it died."""
        process = self._process or await self.start(settings)
        try:
            async with asyncio.timeout(_SLOWEST):
                return await _exchange(process, content)
        except (EOFError, ConnectionError, TimeoutError, asyncio.CancelledError) as error:
            dying = isinstance(error, (EOFError, ConnectionError))
            why = await asyncio.shield(
                self._end(dying=dying)
            )  # it may be in the middle of an answer that nobody waits for
            if isinstance(error, asyncio.CancelledError):
                raise
            return {"problem": f"cannot read image upload: {why}"}, b""

    async def stop(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await self._process.wait()
        await self._end()

    async def _end(self, *, dying: bool = False) -> str:
        process, self._process = self._process, None
        if process is None:
            return ""
        code = await _own_end(process) if dying else None
        if code is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            code = await process.wait()
        if code in {-signal.SIGPROF, -signal.SIGKILL}:
            return "it takes too long to open"
        return "it brought the decoding process down"


async def _own_end(process: asyncio.subprocess.Process) -> int | None:
    """The exit code of a process that is about to end; None where it does not. To kill it then may lose the code."""
    try:
        async with asyncio.timeout(1):
            return await process.wait()
    except TimeoutError:
        return None


async def _exchange(process: asyncio.subprocess.Process, content: bytes) -> tuple[dict[str, Any], bytes]:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(len(content).to_bytes(LENGTH, "little") + content)
    await process.stdin.drain()
    header = await _header(process)
    return header, await process.stdout.readexactly(header.get("picture", 0) + header.get("thumbnail", 0))


async def _header(process: asyncio.subprocess.Process) -> dict[str, Any]:
    line = b"" if process.stdout is None else await process.stdout.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    header: dict[str, Any] = json.loads(line)
    return header
