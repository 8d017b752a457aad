"""What is at work while the server runs: decoding processes, the embedding thread, threads that ask the gallery."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from reid.embed import Embedder
from reid.errors import GalleryError
from reid.records import Floats
from reid.serve.decoder import white
from reid.serve.decoding import Decoded, Decoders
from reid.serve.embedding import EmbeddingThread
from reid.serve.gates import Budget, Turnstile
from reid.serve.limits import Limits
from reid.serve.schemas import Options
from reid.serve.service import Service

_Result = TypeVar("_Result")
_READERS = 4
_QUIET = 20.0  # seconds without an addition after which searches are made quick again
_LOG = logging.getLogger("reid.serve")


class Running:
    """The parts of a server, which begin and end with it.

    Args:
        service: what is asked.
        embedder: makes vectors of uploads; None takes none.
        limits: how much at once.
        processes: how many open pictures.

    Attributes:
        service: what is asked.
        budget: of bodies in memory.
        search, add, change, look: the turnstiles of each kind of request.
    """

    def __init__(self, service: Service, embedder: Embedder | None, limits: Limits, *, processes: int = 2) -> None:
        self.service, self.limits = service, limits
        self.budget = Budget(limits.uploads)
        self.search = Turnstile("searches", limits.search)
        self.add = Turnstile("additions", limits.add)
        self.change = Turnstile("changes", limits.change)
        self.look = Turnstile("requests", limits.look)
        self._decoders = None if embedder is None else Decoders(embedder.description, limits, processes)
        self._embedding = None if embedder is None else EmbeddingThread(embedder.model.pictures)
        self._adding = asyncio.Semaphore(max(1, processes - 1))  # a process is always left for searches
        self._readers = ThreadPoolExecutor(_READERS, "reading")
        self._writer = ThreadPoolExecutor(1, "writing")  # a gallery has one writer at a time
        self._settler: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        """From the beginning to the end of the server."""
        async with contextlib.AsyncExitStack() as stack:
            if self._decoders is not None and self._embedding is not None:
                await stack.enter_async_context(self._decoders)
                stack.enter_context(self._embedding)
                await self._warm_up()
            try:
                yield
            finally:
                if self._settler is not None:
                    self._settler.cancel()
                for threads in (self._readers, self._writer):
                    threads.shutdown(cancel_futures=True)

    async def vector(self, content: bytes, *, urgent: bool) -> tuple[Decoded, Floats]:
        """What becomes of an uploaded picture: opened, and its vector (D,).

        Args:
            content: the bytes of its file.
            urgent: whether it goes before those that are not.

        Raises:
            DataError: it is no usable picture.
            GalleryError: there is no model.
        """
        if self._decoders is None or self._embedding is None:
            raise GalleryError("this server has no model, and takes vectors only")
        async with contextlib.AsyncExitStack() as stack:
            if not urgent:
                await stack.enter_async_context(self._adding)
            decoded = await self._decoders.decode(content)
        return decoded, await self._embedding.vector(decoded.picture, urgent=urgent)

    async def ask(self, work: Callable[[], _Result]) -> _Result:
        """The result of a call that reads the gallery."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def write(self, work: Callable[[], _Result]) -> _Result:
        """The result of a call that changes the gallery; it is done to its end even if nobody waits for it any more."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)

    def added(self) -> None:
        """Something was added: make searches quick again when there is a pause."""
        if self._settler is not None:
            self._settler.cancel()
        self._settler = asyncio.get_running_loop().call_later(_QUIET, self._settle)

    def gauges(self) -> dict[str, Callable[[], float]]:
        """What there is to read of the moment, by name."""
        kinds = {"search": self.search, "add": self.add, "change": self.change, "look": self.look}
        read: dict[str, Callable[[], float]] = {"upload_bytes_in_memory": lambda: self.budget.used}
        for name, turnstile in kinds.items():
            read[f"{name}_working"] = lambda turnstile=turnstile: turnstile.working  # type: ignore[misc]
            read[f"{name}_waiting"] = lambda turnstile=turnstile: turnstile.waiting  # type: ignore[misc]
            read[f"{name}_refused"] = lambda turnstile=turnstile: turnstile.refused  # type: ignore[misc]
        if (embedding := self._embedding) is not None:
            read["embedded_pictures"] = lambda: embedding.pictures
            read["embedded_batches"] = lambda: embedding.batches
        return read

    async def _warm_up(self) -> None:
        """One search of nothing: libraries are loaded and vectors are read before the first client waits for it."""
        _, vector = await self.vector(white(), urgent=True)
        await self.ask(lambda: self.service.search(vector, Options.model_validate({})))

    def _settle(self) -> None:
        done = self._readers.submit(self.service.settle)
        done.add_done_callback(_note_failure)


def _note_failure(done: object) -> None:
    error = getattr(done, "exception", lambda: None)()
    if error is not None:
        _LOG.error("searches could not be made quick again: %s", error)
