"""Time and memory of exact ranks and figures, distances included, beside a plain dense implementation and the bare product.

    python benchmarks/evaluation.py [--sizes market-2048,sop] [--full] [--repeats N]

Ours: vectors are checked, distances made in tiles, what ranks before each match is counted, then Rank-1 and mAP.
Reference: what is common in the field, all distances at once in float32, every row sorted, a loop over the queries;
on so many of the queries as make a matrix of a quarter gigabyte, its time scaled to all of them. Its figures of these
queries must be ours. Product: the best of several ways to multiply all vectors in numpy with all threads and throw
the result away; of the largest sets only some rows, scaled.

Ours and the product take turns. The first column of ours is the median, and the reference is compared with it; the
ratio to the product is that of the best times, for other work on the machine only ever adds. Memory is the highest
during the first call less that before it, so without the vectors and the code, which a call on a few vectors has
loaded; every size has a process of its own. Vectors are drawn: a centre for each identity, noise around it, unit length.
"""

import argparse
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.distances import CosineDistances
from reid.distances.threads import cores
from reid.evaluation.matches import Labels, Rules
from reid.evaluation.metrics import first_ranks, mean, step_precision
from reid.evaluation.ranking import MatchRanks, rank_matches
from reid.evaluation.trials import rank_trials

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Size:
    """How a set is drawn and asked; without queries every image is one."""

    queries: int
    gallery: int
    dimension: int
    identities: int
    noise: float
    distractors: int = 0  # of the gallery, each the only image of its identity
    cameras: int = 0
    trials: int = 0
    repeats: int = 5


MARKET = Size(3_368, 15_913, 2_048, 750, 3.4, distractors=2_798, cameras=6)
VEHICLEID = Size(0, 19_777, 128, 2_400, 1.3, trials=1)
SIZES = {
    "market-2048": MARKET,
    "market-512": replace(MARKET, dimension=512, noise=2.3),
    "inshop": Size(14_218, 12_612, 128, 3_985, 1.3),
    "vehicleid-1": VEHICLEID,
    "vehicleid-10": replace(VEHICLEID, trials=10, repeats=3),
    "sop": Size(0, 60_502, 128, 11_316, 1.3, repeats=2),
    "msmt17": Size(11_659, 82_161, 2_048, 3_060, 3.4, cameras=15, repeats=1),
}
FULL = {"msmt17"}  # a gigabyte of vectors, a minute or two
DENSE = 2**26  # elements of the reference's matrix
PRODUCT = 2**37  # multiplications of the bare product; of more, about so many are made and the time is scaled
STAGES = ("ranks", "figures", "both")
FIRST_CALL = """
import time, numpy
began = time.perf_counter()
import numba
imported = time.perf_counter()
import evaluation
before = time.perf_counter()
for name in ("market-512", "vehicleid-1"):
    evaluation.warm_up(evaluation.SIZES[name])
print(imported - began, time.perf_counter() - before)
"""


@dataclass(frozen=True, eq=False)
class Set:
    """Vectors and labels; gallery and queries are one and the same where every image is asked."""

    query: Floats
    gallery: Floats
    query_labels: Labels
    gallery_labels: Labels
    rules: Rules
    galleries: list[Integers]  # of trials: rows that make up each


@dataclass(frozen=True)
class Result:
    """Seconds of every repeat and stage; Rank-1 and mAP; largest deviations of the reference's figures from ours."""

    ours: dict[str, list[float]]
    reference: dict[str, float]
    asked: tuple[int, int]
    product: list[float]
    megabytes: float
    figures: tuple[float, float]
    deviations: tuple[float, float]


