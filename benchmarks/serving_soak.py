#!/usr/bin/env python3
"""A server under mixed work for a long time: does it stay up, as quick, and as small?

python benchmarks/serving_soak.py [--minutes 10] [--rows 20000] [--share 0.8] [--overload 2]

Ten times: the mix of requests is sent as fast as it is answered, which is the capacity of the moment; then one in ten of
that, which is the calm; then --share of the capacity, for --minutes in all: searches by upload and by image, thumbnails,
lists and timelines, additions, labels, removals, and one in twenty that is bad: damaged pictures, other types, bombs,
broken JSON, wrong tokens, bodies beyond the limit. Then, for --overload minutes, 400 clients ask without any pause. All but 2xx and 4xx
and refusals with Retry-After is a fault, and so is what grows: memory, open files, threads, files left behind.
Clients and server share the machine's cores.
"""

import argparse
import http.client
import itertools
import json
import multiprocessing
import os
import random
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from serving import TOKEN, fill, jpeg, resident, server

RIGHTS = {"Authorization": f"Bearer {TOKEN}"}
JPEG = {"Content-Type": "image/jpeg"}
TYPED = {"Content-Type": "application/json"}
CLIENTS, CROWD = 16, 400
MIX = {"upload": 55, "image": 14, "thumbnail": 10, "look": 6, "add": 4, "label": 2, "remove": 4, "bad": 5}
BOMB = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0"


