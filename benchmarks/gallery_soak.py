#!/usr/bin/env python3
"""A gallery under mixed work for a long time: does it stay right, and do memory and files stay flat?

python benchmarks/gallery_soak.py [--minutes 10] [--readers 3] [--images 20000]

One process adds, labels, removes and compacts so that the number of images stays about the same; others search, with and
without conditions, and look at every hit: it fulfils the condition, its vector is the one of its name, scores are those
of the vectors. Every half minute a line: operations so far, memory of each process, room on disk.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.gallery.embedded.store import EmbeddedStore
from reid.gallery.entries import Entry
from reid.gallery.filters import Where
from reid.gallery.store import About

DIMENSION, BATCH, CAMERAS = 64, 200, 8


def vector(number: int) -> NDArray[np.float32]:
    """The vector of image number so-and-so."""
    made = np.random.Generator(np.random.Philox(key=number)).standard_normal(DIMENSION, dtype=np.float32)
    return np.asarray(made / np.linalg.norm(made), dtype=np.float32)


def entry(number: int) -> Entry:
    """What is known of it."""
    return Entry(
        f"{number}.jpg", f"car-{number // 10}", number % CAMERAS, float(number), "soak", None, f"{number:064x}"
    )


def write(folder: Path, images: int, stop: Event, told: Any) -> None:
    """Add at one end and remove at the other."""
    store, first, last, done = EmbeddedStore(folder), 0, images, 0
    while not stop.is_set():
        numbers = range(last, last + BATCH)
        store.add([entry(n) for n in numbers], np.stack([vector(n) for n in numbers]), [None] * BATCH)
        store.remove(Where(until=float(first + BATCH)))
        store.label(Where(identities=(f"car-{(first + images // 2) // 10}",)), "relabelled")
        first, last, done = first + BATCH, last + BATCH, done + 3
        if done % 300 == 0:
            store.compact()
            store.settle()
        told.put((os.getpid(), "changes", 3))
    store.close()


def read(folder: Path, seed: int, stop: Event, told: Any) -> None:
    """Search, and look at every hit."""
    store, chance, done = EmbeddedStore(folder), np.random.Generator(np.random.Philox(key=seed)), 0
    while not stop.is_set():
        query = vector(int(chance.integers(10**6, 2 * 10**6)))
        camera = int(chance.integers(CAMERAS))
        where = (Where(), Where(cameras=(camera,)), Where(not_cameras=(camera,), since=0.0))[done % 3]
        hits = store.nearest(query[None], 10, where)[0]
        for image, score in hits:
            right = float(vector(int(image.path.removesuffix(".jpg"))).astype(float) @ query.astype(float))
            if not where.holds(image) or abs(score - right) > 1e-6:
                raise SystemExit(f"wrong: {image} scored {score}, which is {right}")
        if len(hits) != 10 or sorted((s for _, s in hits), reverse=True) != [s for _, s in hits]:
            raise SystemExit(f"wrong: {len(hits)} hits")
        done += 1
        if done % 100 == 0:
            told.put((os.getpid(), "searches", 100))
    store.close()


def memory(process: int) -> float:
    """MB of a process that are its own."""
    text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="utf-8")
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Anonymous:")) / 1e3


def main() -> None:
    """Start all, tell, and end them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--readers", type=int, default=3)
    parser.add_argument("--images", type=int, default=20_000)
    chosen = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "gallery"
        store = EmbeddedStore.create(folder, About(DIMENSION, "f" * 64, {}))
        for start in range(0, chosen.images, 1000):
            numbers = range(start, start + 1000)
            store.add([entry(n) for n in numbers], np.stack([vector(n) for n in numbers]), [None] * 1000)
        store.close()
        stop, told = context.Event(), context.Queue()
        workers = [context.Process(target=write, args=(folder, chosen.images, stop, told))]
        workers += [context.Process(target=read, args=(folder, n, stop, told)) for n in range(chosen.readers)]
        for worker in workers:
            worker.start()
        watch(workers, folder, told, chosen.minutes)
        stop.set()
        while any(worker.is_alive() for worker in workers):
            while not told.empty():
                told.get()
            time.sleep(0.1)
        store = EmbeddedStore(folder)
        print("ended with", [worker.exitcode for worker in workers], "problems:", store.check(), store.counts())
        store.close()


def watch(workers: list[Any], folder: Path, told: Any, minutes: float) -> None:
    """A line every half minute, until the time is over or a process has ended."""
    start, counts, line = time.monotonic(), {"changes": 0, "searches": 0}, 0
    while time.monotonic() - start < 60 * minutes and all(worker.is_alive() for worker in workers):
        time.sleep(0.5)
        while not told.empty():
            _, what, number = told.get()
            counts[what] += number
        if time.monotonic() - start > 30 * line:
            line += 1
            own = [f"{memory(worker.pid):.0f}" for worker in workers if worker.is_alive()]
            room = sum(path.stat().st_size for path in folder.iterdir() if path.exists()) / 1e6
            print(
                f"{time.monotonic() - start:5.0f} s  {counts}  memory {' '.join(own)} MB  disk {room:.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
