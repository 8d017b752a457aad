#!/usr/bin/env python3
"""What `reid-serve` carries on one machine: requests a second, times to an answer, and memory.

python benchmarks/serving.py [--gallery G] [--rows 100000] [--seconds 10] [--clients 1,8,50]

A server runs in a process of its own, on a gallery of drawn vectors with a small network (small-cnn, 96 pixels), or on
the gallery that is named. Clients, in this process, each send the next request on a kept connection as soon as the last
is answered: searches by an image of the gallery, searches with an uploaded JPEG, thumbnails, and additions beside
searches. What is refused (429) is counted apart, and asked again after the time that the refusal names. Clients and
server share the machine's cores, so that a server with cores of its own does better.
"""

import argparse
import hashlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

TOKEN = "benchmark-token-of-this-machine"  # noqa: S105  of a server that lives for a minute
Request = tuple[str, str, bytes | None, dict[str, str]]


@dataclass
class Load:
    """What clients were told."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def line(self, name: str, clients: int, lasted: float, memory: float) -> str:
        """A row of the table."""
        good = sorted(self.seconds)
        at = {
            share: 1000 * good[min(len(good) - 1, int(share * len(good)))] if good else float("nan")
            for share in (0.5, 0.99)
        }
        refused = sum(count for status, count in self.statuses.items() if status == 429)
        failed = sum(count for status, count in self.statuses.items() if status not in {200, 201, 429})
        return (
            f"{name:<34} {clients:>7} {len(good) / lasted:>9.0f} {at[0.5]:>8.1f} {at[0.99]:>8.1f} {refused:>8} {failed:>7} "
            f"{memory:>8.0f}"
        )


def fill(folder: Path, rows: int) -> Path:
    """A run with random weights, and a gallery of drawn vectors for it; the gallery's folder."""
    import torch

    from reid import Gallery, load_embedder
    from reid.data.thumbnails import thumbnail
    from reid.gallery.entries import Entry
    from reid.model.embedder import Architecture, EmbeddingNetwork
    from reid.model.store import Description, save_model

    torch.manual_seed(0)
    architecture = Architecture("small-cnn", 128, 4)
    (folder / "run").mkdir()
    description = Description(architecture, (96, 96), "resize", "area", "vehicle", "drawn")
    save_model(folder / "run", EmbeddingNetwork(architecture), description)
    embedder = load_embedder(folder / "run", device="cpu")
    small = thumbnail(drawn(0))
    with Gallery.create(folder / "g", embedder, run=folder / "run") as gallery:
        for first in range(0, rows, 1000):
            random = np.random.Generator(np.random.Philox(key=np.array([first, 0], dtype=np.uint64)))
            vectors = random.standard_normal((min(1000, rows - first), 128), dtype=np.float32)
            entries = [
                Entry(
                    f"/drawn/{n}.jpg",
                    f"car-{n // 20}",
                    n % 50,
                    60.0 * n,
                    "drawn",
                    None,
                    hashlib.sha256(b"%d" % n).hexdigest(),
                )
                for n in range(first, first + len(vectors))
            ]
            unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
            gallery.store.add(entries, unit, [small] * len(entries))
        gallery.store.settle()
    return folder / "g"


