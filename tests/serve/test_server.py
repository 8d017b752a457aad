"""Listening, and ending when told to."""

import gc
import http.client
import os
import signal
import socket
import threading
import time
from contextlib import ExitStack

import pytest
import served as servers

from reid.embed import Embedder
from reid.errors import ConfigError
from reid.serve.access import Access
from reid.serve.app import make_app
from reid.serve.limits import Limits
from reid.serve.running import Running
from reid.serve.server import listen, make_server, serve
from reid.serve.service import Service
from reid.serve.uploads import Uploads


@pytest.mark.parametrize(("number", "ends"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_signals_end_it_cleanly(tmp_path, number, ends):
    """Also with a client in the middle of a request: all processes and threads end, and the signal goes on to the caller."""

    def terminate(*_):
        raise SystemExit

    before = signal.signal(signal.SIGTERM, terminate)
    threads = {*threading.enumerate()}
    with servers.fill(tmp_path / "g") as gallery:
        running = Running(Service(gallery, Uploads(None)), Embedder(servers.Colours()), Limits())
        bound, clients, kept = listen("127.0.0.1", 0), [], []
        port = bound.getsockname()[1]

        def interrupt():
            clients.append(socket.create_connection(("127.0.0.1", port)))
            clients[0].sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /he")
            clients[0].recv(100)
            kept.append(gc.get_freeze_count())
            os.kill(os.getpid(), number)

        client = threading.Thread(target=interrupt)
        try:
            with pytest.raises(ends):
                serve(make_app(running, Access("token")), running, bound, client.start)
        finally:
            signal.signal(signal.SIGTERM, before)
            client.join()
            clients[0].close()

    assert all(child._process is None for child in running._decoders._children)
    end = time.monotonic() + 5  # one that has put its work away may take a moment to be gone
    while (left := [thread for thread in threading.enumerate() if thread not in threads]) and time.monotonic() < end:
        time.sleep(0.01)
    assert left == []
    assert kept[0] > 0  # collected no more while it answered, and as before afterwards
    assert gc.get_freeze_count() == 0
    assert bound.fileno() == -1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_addresses_that_cannot_be_listened_on():
    """Each is named, with what to do."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1 port {port}: .*--port"):
            listen("127.0.0.1", port)
    with pytest.raises(ConfigError, match=r"cannot listen on no\.such\.host\.invalid"):
        listen("no.such.host.invalid", 0)


def test_a_crowd_is_let_in_by_and_by(served):
    """A few at a time, so that those who are in are heard in between; all of a crowd can wait meanwhile, and is answered."""
    limits = Limits()
    assert make_server(make_app(served.running, served.access), limits, lambda: None).config.backlog <= 16
    with ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=10)) for _ in range(200)
        ]
        for client in clients:
            client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert all(client.recv(100).startswith(b"HTTP/1.1 200") for client in clients)


def test_small_answers_are_sent_at_once(served):
    """Ten on one connection take nothing like the forty milliseconds each for which TCP would hold them back."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    took = []
    for _ in range(10):
        start = time.monotonic()
        connection.request("GET", "/images/1/thumbnail")
        connection.getresponse().read()
        took.append(time.monotonic() - start)
    connection.close()

    assert min(took) < 0.03