def draw(size: Size) -> Set:
    random = rng.generator(0, "benchmark evaluation", size.dimension)
    known = size.gallery - size.distractors
    queries = random.integers(0, size.identities, size.queries)
    everyone = np.arange(size.identities) if size.trials else queries[:0]
    others = random.integers(0, size.identities, known - len(everyone))
    alone = size.identities + np.arange(size.distractors)
    identities = np.concatenate([queries, everyone, others, alone])
    cameras = random.integers(0, size.cameras, len(identities)) if size.cameras else None
    vectors = clusters(identities, size, random)
    labels = [
        Labels(identities[part], None if cameras is None else cameras[part])
        for part in (slice(size.queries), slice(size.queries, None))
    ]
    if size.queries:
        sides = vectors[: size.queries], vectors[size.queries :]
        return Set(*sides, *labels, Rules(same_camera=size.cameras > 0), [])
    members = np.split(np.argsort(identities, kind="stable"), np.cumsum(np.bincount(identities))[:-1])
    galleries = [np.array([random.choice(rows) for rows in members]) for _ in range(size.trials)]
    return Set(vectors, vectors, labels[1], labels[1], Rules(same_image=True), galleries)


def clusters(identities: Integers, size: Size, random: np.random.Generator) -> Floats:
    """In place and a few rows at a time: memory that was freed here would not be seen to be taken again later."""
    vectors = np.empty((len(identities), size.dimension), dtype=np.float32)
    random.standard_normal(out=vectors, dtype=np.float32)
    centres = random.standard_normal((identities.max() + 1, size.dimension), dtype=np.float32)
    for start in range(0, len(vectors), 16):
        rows = vectors[start : start + 16]
        rows *= np.float32(size.noise)
        rows += centres[identities[start : start + 16]]
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return vectors


def rank(images: Set) -> list[MatchRanks]:
    """Of every trial, or of the one there is."""
    distances = CosineDistances(images.query, images.gallery)
    if images.galleries:
        return rank_trials(distances, images.query_labels, images.galleries)
    return [rank_matches(distances, images.query_labels, images.gallery_labels, rules=images.rules)]


def score(ranked: list[MatchRanks]) -> tuple[float, float]:
    """Rank-1 and mAP, the mean of all trials."""
    rank1 = [mean((first_ranks(found) == 1).astype(np.float64)) or 0 for found in ranked]
    return statistics.mean(rank1), statistics.mean(mean(step_precision(found)) or 0 for found in ranked)


def warm_up(size: Size) -> None:
    """Load and compile everything on few vectors, whose matches are few as well as many."""
    few = replace(size, queries=min(size.queries, 60), gallery=500, identities=6, distractors=min(size.distractors, 9))
    score(rank(draw(few)))
    score(rank(draw(replace(few, identities=300))))


def products(images: Set, rows: int) -> list[Callable[[], None]]:
    """Ways to multiply the first queries with all columns that any trial reads."""
    query, gallery = images.query[:rows], images.gallery
    if images.galleries:
        gallery = gallery[np.unique(np.concatenate(images.galleries))]
    return [
        partial(by_rows, query, gallery, 2**21),
        partial(by_rows, query, gallery, 2**24),
        partial(by_tiles, query, gallery),
    ]


