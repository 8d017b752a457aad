"""Sharing a loop over rows among the processor's cores."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_NAME = "reid-worker"
Part = TypeVar("Part")
Done = TypeVar("Done")


def cores() -> int:
    """How many threads may work: OMP_NUM_THREADS, as matrix products obey it, or the cores given to this process.

    One, where this thread is itself one of several that share work.
    """
    if threading.current_thread().name.startswith(_NAME):
        return 1  # the other cores do other parts
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
    with ThreadPoolExecutor(len(parts), _NAME) as pool:
        for done in [pool.submit(work, start, stop) for start, stop in parts]:
            done.result()


def _parts(rows: int, number: int) -> Iterator[tuple[int, int]]:
    for part in range(number):
        yield part * rows // number, (part + 1) * rows // number


def share_parts(work: Callable[[Part], Done], parts: Sequence[Part]) -> list[Done]:
    """What `work` returns for each part, several at the same time, in the order of the parts.

    Matrix products in them run in one thread each: cores that all do parts of their own need not wait for another.
    """
    number = min(cores(), len(parts))
    if number < 2:
        return [work(part) for part in parts]
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(number, _NAME) as pool:
        return list(pool.map(work, parts))
