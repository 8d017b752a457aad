"""One thread that makes vectors of what many clients upload: those who search go before those who add."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reid.records import Floats

Pixels = NDArray[np.uint8]
MOST = 16
"""Pictures that are embedded together."""

_Waiting = tuple[Pixels, Future[Floats]]


class EmbeddingThread:
    """Makes vectors of pictures, several of them together where several wait. Used as `with`.

    How many may wait is bounded by those who call it, see `reid.serve.gates`.

    Args:
        compute: (B, height, width, 3) uint8 -> (B, D) float32, unit length.

    Attributes:
        batches, pictures: how many it has made so far.
    """

    def __init__(self, compute: Callable[[Pixels], Floats]) -> None:
        self.batches = self.pictures = 0
        self._compute = compute
        self._urgent: deque[_Waiting] = deque()
        self._patient: deque[_Waiting] = deque()
        self._change = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._work, name="embedding", daemon=True)

    async def vector(self, picture: Pixels, *, urgent: bool) -> Floats:
        """(D,) float32 of a prepared picture (height, width, 3) uint8."""
        future: Future[Floats] = Future()
        with self._change:
            (self._urgent if urgent else self._patient).append((picture, future))
            self._change.notify()
        return await asyncio.wrap_future(future)

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._urgent or self._patient or not self._open)
                if not self._open:
                    return
                batch = [pair for pair in self._take() if pair[1].set_running_or_notify_cancel()]
            if batch:
                self._embed(batch)

    def _take(self) -> list[_Waiting]:
        """Searches alone where there are any: an addition beside them would make them wait."""
        queue = self._urgent or self._patient
        return [queue.popleft() for _ in range(min(MOST, len(queue)))]

    def _embed(self, batch: list[_Waiting]) -> None:
        try:
            vectors = self._compute(np.stack([picture for picture, _ in batch]))
        except Exception as error:  # noqa: BLE001  whoever waits is told, and the thread goes on
            for _, future in batch:
                future.set_exception(error)
            return
        self.batches, self.pictures = self.batches + 1, self.pictures + len(batch)
        for (_, future), vector in zip(batch, vectors, strict=True):
            future.set_result(vector)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with self._change:
            self._open = False
            self._change.notify()
        self._thread.join()
        for _, future in (*self._urgent, *self._patient):
            future.cancel()
