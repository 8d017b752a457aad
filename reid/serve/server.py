"""Running the application on a port until it is told to stop."""

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from reid.errors import ConfigError
from reid.serve.connections import protocol
from reid.serve.guard import Application
from reid.serve.limits import Limits
from reid.serve.running import Running
from reid.text import printable

_BACKLOG = 1024  # connections that wait to be accepted; beyond it, clients try again after a second
_ACCEPTED = 16  # connections that are accepted before others are heard again: asyncio would take all of a crowd at once
_LAST_SECONDS = 10  # for answers that are under way when it is told to stop


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on; port 0 is any that is free.

    Raises:
        ConfigError: the address is none, or in use.
    """
    try:
        family, kind, protocol_, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol_)  # with it, asyncio sends what is written at once
    except (OSError, UnicodeError, OverflowError) as error:
        raise ConfigError(f"cannot listen on {printable(host)}: {printable(error)}") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"cannot listen on {printable(host)} port {port}: {error.strerror}; choose another with --port"
        ) from error
    return bound


def serve(application: Application, running: Running, bound: socket.socket, ready: Callable[[], None]) -> None:
    """Answer on a socket until SIGTERM or Ctrl-C, which goes on to who called when all is put away.

    Args:
        application: of `reid.serve.app.make_app`.
        running: what it works with.
        bound: of `listen`.
        ready: called when it answers.
    """

    def begin() -> None:
        _keep_from_collection()
        ready()

    server = make_server(application, running.limits, begin)
    with _stopped_by_signals(server) as caught:
        try:
            asyncio.run(answering(server, running, bound))
        finally:
            gc.unfreeze()
    for number in caught[:1]:
        signal.raise_signal(number)


def make_server(application: Application, limits: Limits, ready: Callable[[], None]) -> uvicorn.Server:
    """What `answering` runs; it ends when its `should_exit` is set."""
    config = uvicorn.Config(
        application,
        http=protocol(limits),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # what strangers send is no reason for a line; faults of ours are told by the guard
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=max(1, min(_ACCEPTED, limits.connections // 8)),
        timeout_keep_alive=5,
        timeout_graceful_shutdown=_LAST_SECONDS,
    )
    return _Server(config, ready)


async def answering(server: uvicorn.Server, running: Running, bound: socket.socket) -> None:
    """Answer on a socket, which is closed in the end, until the server exits."""
    with contextlib.closing(bound):
        async with running.life():
            await server.serve(sockets=[bound])


@contextlib.contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[list[int]]:
    """From the first moment on: one that came while processes start would leave them behind."""
    caught: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _keep_from_collection() -> None:
    """Let the collector of garbage pass over what is there already, hundreds of thousands of objects of the libraries.

    To walk through them takes tenths of a second every now and then, in which nobody is answered.
    """
    gc.collect()
    gc.freeze()


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        for bound in sockets or ():
            bound.listen(_BACKLOG)  # asyncio takes one number for what waits and for what is accepted at once
        if self.started:
            self._ready()
