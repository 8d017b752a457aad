"""Strangers at the door: paths, malformed requests, damaged pictures, slow sockets, kills."""

import contextlib
import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import served as servers
from damage import mutants
from pictures import files
from served import TOKEN, picture, until

from reid.gallery.gallery import Gallery

ROOT = Path(__file__).parents[2]
SEGMENTS = [
    "..",
    "%2e%2e",
    "..%2f",
    "%2e%2e%2f",
    "..\\",
    "%5c..",
    "....//",
    "%00",
    "~",
    "/etc/passwd",
    "%c0%ae%c0%ae/",
    "file:",
]
TARGETS = ["app.py", "../service.py", "etc/passwd", "catalogue.sqlite", "page/main.js", "secret"]


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """A server whose gallery may come to harm."""
    with servers.server(tmp_path_factory.mktemp("door")) as one:
        yield one


def payloads(count, seed=0):
    """Paths that lead out, one way or another."""
    random = np.random.default_rng(seed)
    starts = ["/page/", "/images/", "/images/1/", "/", "/identities/", "//", "/search/"]
    for _ in range(count):
        middle = "/".join(random.choice(SEGMENTS, size=random.integers(1, 5)))
        yield f"{random.choice(starts)}{middle}/{random.choice(TARGETS)}"


def test_no_path_leads_out(door):
    """500 ways to ask for a file that is not the page's: none gives one."""
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
    got = set()
    for path in payloads(500):
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read()
        got.add(answer.status)
        assert b"root:" not in content
        assert b"SQLite" not in content
    connection.close()

    assert got <= {400, 404, 405, 422}


def test_nothing_is_ever_fetched():
    """No code of the server knows how to ask another one, whatever a request says."""
    clients = r"\s*(from|import) (urllib\.request|http\.client|requests|httpx2?|aiohttp|urllib3)\b"
    for path in (ROOT / "reid" / "serve").glob("*.py"):
        text = path.read_text()
        assert not [line for line in text.splitlines() if re.match(clients, line)], path.name
        assert "open_connection" not in text, path.name


def test_damaged_pictures(door):
    """Damaged copies of every kind of picture are found or refused, by the same processes, which stay small."""
    statuses = send_damaged(door, 6)

    assert statuses.keys() <= {200, 422}
    assert statuses[422] > 10


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_many_damaged_pictures(tmp_path):
    """Three hundred of every kind, and one process answers them all."""
    with process(tmp_path) as (answering, server):
        statuses = send_damaged(server, 300)
        assert answering.poll() is None
        assert server.ask("GET", "/health").status == 200

    assert statuses.keys() <= {200, 422}


def send_damaged(server, each):
    """How often each status came."""
    statuses: dict[int, int] = {}
    for content in files().values():
        for mutant in mutants(content, each):
            status = server.ask("POST", "/search?k=1", mutant).status
            statuses[status] = statuses.get(status, 0) + 1
    return statuses


def malformed(random):
    """Bytes that begin like a request and go wrong somewhere."""
    body = json.dumps({"image": 3, "k": 2}).encode()
    request = (
        b"%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
        % (
            random.choice([b"GET", b"POST", b"PATCH", b"DELETE", b"BREW"]),
            random.choice([b"/search", b"/images", b"/images/1/thumbnail", b"/identities", b"/gallery?x=%ff", b"*"]),
            random.choice([b"application/json", b"image/png", b"multipart/form-data; boundary=b", b"\xff"]),
            len(body),
            body,
        )
    )
    for _ in range(random.integers(1, 6)):
        place = random.integers(len(request))
        what = random.integers(3)
        if what == 0:
            request = request[:place] + bytes([random.integers(256)]) + request[place + 1 :]
        elif what == 1:
            request = (
                request[:place] + request[place : place + 20] * int(random.integers(2, 50)) + request[place + 20 :]
            )
        else:
            request = request[:place] + request[place + int(random.integers(1, 30)) :]
    return request