@dataclass
class Told:
    """What clients were told: (kind, status) -> how often, kind -> seconds, and faults."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    skipped: int = 0

    def note(self, kind: str, status: int, took: float, *, again: bool) -> None:
        """Count one answer."""
        with self.lock:
            self.statuses[kind, status] += 1
            self.seconds.setdefault(kind, []).append(took)
            if status >= 500 and not (status == 503 and again):
                self.faults[f"{status} to {kind}"] += 1

    def quantile(self, share: float) -> float:
        """Seconds within which this share of the good requests was answered."""
        good = [one for kind, times in self.seconds.items() if kind != "bad" for one in times]
        return float(np.quantile(good, share)) if good else float("nan")

    def line(self, seconds: float) -> str:
        """How many, and how long good ones took."""
        p50, p99 = 1000 * self.quantile(0.5), 1000 * self.quantile(0.99)
        refused = sum(count for (_, status), count in self.statuses.items() if status in {429, 503})
        every = sum(self.statuses.values())
        return f"{every / seconds:7.0f} a second, p50 {p50:6.1f} ms, p99 {p99:6.1f} ms, {refused} refused, faults {dict(self.faults)}"


class Mix:
    """Requests of one client, drawn by its own numbers; it labels and removes only what it added."""

    def __init__(self, seed: int, rows: int, pictures: list[bytes]) -> None:
        self.chance, self.rows, self.pictures = random.Random(seed), rows, pictures  # noqa: S311
        self.own: list[int] = []
        self.names = (f"{seed} {n}".encode() for n in itertools.count())

    def draw(self) -> tuple[str, tuple[str, str, bytes | None, dict[str, str]]]:
        """A kind, and method, path, body and headers."""
        kind = self.chance.choices(list(MIX), list(MIX.values()))[0]
        if kind in {"label", "remove"} and not self.own:
            kind = "add"
        return kind, getattr(self, f"_{kind}")()

    def _picture(self) -> bytes:
        return self.chance.choice(self.pictures)

    def _upload(self) -> Any:
        return (
            "POST",
            self.chance.choice(("/search?by=identity", "/search?k=5&camera=3&not_camera=7")),
            self._picture(),
            JPEG,
        )

    def _image(self) -> Any:
        asked = {"image": self.chance.randint(1, self.rows), "rerank": self.chance.random() < 0.1}
        return "POST", "/search", json.dumps(asked).encode(), TYPED

    def _thumbnail(self) -> Any:
        return "GET", f"/images/{self.chance.randint(1, self.rows)}/thumbnail", None, {}

    def _look(self) -> Any:
        car = self.chance.randrange(self.rows // 20)
        paths = (
            "/gallery",
            "/health",
            "/metrics",
            "/images?camera=3&limit=50",
            f"/identities/timeline?identity=car-{car}",
        )
        return "GET", self.chance.choice(paths), None, {}

    def _add(self) -> Any:
        # Bytes behind a JPEG make it another file without making it another picture.
        return "POST", "/images?camera=1&identity=added", self._picture() + next(self.names), {**JPEG, **RIGHTS}

    def _label(self) -> Any:
        told = {"ids": [self.chance.choice(self.own)], "identity": f"named-{self.chance.randrange(9)}"}
        return "PATCH", "/identities", json.dumps(told).encode(), {**TYPED, **RIGHTS}

    def _remove(self) -> Any:
        return "DELETE", f"/images/{self.own.pop(self.chance.randrange(len(self.own)))}", None, RIGHTS

    def _bad(self) -> Any:
        content = bytearray(self._picture())
        content[self.chance.randrange(len(content))] ^= 255
        if self.chance.random() < 0.02:
            return "POST", "/search", bytes(17 * 2**20), JPEG
        return self.chance.choice(
            (
                ("POST", "/search", bytes(content), JPEG),
                ("POST", "/images", bytes(content[: len(content) // 2]), {**JPEG, **RIGHTS}),
                ("POST", "/search", b"no picture", JPEG),
                ("POST", "/search", BOMB + bytes(1000), JPEG),
                ("POST", "/search", bytes(content), {"Content-Type": "text/plain"}),
                ("POST", "/search", b'{"image": ', TYPED),
                ("POST", "/images", bytes(content), {**JPEG, "Authorization": "Bearer wrong"}),
                ("DELETE", "/images/999999999", None, RIGHTS),
            )
        )


class Clients:
    """A few that send at a given rate, or without pause.

    Args:
        port: of the server.
        mixes: of each client.
    """

    def __init__(self, port: int, mixes: list[Mix]) -> None:
        self.port, self.mixes = port, mixes

    def work(self, seconds: float, rate: float | None = None, *, patient: bool = True) -> Told:
        """What they were told in so many seconds; what cannot be sent within a second of its time is left out."""
        told, start = Told(), time.monotonic()
        times = (start + n / rate for n in itertools.count()) if rate else None

        def client(mix: Mix) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            while (now := time.monotonic()) < start + seconds:
                if times is not None:
                    with told.lock:
                        due = next(times)
                    if due < now - 1:
                        told.skipped += 1
                        continue
                    time.sleep(max(0.0, min(due, start + seconds) - now))
                self._one(connection, mix, told, patient=patient)
            connection.close()

        threads = [threading.Thread(target=client, args=(mix,)) for mix in self.mixes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return told

    def _one(self, connection: http.client.HTTPConnection, mix: Mix, told: Told, *, patient: bool) -> None:
        (kind, request), begun = mix.draw(), time.monotonic()
        try:
            connection.request(*request)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if len(request[2] or b"") < 2**24:  # too much may be cut off while it is sent
                with told.lock:
                    told.faults[type(error).__name__] += 1
            return
        again = answer.headers.get("Retry-After")
        told.note(kind, answer.status, time.monotonic() - begun, again=again is not None)
        if answer.status == 201:
            mix.own.append(json.loads(content)["id"])
        if patient and again is not None:
            time.sleep(float(again))


class Watch(threading.Thread):
    """Looks at the server's process every few seconds."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.rows, self.over = process, [], threading.Event()

    def run(self) -> None:
        """Until it is over."""
        while not self.over.wait(2):
            place = Path(f"/proc/{self.process}")
            files, threads = len(list((place / "fd").iterdir())), len(list((place / "task").iterdir()))
            children = (place / "task" / str(self.process) / "children").read_text()
            self.rows.append((time.monotonic(), resident(self.process), files, threads, hash(children)))

    def tell(self, name: str, since: float) -> None:
        """What became of it from a moment on: the slope by least squares with its standard error."""
        seen = np.array([row for row in self.rows if row[0] >= since])
        if len(seen) < 4:
            return
        hours = (seen[:, 0] - seen[:, 0].mean()) / 3600
        (slope, level), residual = np.polyfit(hours, seen[:, 1], 1), 0.0
        residual = float(np.std(seen[:, 1] - (slope * hours + level)) / (np.std(hours) * len(hours) ** 0.5))
        spans = ", ".join(
            f"{what} {seen[:, n].min():.0f} to {seen[:, n].max():.0f}"
            for n, what in ((1, "MB"), (2, "files"), (3, "threads"))
        )
        print(
            f"{name}: memory {slope:+.1f} MB/h (± {residual:.1f}); {spans}; new processes {len(set(seen[:, 4])) - 1}",
            flush=True,
        )


