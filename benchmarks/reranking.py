"""Time and memory of re-ranking beside a plain dense implementation, and beside the bare matrix product.

python benchmarks/reranking.py [--threads N] [--full] [--reference] [--only SET] [--stage STAGE]

The product is that of all N images with all, the least that a search for neighbours without symmetry would do; it is
timed on some of its tiles in the same process, before and after. Every line is measured in a process of its own, after a small warm-up
that compiles; `--full` runs the sizes of Market-1501 and MSMT17, `--reference` the dense implementation there too.
"""

import argparse
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from reid.distances import CosineDistances, Distances, nearest
from reid.distances.nearest import MEMORY
from reid.rerank import alpha_query_expansion, estimate, expanded_neighbourhood, graph_propagation, k_reciprocal

SIZES = [("small", 500, 2_500, 512), ("middle", 1_000, 5_000, 2_048)]
FULL = [("Market-1501", 3_368, 15_913, 512), ("Market-1501", 3_368, 15_913, 2_048), ("MSMT17", 11_659, 82_161, 2_048)]
EACH = 13  # pictures of an object
BLOCK = 2**21


@dataclass(frozen=True)
class Measured:
    """Seconds of a stage, of the product in the same process, of the first call, and the height of its memory."""

    seconds: float
    product: float
    first: float
    megabytes: float