def send_malformed(server, count, seed):
    """How often each class of status came; 0 is none at all."""
    random, got = np.random.default_rng(seed), dict.fromkeys(range(6), 0)
    for _ in range(count):
        with socket.create_connection(("127.0.0.1", server.port), timeout=15) as client, contextlib.suppress(OSError):
            client.sendall(malformed(random))
            client.shutdown(socket.SHUT_WR)
            answer = client.recv(100)
            got[int(answer[9:10]) if answer.startswith(b"HTTP/1.1 ") else 0] += 1
    return got


def test_malformed_requests(door):
    """None makes the server fail, and it answers afterwards as before."""
    got = send_malformed(door, 200, seed=0)

    assert got[5] == 0
    assert got[4] > 50
    assert door.ask("GET", "/health").status == 200
    assert until(lambda: not door.running.budget.used)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_malformed_requests(door):
    """The same ten thousand times, with as many open files and hardly more memory afterwards."""
    send_malformed(door, 500, seed=1)
    before = open_files(), resident()
    got = send_malformed(door, 10_000, seed=2)

    assert got[5] == 0
    assert until(lambda: open_files() <= before[0] + 5, 30)
    assert resident() < before[1] + 50e6


SCRIPT = """
import sys
from pathlib import Path
from served import *
from reid.serve.server import serve
folder = Path(sys.argv[1])
with (Gallery.open(folder / "g") if (folder / "g").exists() else fill(folder / "g")) as gallery:
    service = Service(gallery, Uploads(folder / "uploads"))
    running = Running(service, Embedder(Colours()), Limits())
    bound = listen("127.0.0.1", 0)
    port = bound.getsockname()[1]
    serve(make_app(running, Access(TOKEN)), running, bound, lambda: print(port, flush=True))
"""


@contextlib.contextmanager
def process(folder):
    """A server in a process of its own, which goes on with the gallery in the folder; the process, and the server."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    command = [sys.executable, "-c", SCRIPT, folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as started:
        try:
            yield started, servers.Server(int(started.stdout.readline()), None, None, None, None)
        finally:
            started.terminate()


def health_times(server, seconds, meanwhile=lambda: None):
    """How long it took to be told that it answers, on a connection of its own each time: the median and the 99th part."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        meanwhile()
        start = time.monotonic()
        assert server.ask("GET", "/health").status == 200
        took.append(time.monotonic() - start)
        time.sleep(0.01)
    return np.quantile(took, (0.5, 0.99))


@pytest.mark.soak
def test_a_thousand_slow_sockets(tmp_path):
    """While a thousand connections say a byte now and then, others are answered within 100 ms, 99 times of 100."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        _, server = stack.enter_context(process(tmp_path))
        alone = health_times(server, 5)
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(1000)]

        def say():
            for client in slow[:: 1 + len(slow) // 100]:
                with contextlib.suppress(OSError):
                    client.send(b"G")

        crowded = health_times(server, 15, say)

    assert crowded[1] < max(0.1, 2 * alone[1]), (
        alone,
        crowded,
    )  # a machine that is busy with other work is slow alone, too


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_kills_while_images_are_added(tmp_path):
    """Ten kills at random moments, each image being sent until it is acknowledged: every one is there, and once."""
    random, sent = np.random.default_rng(0), []
    for _ in range(10):
        with process(tmp_path) as (killed, one), contextlib.suppress(OSError, http.client.HTTPException):
            if sent:
                assert one.ask("POST", "/images", sent[-1], token=TOKEN).status in {200, 201}
            end = time.monotonic() + random.uniform(0.05, 0.6)
            while True:
                sent.append(picture(len(sent) % 6, 5000 + len(sent)))
                if time.monotonic() > end:
                    killed.send_signal(signal.SIGKILL)
                assert one.ask("POST", "/images", sent[-1], token=TOKEN).status in {200, 201}
    with Gallery.open(tmp_path / "g") as gallery:
        digests = [image.sha256 for image in gallery.images()]
        assert gallery.store.check() == []

    assert len(digests) == len(set(digests))
    assert len(sent) - 1 <= len(digests) - 24 <= len(sent)


def resident():
    """Bytes that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def open_files():
    """How many this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))
