"""Speed, recall and memory of the index of a gallery's vectors, beside faiss in the same process.

python benchmarks/index.py [--rows 10000 100000] [--sets easy hard] [--queries 100] [--threads 1 2]

Rows are unit vectors of 128 numbers: identities with 10 to 50 images each, which differ by noise that is small (easy) or
as large as what identities have in common (hard), or identities that differ in 24 directions only, as learned ones do
(real). Queries are further images. Ten queries are put to each index in turn, so that whatever else the
machine does meets all of them alike: ratios count. IVF-SQ8 of faiss, which does not look at the vectors again,
has our centroids and the fewest probes with which its lists miss no more than ours, or 1 %. Default sizes take two minutes, a million rows ten.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from reid.gallery.index import Clusters, VectorIndex

DIMENSION, COUNT = 128, 10
TOGETHER = 10  # queries to one index before the next has its turn
SETS = {"easy": (DIMENSION, 0.5), "hard": (DIMENSION, 1.0), "real": (24, 0.7)}


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def drawn(kind: str, rows: int, queries: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows in a random order, and further images of some identities."""
    directions, noise = SETS[kind]
    random = np.random.Generator(np.random.Philox(1))
    sizes = random.integers(10, 51, rows // 25)
    images = random.permutation(np.repeat(np.arange(len(sizes)), sizes)[:rows])
    turn = random.standard_normal((directions, DIMENSION)) if directions < DIMENSION else np.eye(DIMENSION)
    centres = unit(random.standard_normal((int(images.max()) + 1, directions)) @ turn)

    def shown(numbers: np.ndarray) -> np.ndarray:
        spread = random.standard_normal((len(numbers), DIMENSION), dtype=np.float32)
        return unit(centres[numbers] + spread * np.float32(noise / np.sqrt(DIMENSION)))

    parts = [shown(images[start : start + 50_000]) for start in range(0, len(images), 50_000)]
    return np.concatenate(parts), shown(random.choice(images, queries))


@dataclass
class Timed:
    """Milliseconds of each query, and the slots it found."""

    milliseconds: list[float] = field(default_factory=list)
    slots: list[np.ndarray] = field(default_factory=list)

    def ask(self, search: Callable[[np.ndarray], np.ndarray], query: np.ndarray) -> None:
        start = time.perf_counter()
        found = search(query)
        self.milliseconds.append(1e3 * (time.perf_counter() - start))
        self.slots.append(found)

    @property
    def p50(self) -> float:
        return median(self.milliseconds)

    def recall(self, truth: "Timed") -> float:
        return float(
            np.mean([len(np.intersect1d(*pair)) / COUNT for pair in zip(self.slots, truth.slots, strict=True)])
        )


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def anonymous() -> int:
    """Bytes of this process that are in no file."""
    lines = Path("/proc/self/status").read_text().splitlines() if Path("/proc/self/status").exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def ivf(rows: np.ndarray, clusters: Clusters) -> Any:
    import faiss

    lists = len(clusters.centroids)
    quantizer = faiss.IndexFlatL2(DIMENSION)
    quantizer.add(clusters.centroids)
    index = faiss.IndexIVFScalarQuantizer(quantizer, DIMENSION, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_L2)
    index.quantizer_trains_alone = 2
    index.train(rows[:50_000])
    index.add(rows)
    return index


def probes_for(index: Any, queries: np.ndarray, truth: np.ndarray, wanted: float) -> int:
    """The fewest with which lists miss no more than that; what one byte a number misses does not count."""

    def recall(probes: int) -> float:
        index.nprobe = probes
        found = index.search(queries, COUNT)[1]
        return float(np.mean([len(np.intersect1d(*pair)) / COUNT for pair in zip(found, truth, strict=True)]))

    probes, most = 1, recall(index.nlist)
    while probes < index.nlist and recall(probes) < wanted * most:
        probes = max(probes + 1, probes * 5 // 4)
    return min(probes, index.nlist)


def opened(folder: str) -> tuple[float, float]:
    """Seconds until an index of a file of vectors and its lists can be searched, and its megabytes."""
    few = np.eye(DIMENSION, dtype=np.float32)
    small = VectorIndex(DIMENSION, lambda slots: few[slots])  # compiles
    small.append(0, few)
    small.cluster(0)
    small.append(DIMENSION, few)
    before, start = anonymous(), time.perf_counter()
    vectors = np.load(Path(folder) / "vectors.npy", mmap_mode="r")
    lists = Clusters.load(Path(folder) / "lists", {})
    index = VectorIndex(DIMENSION, lambda slots: vectors[slots], clusters=lists)
    index.append(0, vectors)
    index.search(vectors[:1], COUNT)
    return time.perf_counter() - start, (anonymous() - before) / 1e6


@dataclass
class Case:
    """One set of rows of one size, indexed by us and by faiss."""

    rows: np.ndarray
    queries: np.ndarray

    def __post_init__(self) -> None:
        import faiss

        faiss.omp_set_num_threads(1)
        self.flat = faiss.IndexFlatIP(DIMENSION)
        self.flat.add(self.rows)
        self.truth = self.flat.search(self.queries, COUNT)[1]
        self.ours = VectorIndex(DIMENSION, lambda slots: self.rows[slots])
        self.ours.append(0, self.rows[:1000])
        start = time.perf_counter()
        for first in range(1000, len(self.rows), 1000):
            self.ours.append(first, self.rows[first : first + 1000])
        self.appended = (len(self.rows) - 1000) / (time.perf_counter() - start)
        self.clustering = seconds(lambda: self.ours.cluster(0))
        clusters = self.ours.clusters
        assert clusters is not None  # noqa: S101  they were just made
        self.clusters = clusters
        with tempfile.TemporaryDirectory() as folder:
            self.clusters.save(Path(folder) / "lists", {})
            np.save(Path(folder) / "vectors.npy", self.rows)
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                self.loading, self.megabytes = pool.submit(opened, folder).result()
        self._warm_up()

    def _warm_up(self) -> None:
        for query in self.queries[:3]:
            self.ask(query)
            self.ask(query, exact=True)
            self.ask(query, among=np.arange(100))

    def ask(self, query: np.ndarray, **options: Any) -> np.ndarray:
        return self.ours.search(query[np.newaxis], COUNT, **options)[0][0]

    def compared(self, threads: int, other: Any, probes: int) -> dict[str, Timed]:
        """The queries put to all indexes in turn."""
        import faiss

        faiss.omp_set_num_threads(threads)
        os.environ["OMP_NUM_THREADS"] = str(threads)
        other.nprobe = probes
        engines: dict[str, Callable[[np.ndarray], np.ndarray]] = {
            "flat": lambda one: self.flat.search(one[np.newaxis], COUNT)[1][0],
            "ours": self.ask,
            "exact": lambda one: self.ask(one, exact=True),
            "ivf": lambda one: other.search(one[np.newaxis], COUNT)[1][0],
        }
        timed = {name: Timed() for name in engines}
        for first in range(0, len(self.queries), TOGETHER):
            for name, search in engines.items():
                for query in self.queries[first : first + TOGETHER]:
                    timed[name].ask(search, query)
        return timed

    def filtered(self, share: float) -> tuple[float, float]:
        """p50 in milliseconds and recall where a random share of the rows is allowed."""
        import faiss

        random = np.random.Generator(np.random.Philox(2))
        among = np.sort(random.choice(len(self.rows), max(COUNT, int(share * len(self.rows))), replace=False))
        part = faiss.IndexFlatIP(DIMENSION)
        part.add(self.rows[among])
        ours, truth = Timed(), Timed()
        for query in self.queries:
            ours.ask(lambda one: self.ask(one, among=among), query)
            truth.ask(lambda one: among[part.search(one[np.newaxis], COUNT)[1][0]], query)
        return ours.p50, ours.recall(truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=["easy", "hard"])
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    chosen = parser.parse_args()
    for kind in chosen.sets:
        for rows in chosen.rows:
            report(kind, rows, chosen.queries, chosen.threads)


def report(kind: str, rows: int, queries: int, threads: list[int]) -> None:
    case = Case(*drawn(kind, rows, queries))
    ours = np.array([case.ask(query) for query in case.queries])
    recall = np.mean([len(np.intersect1d(*pair)) / COUNT for pair in zip(ours, case.truth, strict=True)])
    start = time.perf_counter()
    other = ivf(case.rows, case.clusters)
    built = time.perf_counter() - start
    probes = probes_for(other, case.queries, case.truth, min(0.99, float(recall)))
    print(f"\n{kind}, {rows:,} rows, {len(case.clusters.centroids):,} lists")
    print(
        f"append {case.appended:,.0f} rows/s; lists made in {case.clustering:.1f} s; opened with them in {case.loading:.2f} s; "
        f"{case.megabytes:.0f} MB of memory then; rows put into the lists of faiss in {built:.1f} s"
    )
    print("| threads | flat ms | ours ms | times | recall | exact ms | times | IVF-SQ8 ms | recall | probes |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for number in threads:
        timed = case.compared(number, other, probes)
        flat, lists, exact, inverted = (timed[name] for name in ("flat", "ours", "exact", "ivf"))
        assert exact.recall(flat) > 0.999  # noqa: S101  float32 sums may swap equal rows
        print(
            f"| {number} | {flat.p50:.2f} | {lists.p50:.3f} | {flat.p50 / lists.p50:.0f} | {lists.recall(flat):.4f} "
            f"| {exact.p50:.2f} | {flat.p50 / exact.p50:.1f} | {inverted.p50:.3f} | {inverted.recall(flat):.4f} | {probes} |",
            flush=True,
        )
    shares = [0.002, 0.01, 0.1, 0.5]
    found = [(share, *case.filtered(share)) for share in shares]
    print(
        "filters: "
        + "; ".join(f"{share:.1%} of the rows {took:.2f} ms, recall {kept:.4f}" for share, took, kept in found)
    )


if __name__ == "__main__":
    main()
