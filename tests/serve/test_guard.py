"""What holds for every request, whatever it asks for."""

import logging
import socket
import time
from dataclasses import replace

import pytest
import served as servers
from served import TOKEN, picture, until

from reid.serve.guard import HEADERS, is_public
from reid.serve.limits import Limits


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A server that takes 10,000 bytes, and 15,000 in all."""
    limits = replace(Limits(), upload=10_000, uploads=15_000, body_seconds=5.0)
    with servers.server(tmp_path_factory.mktemp("small"), limits=limits) as one:
        yield one


@pytest.mark.parametrize("path", ["/", "/health", "/gallery", "/page/none.js", "/nothing", "/images/0/thumbnail"])
def test_headers_of_every_answer(served, path):
    """Good or bad, it forbids scripts from elsewhere, framing and guessing, and has a number."""
    reply = served.ask("GET", path)

    assert HEADERS.items() <= {k.title(): v for k, v in reply.headers.items()}.items()
    assert len(reply.headers["x-request-id"]) == 16
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert "server" not in reply.headers
    assert "access-control-allow-origin" not in reply.headers


def test_who_may_ask(served):
    """Host, origin and token are looked at before anything else, and changes are refused by default."""
    content = picture(0, 0)
    asked = served.ask

    assert asked("GET", "/health", Host="evil.example").status == 421
    assert asked("GET", "/", Host="evil.example").status == 421
    assert asked("POST", "/search", content, Origin="http://evil.example").status == 403
    assert asked("GET", "/gallery", Sec_Fetch_Site="cross-site").status == 403
    assert asked("GET", "/", Sec_Fetch_Site="cross-site").status == 200
    for method, path in [("POST", "/images"), ("DELETE", "/images/1"), ("PATCH", "/identities"), ("PUT", "/gallery")]:
        assert asked(method, path).status == 401
        assert asked(method, path, token="wrong").status == 401  # noqa: S106
    assert asked("POST", "/images/", content).status == 401
    assert asked("GET", "/gallery", X_Forwarded_For="1.2.3.4").status == 401
    assert asked("GET", "/gallery", token=TOKEN, X_Forwarded_For="1.2.3.4").status == 200
    assert "bearer" in asked("DELETE", "/images/1").headers["www-authenticate"].lower()


@pytest.mark.parametrize("size", [10_001, 100_000, 1_000_000])
def test_bodies_that_are_too_large(small, size):
    """413 for the told length and for what comes in chunks; the client hears it even where it goes on sending."""
    told = small.ask("POST", "/search", b"x" * size)
    chunked = raw(small, b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n")

    assert told.status == 413
    assert "10,000" in told.json()["detail"]
    assert chunked.startswith(b"HTTP/1.1 413")
    assert until(lambda: not small.running.budget.used)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: -1\r\n\r\n", b"400"),
        (b"Content-Length: 1e12\r\n\r\n", b"400"),
        (b"Content-Length: 1000000000000\r\n\r\n", b"413"),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", b"400"),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"4"),
    ],
)
def test_lengths_that_lie(small, head, status):
    """Are answered at once, and with no more than a refusal."""
    assert raw(small, head).startswith(b"HTTP/1.1 " + status)


def test_all_bodies_together_are_bounded(small):
    """Two of 9,000 bytes are too many for 15,000: the second is told to come again, and it can when the first is gone."""
    first = socket.create_connection(("127.0.0.1", small.port), timeout=10)
    with first:
        first.sendall(HEAD + b"Content-Length: 9001\r\n\r\n" + b"x" * 9000)
        assert until(lambda: small.running.budget.used >= 9000)
        second = small.ask("POST", "/search", b"x" * 9000)
        first.sendall(b"x")
        first.recv(1)
        assert until(lambda: not small.running.budget.used)
    third = small.ask("POST", "/search", b"x" * 9000)

    assert (second.status, third.status) == (429, 422)
    assert "retry-after" in second.headers


def test_faults_of_the_server_are_logged_and_not_explained(served, monkeypatch, caplog):
    """500 with a number, under which the log has the traceback; nothing of it goes to the client."""
    monkeypatch.setattr(served.service, "statistics", lambda: 1 / 0)
    with caplog.at_level(logging.ERROR, "reid.serve"):
        reply = served.ask("GET", "/gallery")
        until(lambda: bool(caplog.text))

    assert reply.status == 500
    assert reply.json()["detail"] == "the server could not do this; its log says why"
    assert reply.json()["request"] in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_an_answer_that_takes_too_long(tmp_path):
    """503, and the place of the request is free again."""
    with servers.server(tmp_path, limits=replace(Limits(), answer_seconds=0.2)) as one:
        service = one.service
        service.statistics = lambda: time.sleep(0.6)  # type: ignore[method-assign]
        assert one.ask("GET", "/gallery").status == 503
        assert one.running.look.working == 0


def test_what_everybody_may_read():
    """The page and whether the server is there; nothing of the gallery."""
    assert [is_public(path) for path in ("/", "/health", "/page/x", "/openapi.json")] == [True] * 4
    assert [is_public(path) for path in ("/gallery", "/metrics", "/images", "/page", "//", "/health/")] == [False] * 6


HEAD = b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"


def raw(server, after_head):
    """The first bytes of the answer to a search whose last header lines and body are given."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(HEAD + after_head)
        return client.recv(1000)