def crowd(port: int, rows: int, seconds: float, told: Any) -> None:
    """Clients that ask without pause, whatever they are told; in a process of their own."""
    pictures = [jpeg(n) for n in range(8)]
    result = Clients(port, [Mix(1000 + n, rows, pictures) for n in range(CROWD)]).work(seconds, patient=False)
    told.put((dict(result.statuses), dict(result.faults)))


def health(port: int) -> tuple[int, float]:
    """Status and seconds."""
    start = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/health")
    status = connection.getresponse().status
    connection.close()
    return status, time.monotonic() - start


def overload(port: int, rows: int, minutes: float, capacity: float, watch: Watch) -> None:
    """A crowd, and somebody who asks whether the server answers."""
    context = multiprocessing.get_context("spawn")
    told: Any = context.Queue()
    process = context.Process(target=crowd, args=(port, rows, 60 * minutes, told))
    begun, asked = time.monotonic(), []
    process.start()
    while process.is_alive() and told.empty():
        asked.append(health(port))
        time.sleep(0.1)
    statuses, faults = told.get(timeout=60)
    process.join()
    by: Counter[int] = Counter()
    for (_, status), count in statuses.items():
        by[status] += count
    times = sum(by.values()) / (60 * minutes * capacity)
    print(f"overload: {CROWD} clients, {times:.1f} x capacity; {dict(sorted(by.items()))}, faults {faults}")
    p50, p99 = 1000 * np.quantile([seconds for _, seconds in asked], (0.5, 0.99))
    print(f"/health meanwhile: {dict(Counter(status for status, _ in asked))}, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    watch.tell("overload", begun + 20 * minutes)


def measured(clients: Clients, seconds: float) -> tuple[float, float]:
    """The capacity in requests a second, and the median of seconds with one in ten of that, of this moment."""
    capacity = sum(clients.work(seconds).statuses.values()) / seconds
    calm = clients.work(seconds, capacity / 10)
    return capacity, float(np.median([one for kind, times in calm.seconds.items() if kind != "bad" for one in times]))


def steady(clients: Clients, minutes: float, share: float, watch: Watch) -> float:
    """The long part, ten times measured anew, as other work on the machine comes and goes; the last capacity."""
    begun, every, capacity = time.monotonic(), Told(), 0.0
    for part in range(10):
        capacity, calm = measured(clients, min(10.0, 1.5 * minutes))
        told = clients.work(6 * minutes, share * capacity)
        every.statuses.update(told.statuses)
        every.faults.update(told.faults)
        ratio = told.quantile(0.99) / calm
        print(f"{part + 1:>3} of 10: capacity {capacity:.0f}, calm p50 {1000 * calm:.0f} ms; {told.line(6 * minutes)}")
        print(f"           p99 is {ratio:.1f} x the calm p50; {told.skipped} not sent", flush=True)
    watch.tell("after the first fifth", begun + 0.2 * (time.monotonic() - begun))
    for kind in MIX:
        by = {status: count for (one, status), count in sorted(every.statuses.items()) if one == kind}
        print(f"  {kind:<10} {by}")
    return capacity


def left(folder: Path, port: int, rows: int) -> str:
    """Files that nothing needs: uploads of no image, and what was to be temporary."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/gallery")
    added = json.loads(connection.getresponse().read())["images"] - rows
    connection.close()
    files = [path for path in folder.rglob("*") if path.is_file() and "run" not in path.parts]
    uploads = [path for path in files if path.parent.name == "uploads"]
    strange = [path.relative_to(folder).as_posix() for path in files if "tmp" in path.relative_to(folder).as_posix()]
    return f"{len(uploads)} uploaded files for {added} added images, temporary files left: {strange}"


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--share", type=float, default=0.8)
    parser.add_argument("--overload", type=float, default=2.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        gallery = fill(folder, options.rows)
        (folder / "tmp").mkdir()
        os.environ["TMPDIR"] = str(folder / "tmp")
        mixes = [Mix(seed, options.rows, [jpeg(n) for n in range(64)]) for seed in range(CLIENTS)]
        with server(gallery, folder / "uploads") as (port, process):
            clients, watch = Clients(port, mixes), Watch(process)
            watch.start()
            clients.work(5)
            print(f"{os.cpu_count()} cores, {options.rows:,} images", flush=True)
            capacity = steady(clients, options.minutes, options.share, watch)
            if options.overload:
                overload(port, options.rows, options.overload, capacity, watch)
                print(f"afterwards: {clients.work(30, capacity / 10).line(30)}")
            watch.over.set()
            print(f"the same process answers: {health(port)[0] == 200}; {left(folder, port, options.rows)}")


if __name__ == "__main__":
    main()
