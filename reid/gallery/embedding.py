"""Vectors of a source's images without a gallery: what one of many machines does, for a gallery to take in later."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from reid.data.loader import Loader, default_workers
from reid.data.videos import Videos
from reid.embed import BATCH, Embedder, transform
from reid.gallery.blocks import unpack
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
    videos: Videos | None = None,
) -> tuple[Embeddings, list[str]]:
    """Vectors of images and boxes, each frame being decoded once for all of its boxes that stand together.

    Args:
        embedder: the model.
        entries: the images, best a listing of `reid.gallery.sources`.
        workers: loader processes; None chooses by the number of cores.
        progress: called with the number of images that have been dealt with since the last call.
        on_bad_image: "error" stops at the first image that cannot be used; "skip" leaves such images out.
        videos: goes on where it was, which spares decoding from the beginning what comes later in a video.

    Returns:
        Embeddings, which `reid.gallery.sources.listing` reads back once they are saved, and what is wrong with each
        image that was left out. Identities that are not known are junk, and boxes lie within their frames.

    Raises:
        DataError: an image cannot be read, or its box lies outside the frame.
        LoaderError: a process that reads images died or hangs.
    """
    every = list(tasks(entries, BATCH))
    reader = CropReader(entries, transform(embedder.description), 0, None, embedder.max_megapixels, videos or Videos())
    device = embedder.device.type
    workers = default_workers(device) if workers is None else workers
    vectors = [np.empty((0, embedder.dimension), dtype=np.float32)]
    used: list[Entry] = []
    problems: list[str] = []
    with Loader(reader, **readers(entries, min(workers, len(every))), pin=device == "cuda") as loader:
        for task, block in loader.batches(every):
            crops, pictures = unpack(block.numpy())
            for row, crop in zip(task.rows.tolist(), crops, strict=True):
                if crop.problem is None:
                    used.append(replace(entries[row], box=crop.box))
                elif on_bad_image == "error":
                    raise placed(entries, row, crop.problem)
                else:
                    problems.append(str(placed(entries, row, crop.problem)))
            if len(pictures):
                vectors.append(embedder.model.pictures(pictures))
            if progress is not None:
                progress(len(task.rows))
    return Embeddings(np.concatenate(vectors), to_records(used), embedder.fingerprint), problems


def to_records(entries: Sequence[Entry]) -> Records:
    """Entries as records, whose root is the folder that all of their files are in or below, if there is one."""
    folders = {os.path.dirname(entry.path) for entry in entries}  # noqa: PTH120  a million times
    root = os.path.commonpath(folders) if folders and all(folder.startswith("/") for folder in folders) else ""
    boxed = any(entry.box is not None for entry in entries)
    boxes = [("",) * 4 if entry.box is None else tuple(map(str, entry.box)) for entry in entries]
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
    times = [np.nan if entry.time is None else entry.time for entry in entries]
    return None if np.isnan(times).all() else times