def drawn(number: int) -> np.ndarray:
    """(120, 160, 3) uint8: blurred colours, another for each number."""
    import cv2

    random = np.random.Generator(np.random.Philox(key=np.array([number, 1], dtype=np.uint64)))
    coarse = random.integers(0, 256, (8, 10, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def jpeg(number: int) -> bytes:
    """The same as a file."""
    import cv2

    return bytes(cv2.imencode(".jpg", drawn(number))[1].tobytes())


@contextmanager
def server(gallery: Path, uploads: Path) -> Iterator[tuple[int, int]]:
    """Its port and process id."""
    command = [sys.executable, "-m", "reid.cli.serve", gallery, "--port", "0", "--json", "-", "--uploads", uploads]
    with subprocess.Popen(
        [*map(str, command), "--device", "cpu"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "REID_TOKEN": TOKEN},
    ) as process:
        if process.stdout is None:
            raise SystemExit("no output")
        told = ""
        while not told.rstrip().endswith("}"):
            if not (line := process.stdout.readline()):
                raise SystemExit("the server did not start")
            told += line
        try:
            yield json.loads(told)["port"], process.pid
        finally:
            process.terminate()


def resident(process: int) -> float:
    """MB that a process and its children hold."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in [process, *children])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def press(port: int, clients: int, seconds: float, request: Callable[[int, int], Request]) -> Load:
    """Let clients ask for a while; the n-th request of a client is `request(client, n)`."""
    load, lock, end = Load(), threading.Lock(), time.monotonic() + seconds

    def client(number: int) -> None:
        connection, n, mine = http.client.HTTPConnection("127.0.0.1", port, timeout=60), 0, Load()
        while time.monotonic() < end:
            start = time.perf_counter()
            connection.request(*request(number, n))
            answer = connection.getresponse()
            answer.read()
            n += 1
            mine.statuses[answer.status] = mine.statuses.get(answer.status, 0) + 1
            if answer.status == 429:
                time.sleep(float(answer.headers.get("Retry-After", 1)))
            if answer.status in {200, 201}:
                mine.seconds.append(time.perf_counter() - start)
        connection.close()
        with lock:
            load.seconds.extend(mine.seconds)
            for status, count in mine.statuses.items():
                load.statuses[status] = load.statuses.get(status, 0) + count

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load


def requests(rows: int, pictures: list[bytes]) -> dict[str, Callable[[int, int], Request]]:
    """What clients ask for, by name."""
    typed = {"Content-Type": "application/json"}

    def image(client: int, n: int) -> int:
        return 1 + (7919 * (client + 1) * (n + 1)) % rows

    def upload(client: int, n: int) -> Request:
        content = pictures[(client + 31 * n) % len(pictures)]
        return "POST", "/search?by=identity", content, {"Content-Type": "image/jpeg"}

    return {
        "GET /images/{id}/thumbnail": lambda client, n: ("GET", f"/images/{image(client, n)}/thumbnail", None, {}),
        "POST /search, image of the gallery": lambda client, n: (
            "POST",
            "/search",
            json.dumps({"image": image(client, n)}).encode(),
            typed,
        ),
        "POST /search, JPEG, by identity": upload,
    }


def mixed(port: int, seconds: float, pictures: list[bytes], asked: Callable[[int, int], Request]) -> tuple[Load, Load]:
    """Searches of one client, while 49 add as fast as they can."""
    adds: list[Load] = []

    def add(client: int, n: int) -> Request:
        # Bytes behind a JPEG make it another file without making it another picture.
        content = pictures[(client + n) % len(pictures)] + f"{client} {n}".encode()
        return "POST", "/images", content, {"Content-Type": "image/jpeg", "Authorization": f"Bearer {TOKEN}"}

    adding = threading.Thread(target=lambda: adds.append(press(port, 49, seconds, add)))
    adding.start()
    searches = press(port, 1, seconds, asked)
    adding.join()
    return searches, adds[0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gallery", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--clients", default="1,8,50")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        gallery = options.gallery or fill(Path(folder), options.rows)
        pictures = [jpeg(n) for n in range(64)]
        with server(gallery, Path(folder) / "uploads") as (port, process):
            begun = resident(process)
            print(f"{os.cpu_count()} cores, {options.rows:,} images; memory after the start {begun:.0f} MB")
            print(
                f"{'request':<34} {'clients':>7} {'per s':>9} {'p50 ms':>8} {'p99 ms':>8} {'refused':>8} {'failed':>7} {'MB':>8}"
            )
            kinds = requests(options.rows, pictures)
            for name, request in kinds.items():
                for clients in map(int, options.clients.split(",")):
                    load = press(port, clients, options.seconds, request)
                    print(load.line(name, clients, options.seconds, resident(process)), flush=True)
            asked = kinds["POST /search, JPEG, by identity"]
            searches, adds = mixed(port, options.seconds, pictures, asked)
            print(searches.line("search of one while 49 add", 1, options.seconds, resident(process)))
            print(adds.line("POST /images of these 49", 49, options.seconds, resident(process)))


if __name__ == "__main__":
    main()
