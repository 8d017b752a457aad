#!/usr/bin/env python3
"""What a gallery in a folder costs as it grows: to fill, open, search, filter, change, in time, memory and room.

python benchmarks/gallery.py [--rows 10000,100000,1000000] [--dimension 128] [--out FOLDER] [--threads 2] [--device cuda]

Times mean little on a shared machine, so every search is compared with faiss's exact one (IndexFlatIP) over the same
vectors in the same process, question by question in turn. Vectors are drawn: identities in random directions, 20 images
of each around it, on cameras 0..49 over 30 days. Questions are further images of the same identities; recall@10 counts
the true ten best that are found. Filling and searching run in processes of their own, so that memory is that of a
process that only searches.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
BATCH, EACH, CAMERAS, DAYS, QUERIES, K = 1000, 20, 50, 30, 200, 10
DAY = 86_400.0


def drawn(first: int, count: int, dimension: int, noise: float, *, query: bool = False) -> Floats:
    """Images first, first + 1, ... of the identities first // EACH, ...; other ones for queries."""
    numbers = np.arange(first, first + count)
    names, place = np.unique(numbers // EACH, return_inverse=True)
    centres = np.stack([generator(int(name), 0).standard_normal(dimension, dtype=np.float32) for name in names])
    rows = centres[place] + noise * generator(first, 2 if query else 1).standard_normal(
        (count, dimension), dtype=np.float32
    )
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def generator(number: int, purpose: int) -> np.random.Generator:
    """Random numbers that depend on nothing else."""
    return np.random.Generator(np.random.Philox(key=np.array([number, purpose], dtype=np.uint64)))


def fill(folder: Path, rows: int, dimension: int, noise: float) -> dict[str, float]:
    """Add all vectors in batches, each of which lasts before the next; then cluster."""
    from reid.gallery.embedded.store import EmbeddedStore
    from reid.gallery.entries import Entry
    from reid.gallery.store import About

    store = EmbeddedStore.create(folder, About(dimension, "f" * 64, {}))
    seconds = []
    for first in range(0, rows, BATCH):
        count = min(BATCH, rows - first)
        vectors = drawn(first, count, dimension, noise)
        entries = [
            Entry(
                f"crops/{n % CAMERAS:02d}/{n:08d}.jpg",
                f"car-{n // EACH}",
                n % CAMERAS,
                DAYS * DAY * (n * 7919 % rows) / rows,
                "crops",
            )
            for n in range(first, first + count)
        ]
        seconds.append(timed(lambda e=entries, v=vectors: store.add(e, v, [None] * len(e))))
    settled = timed(store.settle)
    store.close()
    size = sum(path.stat().st_size for path in folder.iterdir())
    return {
        "added a second": rows / sum(seconds),
        "slowest batch ms": 1e3 * max(seconds),
        "clustering s": settled,
        "room / vectors": size / (4 * rows * dimension),
    }


def timed(work: Callable[[], Any]) -> float:
    """Seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def search(folder: Path, rows: int, dimension: int, noise: float, device: str | None = None) -> dict[str, float]:
    """Open, search with and without a condition, and remove; compared with faiss over the same vectors."""
    from reid.gallery.embedded.store import EmbeddedStore
    from reid.gallery.filters import Where

    chosen = generator(0, 3).integers(0, rows, QUERIES)
    queries = np.concatenate([drawn(int(n), 1, dimension, noise, query=True) for n in chosen])
    before = resident()
    start = time.perf_counter()
    store = EmbeddedStore(folder)
    store.nearest(queries[:1], K, Where())
    opened = time.perf_counter() - start
    for query in queries[:20]:  # machine code is loaded once
        store.nearest(query[None], K, Where(cameras=(1,), since=0.0, until=DAY))
    raw = store._connections.read(store._following.view).index  # noqa: SLF001  to tell the index from all around it
    inside: list[float] = []
    plain = raw.search
    with patch.object(raw, "search", lambda *args, **rest: clocked(inside, plain, *args, **rest)):
        ours, found = answers(lambda q: store.nearest(q, K, Where())[0], queries)
    memory = resident() - before
    day = Where(cameras=(7,), since=3 * DAY, until=4 * DAY)
    filtered, among = [], []
    for number, query in enumerate(queries):  # another day each time, so that no answer is remembered
        condition = replace(
            day, cameras=(number % CAMERAS,), since=(number % DAYS) * DAY, until=(number % DAYS + 1) * DAY
        )
        filtered.append(timed(lambda q=query, c=condition: among.append((c, store.nearest(q[None], K, c)[0]))))
    exact = compare(store, queries, found, among)
    there = on_device(raw, queries, exact["slots"], device) if device else {}
    removed = timed(lambda: store.remove(Where(ids=tuple(range(1, BATCH + 1)))))
    store.close()
    return {
        "open, first search s": opened,
        "open alone s": timed(lambda: EmbeddedStore(folder).close()),
        "search p50 ms": 1e3 * median(ours),
        "search p99 ms": 1e3 * float(np.quantile(ours, 0.99)),
        "around the index ms": 1e3 * median(whole - part for whole, part in zip(ours, inside, strict=True)),
        "faiss flat p50 ms": 1e3 * exact["seconds"],
        "times faster": exact["seconds"] / median(ours),
        "recall@10": exact["recall"],
        "filtered p50 ms": 1e3 * median(filtered),
        "filtered recall@10": exact["filtered"],
        "filtered images": exact["share"],
        "remove 1,000 s": removed,
        "memory MB": memory / 1e6,
        "codes MB": rows * dimension / 1e6,
        **there,
    }


def clocked(seconds: list[float], work: Callable[..., Any], *args: Any, **rest: Any) -> Any:
    """What `work` returns; its seconds are noted."""
    start = time.perf_counter()
    done = work(*args, **rest)
    seconds.append(time.perf_counter() - start)
    return done


def on_device(index: Any, queries: Floats, right: list[Any], device: str) -> dict[str, float]:
    """Exact searches on a torch device, after the first, which brings the rows there."""
    index.search_on(device)
    first = timed(lambda: index.search(queries[:1], K))
    ours, found = answers(lambda q: index.search(q, K)[0][0], queries)
    together = timed(lambda: index.search(queries, K))
    hits = [len({*one.tolist()} & {*other.tolist()}) for one, other in zip(found, right, strict=True)]
    return {
        "first on device s": first,
        "device p50 ms": 1e3 * median(ours),
        "device, of many, ms each": 1e3 * together / len(queries),
        "device recall@10": float(np.mean(hits)) / K,
    }


def answers(ask: Callable[[Floats], Any], queries: Floats) -> tuple[list[float], list[Any]]:
    """Seconds of every question, one at a time, and the answers."""
    seconds, found = [], []
    for query in queries:
        start = time.perf_counter()
        found.append(ask(query[None]))
        seconds.append(time.perf_counter() - start)
    return seconds, found


def compare(store: Any, queries: Floats, found: list[Any], among: list[Any]) -> dict[str, Any]:
    """What faiss finds in all vectors, and in those that conditions hold for."""
    import faiss

    from reid.gallery.filters import Where

    ids = np.array([image.id for image in store.entries(Where())])
    vectors = np.concatenate([store.vectors(ids[at : at + 50_000].tolist()) for at in range(0, len(ids), 50_000)])
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    seconds, right = answers(lambda q: flat.search(q, K)[1][0], queries)
    hits = [len({i.id for i, _ in one} & set(ids[other].tolist())) for one, other in zip(found, right, strict=True)]
    place, kept, shares = {image: row for row, image in enumerate(ids.tolist())}, [], []
    for query, (condition, answer) in zip(queries, among, strict=True):
        rows = np.array([place[image.id] for image in store.entries(condition)])
        shares.append(len(rows))
        best = rows[np.argsort(-(vectors[rows] @ query), kind="stable")[:K]]
        kept.append(len({i.id for i, _ in answer} & set(ids[best].tolist())) / max(1, len(best)))
    return {
        "slots": right,  # nothing was removed yet, so rows are slots
        "seconds": median(seconds),
        "recall": float(np.mean(hits)) / K,
        "filtered": float(np.mean(kept)),
        "share": median(shares),
    }


def resident() -> int:
    """Bytes of memory of this process that are not pages of files."""
    text = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8")
    return 1024 * sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(("Anonymous:", "Swap:")))


def main() -> None:
    """Every size in processes of its own; print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="10000,100000,1000000")
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--noise", type=float, default=0.6, help="of images around their identity, per number")
    parser.add_argument("--threads", type=int, default=2, help="a search of one query takes one")
    parser.add_argument("--device", help="compare with exact searches there too, such as cuda")
    parser.add_argument("--out", type=Path, help="where galleries are made  [default: a folder that is removed]")
    parser.add_argument("--part", choices=["fill", "search"], help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.part:
        given = chosen.out, int(chosen.rows), chosen.dimension, chosen.noise
        told = fill(*given) if chosen.part == "fill" else search(*given, chosen.device)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(json.dumps({**told, f"{chosen.part} peak MB": peak}))
        return
    place = Path(tempfile.mkdtemp()) if chosen.out is None else chosen.out
    try:
        table({rows: parts(place / rows, rows, chosen) for rows in chosen.rows.split(",")})
    finally:
        if chosen.out is None:
            shutil.rmtree(place)


def parts(folder: Path, rows: str, chosen: argparse.Namespace) -> dict[str, float]:
    """Both parts of one size, each in a process of its own."""
    told: dict[str, float] = {}
    common = ["--rows", rows, "--dimension", str(chosen.dimension), "--noise", str(chosen.noise), "--out", str(folder)]
    common += ["--device", chosen.device] if chosen.device else []
    folder.parent.mkdir(parents=True, exist_ok=True)
    for part in ("fill", "search"):
        command = [sys.executable, __file__, "--part", part, *common]
        threads = {"OMP_NUM_THREADS": str(chosen.threads), "OPENBLAS_NUM_THREADS": str(chosen.threads)}
        done = subprocess.run(command, env={**os.environ, **threads}, stdout=subprocess.PIPE, check=True)
        told |= json.loads(done.stdout)
    return told


def table(columns: dict[str, dict[str, float]]) -> None:
    """A line a figure, a column a size."""
    print(f"| | {' | '.join(f'{int(rows):,}' for rows in columns)} |")
    print("|---|" + "---:|" * len(columns))
    for name in next(iter(columns.values())):
        cells = [f"{told[name]:,.3f}" if told[name] < 10 else f"{told[name]:,.0f}" for told in columns.values()]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
