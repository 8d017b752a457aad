"""Around the whole application: who may ask, how much may come in and how long it may take, and how errors look."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

from reid.serve import problems
from reid.serve.access import Access
from reid.serve.gates import Budget
from reid.serve.limits import Limits
from reid.serve.metrics import Metrics
from reid.serve.problems import Problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

PUBLIC = ("/", "/health", "/openapi.json", "/page/")
"""What everybody may read, as nothing of the gallery is in it; a last / stands for all below."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_DRAINED, _DRAINING = 4, 3.0  # times the limit of a body, and seconds, for which what nobody wants is read
_LOG = logging.getLogger("reid.serve")


@dataclass
class _Exchange:
    """One request and its answer."""

    receive: Receive
    send: Send
    limits: Limits
    budget: Budget
    number: str = field(default_factory=lambda: secrets.token_hex(8))
    begun: float = field(default_factory=time.monotonic)
    size: int = 0
    whole: bool = False
    status: int = 0

    async def read(self) -> Message:
        """The next part of the body, or that the client has gone."""
        if self.whole:
            return await self.receive()
        try:
            async with asyncio.timeout(max(0.0, self.begun + self.limits.body_seconds - time.monotonic())):
                message = await self.receive()
        except TimeoutError:
            raise Problem(408, "the body did not come in time") from None
        if message["type"] == "http.request":
            count = len(message.get("body", b""))
            if self.size + count > self.limits.upload:
                raise too_large(self.limits)
            self.budget.take(count)
            self.size += count
            self.whole = not message.get("more_body", False)
        return message

    async def answer(self, message: Message) -> None:
        """Pass an answer on, with the headers that every one has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers["X-Request-Id"] = self.number
            headers.setdefault("Cache-Control", "no-store")
            if not self.whole:
                headers["Connection"] = "close"  # or the rest of the body would have to be read
        elif not self.whole and not message.get("more_body", False):
            await self.send({**message, "more_body": True})
            if self.status != 408:  # else there is nothing to come
                await self._drain()
            message = {"type": "http.response.body", "body": b""}
        await self.send(message)

    async def _drain(self) -> None:
        """Let a client that is still sending come to the answer: closing at once would take it from it."""
        left = _DRAINED * self.limits.upload
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAINING):
                while left > 0:
                    message = await self.receive()
                    left -= len(message.get("body", b"")) + 1
                    if message["type"] != "http.request" or not message.get("more_body", False):
                        return

    async def refuse(self, problem: HTTPException) -> None:
        """Answer with a problem, unless an answer has begun."""
        if self.status:
            return
        content = problems.body(problem, self.number)
        told = {"Content-Type": problems.CONTENT_TYPE, "Content-Length": str(len(content)), **(problem.headers or {})}
        headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
        await self.answer({"type": "http.response.start", "status": problem.status_code, "headers": headers})
        await self.answer({"type": "http.response.body", "body": content})


class Guard:
    """An application behind the rules.

    Args:
        application: what answers.
        access: who may ask.
        limits: how much.
        budget: of all bodies in memory.
        metrics: are told of every request.
    """

    def __init__(
        self, application: Application, access: Access, limits: Limits, budget: Budget, metrics: Metrics
    ) -> None:
        self._application, self._access = application, access
        self._limits, self._budget, self._metrics = limits, budget, metrics

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or the life of the application."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        exchange = _Exchange(receive, send, self._limits, self._budget)
        scope["reid.number"] = exchange.number
        try:
            self._check(scope, exchange)
            async with asyncio.timeout(self._limits.answer_seconds):
                await self._application(scope, exchange.read, exchange.answer)
        except HTTPException as problem:
            await exchange.refuse(problem)
        except TimeoutError:
            await exchange.refuse(Problem(503, "this took too long", {"Retry-After": "10"}))
        except Exception:  # noqa: BLE001  it is logged, and the client is told no more than that
            _LOG.exception("request %s %s failed", exchange.number, scope["method"])
            await exchange.refuse(Problem(500, "the server could not do this; its log says why"))
        finally:
            self._budget.give_back(exchange.size)
            endpoint = getattr(scope.get("route"), "path", "other")
            self._metrics.answered(endpoint, exchange.status, time.monotonic() - exchange.begun)

    def _check(self, scope: Message, exchange: _Exchange) -> None:
        headers = Headers(raw=scope["headers"])
        length = headers.get("content-length", "0")
        exchange.whole = length == "0" and "transfer-encoding" not in headers
        self._access.check_host(headers)
        method, path = scope["method"], scope["path"]
        if not (method == "GET" and is_public(path)):
            self._access.check_origin(headers)
            reads = method in {"GET", "HEAD"} or (method, path) == ("POST", "/search")
            self._access.check_token(headers, changes=not reads)
        if length.isdecimal() and int(length[:20]) > self._limits.upload:
            raise too_large(self._limits)


def is_public(path: str) -> bool:
    """Whether everybody may read it."""
    return path in PUBLIC or path.startswith("/page/")


def too_large(limits: Limits) -> Problem:
    """More was sent than is taken."""
    return Problem(413, f"at most {limits.upload:,} bytes are taken")
