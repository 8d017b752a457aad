"""Bounds on what goes on at once, for the event loop's one thread."""

import asyncio
from types import TracebackType
from typing import Self

from reid.serve.limits import Gate
from reid.serve.problems import busy

_PATIENCE = 30.0  # seconds that a request waits for its turn


class Turnstile:
    """Lets some requests of a kind work, some wait, and refuses the rest. Used as `async with`.

    Args:
        kind: what they are, in the plural.
        gate: how many of each.

    Attributes:
        working, waiting, refused: requests at the moment; those refused so far.
    """

    def __init__(self, kind: str, gate: Gate) -> None:
        self.working = self.waiting = self.refused = 0
        self._kind, self._gate = kind, gate
        self._places = asyncio.Semaphore(gate.working)

    async def __aenter__(self) -> Self:
        if self._places.locked() and self.waiting >= self._gate.waiting:
            self.refused += 1
            raise busy(self._kind)
        self.waiting += 1
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._places.acquire()
        except TimeoutError:
            self.refused += 1
            raise busy(self._kind, seconds=5) from None
        finally:
            self.waiting -= 1
        self.working += 1
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.working -= 1
        self._places.release()


class Budget:
    """Bytes of request bodies in memory, of all requests together.

    Args:
        most: bytes.
    """

    def __init__(self, most: int) -> None:
        self.used, self._most = 0, most

    def take(self, count: int) -> None:
        """Count `count` bytes.

        Raises:
            Problem: 429, and nothing was counted, where that would be too many.
        """
        if self.used + count > self._most:
            raise busy("uploads", seconds=2)
        self.used += count

    def give_back(self, count: int) -> None:
        """They are gone."""
        self.used -= count
