"""Vectors of a source's images without a gallery: what one of many machines does, for a gallery to take in later."""

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from itertools import accumulate, chain
from pathlib import Path
from typing import Literal

import numpy as np

from reid.data.loader import Loader, default_workers
from reid.data.reader import Task
from reid.embed import BATCH, Embedder, transform
from reid.gallery.blocks import Pixels, glance
from reid.gallery.crops import CropReader, readers, tasks
from reid.gallery.entries import Entry
from reid.gallery.listing import EDGES, placed
from reid.records import NO_CAMERA, Embeddings, Records, build


def embed_entries(
    embedder: Embedder,
    entries: Sequence[Entry],
    *,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
    on_bad_image: Literal["error", "skip"] = "error",
) -> tuple[Embeddings, list[str]]:
    """Vectors of images and boxes, each frame being decoded once for all of its boxes that stand together.

    Args:
        embedder: the model.
        entries: the images, best a listing of `reid.gallery.sources`.
        workers: loader processes; None chooses by the number of cores.
        progress: called with the number of images that have been dealt with since the last call.
        on_bad_image: "error" stops at the first image that cannot be used; "skip" leaves such images out.

    Returns:
        Embeddings, which `reid.gallery.sources.listing` reads back once they are saved, and what is wrong with each
        image that was left out. Identities that are not known are junk, and boxes lie within their frames.

    Raises:
        DataError: an image cannot be read, or its box lies outside the frame.
        LoaderError: a process that reads images died or hangs.
    """
    (made,) = embed_pieces(embedder, [entries], workers=workers, progress=progress, on_bad_image=on_bad_image)
    return made


def embed_pieces(
    embedder: Embedder,
    pieces: Sequence[Sequence[Entry]],
    *,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
    on_bad_image: Literal["error", "skip"] = "error",
) -> Generator[tuple[Embeddings, list[str]], None, None]:
    """The same of piece after piece, each when it is done; what reads them goes on while the caller keeps one.

    No frame's boxes are in two pieces, and the frames of a video are in order.
    """
    every = list(chain.from_iterable(pieces))
    starts = accumulate(map(len, pieces), initial=0)
    work = [[_from(task, start) for task in tasks(piece, BATCH)] for start, piece in zip(starts, pieces, strict=False)]
    reader = CropReader(every, transform(embedder.description), 0, None, embedder.max_megapixels, hashed=False)
    device = embedder.device.type
    workers = min(default_workers(device) if workers is None else workers, sum(map(len, work)))
    with Loader(reader, **readers(every, workers, device), pin=device == "cuda", lend=True) as loader:
        blocks = (block.numpy() for _, block in loader.batches(chain.from_iterable(work)))
        for piece, own in zip(pieces, work, strict=True):
            making = _Making(embedder, piece, strict=on_bad_image == "error")
            for task in own:
                making.take(next(blocks), len(task.rows))
                if progress is not None:
                    progress(len(task.rows))
            yield making.made()


def _from(task: Task, start: int) -> Task:
    return task._replace(rows=task.rows + start)


class _Making:
    """Vectors of one piece on their way."""

    def __init__(self, embedder: Embedder, entries: Sequence[Entry], *, strict: bool) -> None:
        self._embedder, self._entries, self._strict = embedder, entries, strict
        self._vectors = [np.empty((0, embedder.dimension), dtype=np.float32)]
        self._used: list[Entry] = []
        self._problems: list[str] = []
        self._done = 0

    def take(self, block: Pixels, count: int) -> None:
        """Embed the pictures of a block, which are those of the next so many entries."""
        problems, boxes, pictures = glance(block)
        for place, problem in problems.items():
            error = placed(self._entries, self._done + place, problem)
            if self._strict:
                raise error
            self._problems.append(str(error))
        some = list(self._entries[self._done : self._done + count])
        for place, box in boxes.items():
            some[place] = replace(some[place], box=box)
        self._used += [entry for place, entry in enumerate(some) if place not in problems] if problems else some
        if len(pictures):
            self._vectors.append(self._embedder.model.pictures(pictures))
        self._done += count

    def made(self) -> tuple[Embeddings, list[str]]:
        """All vectors, and what is wrong with the other images."""
        vectors = np.concatenate(self._vectors)
        return Embeddings(vectors, to_records(self._used), self._embedder.fingerprint), self._problems


def to_records(entries: Sequence[Entry]) -> Records:
    """Entries as records, whose root is the folder that all of their files are in or below, if there is one."""
    fronts = {entry.path[: entry.path.rfind("/") + 1] for entry in entries}  # a million times
    folders = {os.path.dirname(front) for front in fronts}  # noqa: PTH120
    root = os.path.commonpath(folders) if folders and all(folder.startswith("/") for folder in folders) else ""
    boxed = any(entry.box is not None for entry in entries)
    boxes = [("",) * 4 if entry.box is None else tuple(map(str, entry.box)) for entry in entries] if boxed else []
    cameras = [NO_CAMERA if entry.camera is None else entry.camera for entry in entries]
    within = len(root.rstrip("/")) + 1 if root else 0
    return build(
        Path(root),
        [entry.path[within:] for entry in entries],
        ["-1" if entry.identity is None else entry.identity for entry in entries],
        junk=frozenset({"-1"}),
        cameras=cameras if any(camera != NO_CAMERA for camera in cameras) else None,
        times=_times(entries),
        attributes=dict(zip(EDGES, zip(*boxes, strict=True), strict=True)) if boxed else {},
    )


def _times(entries: Sequence[Entry]) -> list[float] | None:
    if all(entry.time is None for entry in entries):
        return None
    return [np.nan if entry.time is None else entry.time for entry in entries]