def by_rows(query: Floats, gallery: Floats, block: int) -> None:
    """One product at a time, its rows shared by all threads."""
    step = max(1, block // len(gallery))
    buffer = np.empty((step, len(gallery)), dtype=np.float32)
    for start in range(0, len(query), step):
        rows = query[start : start + step]
        np.matmul(rows, gallery.T, out=buffer[: len(rows)])


def by_tiles(query: Floats, gallery: Floats) -> None:
    """A product for each thread at a time, few enough columns for a nearer cache."""
    from threadpoolctl import threadpool_limits

    def work(start: int) -> None:
        rows = query[start : start + 512]
        buffer = np.empty(len(rows) * 4096, dtype=np.float32)
        for first in range(0, len(gallery), 4096):
            columns = gallery[first : first + 4096]
            np.matmul(rows, columns.T, out=buffer[: len(rows) * len(columns)].reshape(len(rows), -1))

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(cores()) as pool:
        list(pool.map(work, range(0, len(query), 512)))


def reference(images: Set) -> Iterator[tuple[Integers, Floats, Floats, tuple[float, float]]]:
    """Of every trial, or of the one there is: queries that were asked and have matches, their first rank and average
    precision, seconds for ranks and figures."""
    every = images.galleries or [np.arange(len(images.gallery))]
    step = -(-len(images.query) * sum(map(len, every)) // DENSE)
    for columns in every:
        asked = np.arange(0, len(images.query), step)
        if images.galleries:
            asked = np.setdiff1d(asked, columns)
        began = time.perf_counter()
        gallery = images.gallery[columns] if images.galleries else images.gallery
        order = np.argsort(1 - images.query[asked] @ gallery.T, axis=1)
        sorted_at = time.perf_counter()
        scored, first, precision = [], [], []
        for query, row in zip(asked, order, strict=True):
            right = valid_matches(images, query, columns[row])
            if right.any():
                places = np.flatnonzero(right)
                scored.append(query)
                first.append(places[0] + 1)
                precision.append((right.cumsum()[places] / (places + 1)).mean())
        seconds = sorted_at - began, time.perf_counter() - sorted_at
        yield np.array(scored), np.array(first), np.array(precision), (seconds[0] * step, seconds[1] * step)


def valid_matches(images: Set, query: int, row: Integers) -> NDArray[np.bool_]:
    """Which of the images that count for a query, in their order, are matches."""
    right = images.gallery_labels.identities[row] == images.query_labels.identities[query]
    if images.rules.same_image:
        return right[row != query]
    if images.query_labels.cameras is None or images.gallery_labels.cameras is None:
        return right
    return right[~(right & (images.gallery_labels.cameras[row] == images.query_labels.cameras[query]))]


def compare(images: Set, ranked: list[MatchRanks]) -> tuple[dict[str, float], int, tuple[float, float]]:
    """The reference's seconds, its queries, and how far its Rank-1 and mAP are from ours of the same queries."""
    seconds, asked, deviations = np.zeros(2), 0, np.zeros(2)
    for found, (queries, first, precision, spent) in zip(ranked, reference(images), strict=True):
        at = np.searchsorted(np.flatnonzero(found.matches), queries)
        rank1 = (first == 1).mean() - (first_ranks(found)[at] == 1).mean()
        deviations = np.maximum(deviations, np.abs([rank1, (precision - step_precision(found)[at]).mean()]))
        seconds += spent
        asked += len(queries)
    return dict(zip(STAGES, [*seconds, seconds.sum()], strict=True)), asked, (deviations[0], deviations[1])


def measure(size: Size, repeats: int) -> Result:
    warm_up(size)
    images = draw(size)
    ours: dict[str, list[float]] = {stage: [] for stage in STAGES}
    product: list[float] = []
    share = 512 * cores()  # rows that keep all threads busy
    rows = min(len(images.query), share * -(-PRODUCT // (images.gallery.size * share)))
    ways = products(images, rows)
    megabytes = 0.0
    for turn in range(repeats):
        before = memory(reset=True)
        began = time.perf_counter()
        ranked = rank(images)
        counted = time.perf_counter()
        figures = score(ranked)
        ended = time.perf_counter()
        if turn == 0:
            megabytes = memory() - before
        for stage, seconds in zip(STAGES, (counted - began, ended - counted, ended - began), strict=True):
            ours[stage].append(seconds)
        times = [timed(way) * len(images.query) / rows for way in ways]
        product.append(min(times))
        ways = [ways[times.index(min(times))]]
    spent, asked, deviations = compare(images, ranked)
    total = sum(np.count_nonzero(found.matches) for found in ranked)
    return Result(ours, spent, (asked, total), product, megabytes, figures, deviations)


def timed(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def memory(*, reset: bool = False) -> float:
    """Megabytes: what is resident after `reset`, the highest since then without."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        field = "VmRSS:" if reset else "VmHWM:"
        return int(Path("/proc/self/status").read_text(encoding="ascii").split(field)[1].split()[0]) / 1024
    except OSError:  # not Linux, or not allowed: the highest ever, which drawing the vectors hardly exceeds
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def machine() -> str:
    import numba
    from threadpoolctl import threadpool_info

    name, features = platform.processor() or platform.machine(), ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        fields = dict(line.split("\t", 1) for line in info.read_text(encoding="utf-8").splitlines() if "\t" in line)
        name = fields.get("model name", name).strip("\t: ")
        flags = fields.get("flags", "").split()
        wanted = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
        features = ", " + " ".join(flag for flag in wanted if flag in flags)
    blas = ", ".join(f"{one['internal_api']} {one['version']} {one['architecture']}" for one in threadpool_info()[:1])
    versions = f"Python {platform.python_version()}, numpy {np.__version__} ({blas}), numba {numba.__version__}"
    return f"{name}, {os.cpu_count()} cores{features}\n{versions}; {cores()} threads"


def first_calls() -> str:
    """What a first call costs with and without machine code from an earlier process."""
    with tempfile.TemporaryDirectory() as folder:
        times = []
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-c", FIRST_CALL],
                cwd=Path(__file__).parent,
                env=os.environ | {"NUMBA_CACHE_DIR": folder},
                check=True,
                capture_output=True,
                text=True,
            )
            times.append([float(number) for number in done.stdout.split()])
    imported = min(time[0] for time in times)
    return (
        f"importing numba {imported:.2f} s; first rankings of a few vectors, plain and in trials: {times[0][1]:.1f} s "
        f"where all is compiled, {times[1][1]:.2f} s in every later process"
    )


def report(name: str, found: Result) -> bool:
    """Print the rows of a size; whether both sides have the same figures."""
    for stage in STAGES:
        ours, reference = found.ours[stage], found.reference[stage]
        row = f"{name:13}{stage:8}{statistics.median(ours):8.3f}{min(ours):8.3f}{reference:10.2f}"
        row += f"{reference / statistics.median(ours):8.1f}"
        if stage == STAGES[-1]:
            product = min(found.product)
            row += f"{found.megabytes:10.0f}{product:9.3f}{min(ours) / product:10.2f}"
        print(row)
    same = found.deviations[0] <= 1 / found.asked[0] and found.deviations[1] <= 1e-5
    print(
        f"{'':13}Rank-1 {found.figures[0]:.2%}, mAP {found.figures[1]:.2%}; reference asked {found.asked[0]:,} of "
        f"{found.asked[1]:,}{': scaled' if found.asked[0] < found.asked[1] else ''}; {'same' if same else 'OTHER'} "
        f"figures (Rank-1 within {found.deviations[0]:.0e}, mAP within {found.deviations[1]:.0e})",
        flush=True,
    )
    return same


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", help=f"some of {','.join(SIZES)}; without it all but {','.join(FULL)}")
    parser.add_argument("--full", action="store_true", help="all sizes")
    parser.add_argument("--repeats", type=int, help="calls of each size; 1 to 5 without it, fewer of large ones")
    given = parser.parse_args()
    names = given.sizes.split(",") if given.sizes else [name for name in SIZES if given.full or name not in FULL]
    if unknown := set(names) - set(SIZES):
        parser.error(f"no such size: {', '.join(unknown)}; there are {', '.join(SIZES)}")
    print(machine())
    print(first_calls())
    print(
        f"{'':21}{'ours s':>8}{'best':>8}{'reference':>10}{'times':>8}{'extra MB':>10}{'product':>9}{'/ product':>10}"
    )
    same = True
    for name in names:
        size = SIZES[name]
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            same &= report(name, pool.submit(measure, size, given.repeats or size.repeats).result())
    sys.exit(0 if same else "the figures differ")


if __name__ == "__main__":
    main()
