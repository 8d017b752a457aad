"""Drawing pictures with several processes, which never changes a byte of them."""

import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from itertools import groupby
from multiprocessing.connection import wait
from pathlib import Path

import cv2

from reid.data.synthetic.crops import Shot, Site, draw_site, encode, take
from reid.data.synthetic.layouts import Arrangement
from reid.data.synthetic.plan import Plan
from reid.data.synthetic.subjects import KINDS
from reid.errors import ArtefactError

_CHUNK = 128  # pictures per task, about: some tenths of a second of work
_WORTHWHILE = 400  # pictures per process below which starting one costs more than it saves

Task = tuple[tuple[Shot, ...], tuple[str, ...]]
"""Shots and the paths of their files."""


def draw_pictures(
    folder: Path, plan: Plan, arrangement: Arrangement, processes: int | None
) -> Generator[tuple[Shot, ...], None, None]:
    """Write every picture of `arrangement` into `folder`, whose folders exist.

    Args:
        folder: of the set.
        plan: whose pictures they are.
        arrangement: where each picture goes.
        processes: how many draw; None: one per core, where there is enough to do.

    Yields:
        The shots that were just finished. Closing the generator ends the processes.

    Raises:
        ArtefactError: a process was killed.
    """
    tasks = list(_tasks(arrangement))
    workers = min(processes or _workers(len(arrangement.pictures)), len(tasks))
    if workers > 1:
        yield from _draw_apart(folder, plan, tasks, workers)
        return
    site = draw_site(plan.seed, plan.kind, plan.cameras)
    for task in tasks:
        yield _draw(folder, site, task)


def _tasks(arrangement: Arrangement) -> Iterator[Task]:
    """Pictures in portions that keep those of one identity together, since each identity is built once per task."""
    shots: list[Shot] = []
    paths: list[str] = []
    for _, group in groupby(arrangement.pictures, key=lambda entry: entry[0].shot.identity):
        for picture, path in group:
            shots.append(picture.shot)
            paths.append(path)
        if len(shots) >= _CHUNK:
            yield tuple(shots), tuple(paths)
            shots, paths = [], []
    if shots:
        yield tuple(shots), tuple(paths)


def _workers(pictures: int) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, pictures // _WORTHWHILE))


def _draw_apart(
    folder: Path, plan: Plan, tasks: Sequence[Task], workers: int
) -> Generator[tuple[Shot, ...], None, None]:
    context = multiprocessing.get_context("spawn")  # forking a process that runs threads, such as torch's, can hang
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker)
    try:
        waiting = [pool.submit(_work, folder, plan.seed, plan.kind, plan.cameras, task) for task in tasks]
        for done in as_completed(waiting):
            yield done.result()
    except BrokenProcessPool as error:
        raise ArtefactError(
            "a drawing process ended abruptly: it was killed, often for want of memory, or the calling script lacks "
            "`if __name__ == '__main__':`; try processes=1"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_worker() -> None:
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the calling process, which then ends this one
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """Nobody would tell a worker that the calling process was killed."""
    wait([sentinel])
    os._exit(1)


def _work(folder: Path, seed: int, kind: str, cameras: int, task: Task) -> tuple[Shot, ...]:
    return _draw(folder, _site(seed, kind, cameras), task)


@functools.lru_cache(maxsize=1)  # a worker draws many tasks of one set, and the places are the same in all of them
def _site(seed: int, kind: str, cameras: int) -> Site:
    return draw_site(seed, kind, cameras)


def _draw(folder: Path, site: Site, task: Task) -> tuple[Shot, ...]:
    shots, paths = task
    named = zip(shots, paths, strict=True)
    for identity, group in groupby(named, key=lambda entry: entry[0].identity):
        subject = KINDS[site.kind].subject(site.seed, identity)
        for shot, path in group:
            (folder / path).write_bytes(encode(site, shot, take(site, subject, shot)))
    return shots
