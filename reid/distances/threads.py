"""Sharing a loop over rows among the processor's cores."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor


def cores() -> int:
    """How many threads may work: OMP_NUM_THREADS, as matrix products obey it, or the cores given to this process."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if wanted.isdigit() and int(wanted):
        return int(wanted)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def share_rows(work: Callable[[int, int], None], rows: int) -> None:
    """Call `work(start, stop)` for parts that make up 0..rows, at the same time; it must release the global lock.

    An error in any part is raised when all have ended.
    """
    parts = list(_parts(rows, min(cores(), rows)))
    if len(parts) < 2:
        for start, stop in parts:
            work(start, stop)
        return
    with ThreadPoolExecutor(len(parts)) as pool:
        for done in [pool.submit(work, start, stop) for start, stop in parts]:
            done.result()


def _parts(rows: int, number: int) -> Iterator[tuple[int, int]]:
    for part in range(number):
        yield part * rows // number, (part + 1) * rows // number
