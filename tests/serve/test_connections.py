"""Slow and silent clients, on real sockets."""

import socket
import time
from contextlib import ExitStack

import pytest
import served as servers

from reid.serve.limits import Limits


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """A server that waits half a second for headers for a body too, and keeps 20 connections."""
    limits = Limits(head_seconds=0.5, body_seconds=0.5, connections=20)
    with servers.server(tmp_path_factory.mktemp("impatient"), limits=limits) as one:
        yield one


def connected(server):
    """A socket to it."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def rest(client):
    """All that comes until the other side closes; what it reset is closed too."""
    got = b""
    try:
        while part := client.recv(65536):
            got += part
    except ConnectionResetError:
        pass
    return got


@pytest.mark.parametrize(
    "begun", [b"", b"GET /health HTTP/1.1\r\n", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: "]
)
def test_headers_that_do_not_come(impatient, begun):
    """The connection is closed after half a second, however much of them has come, with 408."""
    with connected(impatient) as client:
        start = time.monotonic()
        client.sendall(begun)
        got = rest(client)

    assert got.startswith(b"HTTP/1.1 408")
    assert 0.3 < time.monotonic() - start < 5


def test_headers_byte_by_byte_do_not_set_the_clock_back(impatient):
    """The same for a client that always sends one more byte, also after a first request that was answered."""
    with connected(impatient) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.1)
        start = time.monotonic()
        try:
            for byte in b"GET /health HTTP/1.1\r\nX-Slow: " + b"a" * 200:
                client.sendall(bytes([byte]))
                time.sleep(0.05)
        except (BrokenPipeError, ConnectionResetError):
            pass

    assert time.monotonic() - start < 3


def test_several_requests_on_a_connection(impatient):
    """Sent one after another or all at once, they are answered in order; a pause in between is no fault."""
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connected(impatient) as client:
        client.sendall(3 * request)
        time.sleep(0.8)
        client.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        got = rest(client)

    assert got.count(b"HTTP/1.1 200") == 4


def test_a_body_that_does_not_come(impatient):
    """408 after half a second, where the length is told and where it is not."""
    for head in (b"Content-Length: 100", b"Transfer-Encoding: chunked"):
        with connected(impatient) as client:
            client.sendall(
                b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n" + head + b"\r\n\r\n"
            )
            assert rest(client).startswith(b"HTTP/1.1 408")


def test_the_silent_make_room(impatient):
    """With 60 silent connections where 20 are kept, everyone who asks is answered at once."""
    with ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(connected(impatient))
        start = time.monotonic()
        statuses = [impatient.ask("GET", "/health").status for _ in range(5)]

    assert statuses == [200] * 5
    assert time.monotonic() - start < 2
