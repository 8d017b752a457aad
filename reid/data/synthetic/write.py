"""Drawing a whole set onto the disk, with several processes."""

import functools
import math
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from itertools import groupby
from pathlib import Path

import cv2

from reid import files
from reid.data.synthetic.crops import Shot, Site, draw_site, encode, take
from reid.data.synthetic.layouts import HALVES, LAYOUTS, Arrangement
from reid.data.synthetic.plan import Plan, make_plan
from reid.data.synthetic.subjects import KINDS
from reid.errors import ArtefactError, ConfigError
from reid.text import did_you_mean, printable

_CHUNK = 128  # pictures per task, about: some tenths of a second of work
_WORTHWHILE = 400  # pictures per process below which starting one costs more than it saves

Task = tuple[tuple[Shot, ...], tuple[str, ...]]
"""Shots and the paths of their files."""


def draw_dataset(
    dest: Path,
    *,
    layout: str,
    kind: str = "vehicle",
    identities: int,
    images_per_identity: int,
    seed: int = 0,
    cameras: int = 6,
    train_fraction: float = 0.5,
    processes: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Draw a re-identification set of vehicles or persons into `dest`, whole or not at all.

    Every file is a function of the other arguments but `processes` and `progress`, byte for byte. Identities
    1..floor(train_fraction * identities) train, the others test.

    Args:
        dest: folder to create; it must not exist, or be empty.
        layout: "market", "vehicleid", "inshop", "sop", "cub", "cars", "folder" or "table".
        kind: "vehicle" or "person".
        identities: how many objects, at least 2 in each split.
        images_per_identity: how many pictures of each, 2 or more.
        seed: of everything that is drawn, 0 or larger.
        cameras: how many take pictures, 1 or more.
        train_fraction: share of the identities that train, in 0..1; "cub" and "cars" allow 0.5 only.
        processes: how many draw, 1 or more; None: as many as there are cores, where there is enough to do. With more
            than one, a script that calls this must do so under `if __name__ == "__main__":`.
        progress: called now and then with the number of pictures finished since the last call; in total that is
            identities * images_per_identity.

    Raises:
        ConfigError: an argument is out of its range.
        OutputError: `dest` exists and is not empty, or cannot be created.
        ArtefactError: writing failed, or a drawing process was killed.
    """
    _check(layout, kind, images_per_identity, cameras, processes)
    training = _training(layout, identities, train_fraction)
    plan = make_plan(seed, kind, identities=identities, training=training, images=images_per_identity, cameras=cameras)
    arrangement = LAYOUTS[layout](plan)
    report = progress or (lambda _done: None)
    with files.new_folder(dest, overwrite=_empty(dest)) as folder:
        _make_folders(folder, arrangement)
        for path, text in arrangement.texts.items():
            (folder / path).write_text(text)
        tasks = list(_tasks(arrangement))
        workers = min(processes or _workers(len(arrangement.pictures)), len(tasks))
        drawn = _draw_here if workers == 1 else functools.partial(_draw_apart, workers=workers)
        for shots in drawn(folder, plan, tasks):
            report(sum(shot.identity <= identities for shot in shots))


def _check(layout: str, kind: str, images: int, cameras: int, processes: int | None) -> None:
    for word, known, what in ((layout, LAYOUTS, "layout"), (kind, KINDS, "kind")):
        if word not in known:
            raise ConfigError(
                f"{what} must be one of {', '.join(known)}, got {printable(word)!r}{did_you_mean(word, known)}"
            )
    for name, value, least in (
        ("images_per_identity", images, 2),
        ("cameras", cameras, 1),
        ("processes", processes, 1),
    ):
        if value is not None and value < least:
            raise ConfigError(f"{name} must be {least} or more, got {value}")


def _training(layout: str, identities: int, fraction: float) -> int:
    """How many identities train."""
    if layout in HALVES and fraction != 0.5:
        raise ConfigError(
            f"the first half of the classes trains in layout {layout}: train_fraction must be 0.5, got {fraction}"
        )
    if not 0.0 <= fraction <= 1.0:
        raise ConfigError(f"train_fraction must lie in 0..1, got {fraction}")
    training = math.floor(identities * fraction + 1e-9)
    for split, count in (("train", training), ("test", identities - training)):
        if count < 2:
            raise ConfigError(
                f"{count} of {identities} identities would {split} with train_fraction {fraction:g}, and 2 are the least; "
                "ask for more identities"
            )
    return training


def _empty(dest: Path) -> bool:
    return dest.is_dir() and not any(dest.iterdir())


def _make_folders(folder: Path, arrangement: Arrangement) -> None:
    paths = [path for _, path in arrangement.pictures]
    for parent in sorted({(folder / path).parent for path in (*paths, *arrangement.texts)}):
        parent.mkdir(parents=True, exist_ok=True)


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


def _draw_here(folder: Path, plan: Plan, tasks: Sequence[Task]) -> Iterator[tuple[Shot, ...]]:
    site = draw_site(plan.seed, plan.kind, plan.cameras)
    for task in tasks:
        yield _draw(folder, site, task)


def _draw_apart(folder: Path, plan: Plan, tasks: Sequence[Task], workers: int) -> Iterator[tuple[Shot, ...]]:
    context = multiprocessing.get_context("spawn")  # forking a process that runs threads, such as torch's, can hang
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=cv2.setNumThreads, initargs=(1,))
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
