"""Connections to which a slow or silent client cannot hold on: uvicorn itself waits for headers without end."""

import asyncio
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from reid.serve.limits import Limits


class Connection(H11Protocol):
    """One connection of a client.

    Attributes:
        limits: of all connections.
        idle: those without a request, in the order in which they became so; it is shared by all of a server.
    """

    limits: ClassVar[Limits]
    idle: ClassVar[dict[H11Protocol, None]]
    _clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request, at the cost of whoever has been silent for longest."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.limits.connections:
            silent = next(iter(self.idle))
            del self.idle[silent]
            silent.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on; headers that come byte by byte do not set the clock back."""
        if self._clock is None and not self._at_work():
            self._wait()
        super().data_received(data)
        if self._at_work():
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Wait for the next request, which may have begun to come in."""
        super().on_response_complete()
        if not self._at_work() and not self.transport.is_closing():
            self.idle[self] = None
            if self.conn.trailing_data[0]:
                self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self.idle[self] = None
        self._clock = self.loop.call_later(self.limits.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        self.idle.pop(self, None)
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _give_up(self) -> None:
        self._clock = None
        if self.conn.our_state is h11.IDLE and not self.transport.is_closing():
            answer = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            self.transport.write(answer)
        self.transport.close()


def protocol(limits: Limits) -> type[Connection]:
    """The class of connections of one server."""
    return type("Connection", (Connection,), {"limits": limits, "idle": {}})