def clusters(queries: int, images: int, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around centres in mixed order."""
    random = np.random.Generator(np.random.Philox(1))
    rows = queries + images
    vectors = np.empty((rows, dimension), dtype=np.float32)
    centres = random.standard_normal((1 + rows // EACH, dimension), dtype=np.float32)
    order = random.permutation(rows)
    for start in range(0, rows, 4096):
        part = order[start : start + 4096]
        block = centres[part // EACH] + random.standard_normal((len(part), dimension), dtype=np.float32)
        vectors[start : start + 4096] = block / np.linalg.norm(block, axis=1, keepdims=True)
    return vectors[:queries], vectors[queries:]


def stream(distances: Distances) -> None:
    """Make all distances, as scoring them would."""
    queries, images = distances.shape
    step = max(1, BLOCK // images)
    for start in range(0, queries, step):
        distances.rows(start, min(start + step, queries))


def neighbours(query: np.ndarray, gallery: np.ndarray) -> None:
    nearest(CosineDistances(query, gallery).among_all(), 21, memory=MEMORY)


def dense_ranks(query: np.ndarray, gallery: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All squared distances, each row divided by its largest, and all places."""
    vectors = np.concatenate([query, gallery])
    distances = 2 - 2 * (vectors @ vectors.T)
    np.fill_diagonal(distances, 0)
    distances /= distances.max(axis=1, keepdims=True)
    return distances, np.argsort(distances, axis=1)


def dense_neighbours(query: np.ndarray, gallery: np.ndarray) -> None:
    dense_ranks(query, gallery)


def dense_k_reciprocal(query: np.ndarray, gallery: np.ndarray, k1: int = 20, k2: int = 6, weight: float = 0.3) -> None:
    """The steps of the paper with full matrices and a loop over images."""
    distances, order = dense_ranks(query, gallery)

    def mutual(image: int, count: int) -> np.ndarray:
        near = order[image, :count]
        return near[(order[near, :count] == image).any(axis=1)]

    rows = np.zeros_like(distances)
    for image in range(len(rows)):
        base = mutual(image, k1 + 1)
        grown = [base]
        for candidate in base:
            theirs = mutual(candidate, round(k1 / 2) + 1)
            if len(np.intersect1d(theirs, base)) > 2 / 3 * len(theirs):
                grown.append(theirs)
        members = np.unique(np.concatenate(grown))
        weights = np.exp(-distances[image, members])
        rows[image, members] = weights / weights.sum()
    rows = np.array([rows[order[image, :k2]].mean(axis=0) for image in range(len(rows))])
    columns = [np.flatnonzero(rows[:, image]) for image in range(len(rows))]
    for image in range(len(query)):
        shared = np.zeros(len(rows), dtype=np.float32)
        for column in np.flatnonzero(rows[image]):
            others = columns[column]
            shared[others] += np.minimum(rows[image, column], rows[others, column])
        distances[image] = (1 - weight) * (1 - shared / (2 - shared)) + weight * distances[image]


def dense_expanded_neighbourhood(query: np.ndarray, gallery: np.ndarray, t: int = 3, q: int = 8, k: int = 25) -> None:
    """The formula of the paper with full matrices."""
    _, order = dense_ranks(query, gallery)
    lists = np.zeros(order.shape, dtype=np.float32)
    np.put_along_axis(lists, order[:, :k], np.arange(k, 0, -1, dtype=np.float32)[np.newaxis], axis=1)
    similar = lists @ lists.T
    smallest = similar.min(axis=1, keepdims=True)
    distances = 1 - (similar - smallest) / (similar.max(axis=1, keepdims=True) - smallest)
    first = order[:, 1 : t + 1]
    expanded = np.concatenate([first, order[first, 1 : q + 1].reshape(len(order), -1)], axis=1)
    images = np.arange(len(query), len(order))
    for image in range(len(query)):
        forth = distances[expanded[image]][:, images].mean(axis=0)
        back = distances[expanded[images], image].mean(axis=1)
        (forth + back) / 2


STAGES: dict[str, tuple[Callable[..., object], Callable[..., object] | None, str | None]] = {
    "21 neighbours": (neighbours, dense_neighbours, None),
    "k-reciprocal": (k_reciprocal, dense_k_reciprocal, "k-reciprocal"),
    "ECN, ranks": (expanded_neighbourhood, dense_expanded_neighbourhood, "ecn"),
    "ECN, vectors": (
        lambda query, gallery: expanded_neighbourhood(query, gallery, base="vectors"),
        None,
        "ecn-vectors",
    ),
    "graph": (graph_propagation, None, "graph"),
    "alpha expansion": (alpha_query_expansion, None, "query-expansion"),
}


def product_seconds(query: np.ndarray, gallery: np.ndarray) -> float:
    """Time of the product of all with all, from blocks of 1,024 rows."""
    images, block = len(query) + len(gallery), gallery[:1024].copy()
    out = np.empty((1024, 1024), dtype=np.float32)
    rounds = []
    for start in range(0, len(gallery) - 1023, max(1, len(gallery) // 12)):
        started = time.perf_counter()
        np.matmul(block, gallery[start : start + 1024].T, out=out)
        rounds.append(time.perf_counter() - started)
    return float(np.median(rounds)) * (images / 1024) ** 2


class Memory:
    """Height of the process's memory above where it stood, looked at all the time."""

    def __enter__(self) -> Self:
        self.start = self.peak = self._now()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.003):
            self.peak = max(self.peak, self._now())

    @staticmethod
    def _now() -> int:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(stage: str, dense: bool, queries: int, images: int, dimension: int) -> Measured:
    """One line of the table, in the process that is asked."""
    call = STAGES[stage][1 if dense else 0]
    query, gallery = clusters(queries, images, dimension)
    started = time.perf_counter()
    run(call, query[:60].copy(), gallery[:1200].copy())
    first = time.perf_counter() - started
    product = product_seconds(query, gallery)
    with Memory() as memory:
        started = time.perf_counter()
        run(call, query, gallery)
        seconds = time.perf_counter() - started
    product = (product + product_seconds(query, gallery)) / 2
    return Measured(seconds, product, first, (memory.peak - memory.start) / 2**20)


def run(call: Callable[..., object] | None, query: np.ndarray, gallery: np.ndarray) -> None:
    made = call(query, gallery) if call else None
    if hasattr(made, "rows"):
        stream(made)


def apart(*arguments: object) -> Measured:
    """`measure` in a new process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--only", help="one set, such as MSMT17")
    parser.add_argument("--stage", help="one stage, such as k-reciprocal")
    chosen = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(chosen.threads)
    print(
        "| set | N | d | stage | seconds | of the product | dense | times | MiB | expected | dense MiB | first call |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    sets = [one for one in (FULL if chosen.full else SIZES) if chosen.only in {None, one[0]}]
    stages = [stage for stage in STAGES if chosen.stage in {None, stage}]
    for name, queries, images, dimension in sets:
        for stage in stages:
            _, dense, method = STAGES[stage]
            ours = apart(stage, False, queries, images, dimension)
            plain = None
            if dense and (chosen.reference or not chosen.full):
                plain = apart(stage, True, queries, images, dimension)
            expected = f"{estimate(method, queries, images, dimension).bytes / 2**20:.0f}" if method else ""
            print(
                f"| {name} | {queries + images:,} | {dimension:,} | {stage} | {ours.seconds:.2f} "
                f"| {ours.seconds / ours.product:.2f} | {f'{plain.seconds:.1f}' if plain else ''} "
                f"| {f'{plain.seconds / ours.seconds:.0f}' if plain else ''} | {ours.megabytes:.0f} | {expected} "
                f"| {f'{plain.megabytes:.0f}' if plain else ''} | {ours.first:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
