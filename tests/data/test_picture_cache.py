"""Pictures kept at the size of the network: the same as without, read once, never more than there is room for."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reid import rng
from reid.data.loader import Loader, Reader, Task
from reid.data.picture_cache import PictureCache
from reid.data.resizing import RULES
from reid.data.transforms import Augmentation, TestTransform, TrainTransform

SIZE = (24, 16)
EACH = 24 * 16 * 3 + 1


def image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def refuse() -> np.ndarray:
    raise AssertionError("read again")


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(RULES)),
    st.sampled_from(["pad", "none"]),
    st.integers(8, 70),
    st.integers(8, 70),
    st.integers(0, 5),
)
def test_whatever_follows_comes_out_the_same(rule: str, crop: str, height: int, width: int, step: int) -> None:
    """Law: for every rule, augmentation and image, prepared from the cache is prepared from the image; the first
    time, later, and after a picture made from it was written to."""
    augmentation = Augmentation(crop=crop, flip=0.5, erase=0.5, colour=0.5)
    train = TrainTransform(SIZE, augmentation, interpolation=rule)
    test = TestTransform(SIZE, interpolation=rule)
    whole, cache = image(height, width), PictureCache.make(1, SIZE, EACH, interpolation=rule)
    for read in (lambda: whole, refuse, refuse):
        picture = train(cache.fetch(0, read), rng.generator(0, "augment", 0, step))
        assert (picture == train(whole, rng.generator(0, "augment", 0, step))).all()
        picture[:] = 0
    assert (test(cache.fetch(0, refuse)) == test(whole)).all()


@pytest.mark.parametrize(("limit", "room"), [(0, 0), (EACH - 1, 0), (EACH, 1), (3 * EACH - 1, 2), (99 * EACH, 5)])
def test_room(limit: int, room: int) -> None:
    """No more is kept than the limit allows or there are; the rest comes as it is read, every time."""
    cache = PictureCache.make(5, SIZE, limit)
    reads = []
    for row in [0, 1, 2, 3, 4, 4, 3, 2, 1, 0]:
        found = cache.fetch(row, lambda row=row: reads.append(row) or image(30, 30, row))
        assert found.shape == ((*SIZE, 3) if row < room else (30, 30, 3))

    assert cache.pictures.nbytes + cache.there.nbytes <= limit
    assert sorted(reads) == sorted([*range(room), *2 * list(range(room, 5))])


def test_a_part_is_the_same_memory() -> None:
    """What is put in by a stretch of the list is there for the whole, also at the end of the room and beyond."""
    cache = PictureCache.make(9, SIZE, 4 * EACH)
    part = cache.part(slice(2, 7))
    for row in range(5):
        part.fetch(row, lambda row=row: image(*SIZE, row))

    assert cache.there.tolist() == [0, 0, 1, 1]
    assert (cache.fetch(3, refuse) == image(*SIZE, 1)).all()


def test_processes_share_it(tmp_path: Path) -> None:
    """What loader processes read in one epoch, others and this one need not read in the next."""
    paths = [tmp_path / f"{number}.png" for number in range(12)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), image(20 + number, 30, number))
    prepare = TrainTransform(SIZE, Augmentation(crop="pad", erase=0.5))
    tasks = [[Task(epoch, step, np.arange(12).reshape(4, 3)[step]) for step in range(4)] for epoch in range(3)]
    with Loader(Reader(paths, prepare), workers=0) as plain:
        wanted = [batch for epoch in tasks for _, batch in plain.batches(epoch)]
    reader = Reader(paths, prepare, cache=PictureCache.make(12, SIZE, 12 * EACH))
    found = []
    for epoch, workers in zip(tasks, [2, 1, 0], strict=True):
        with Loader(reader, workers=workers) as loader:
            found += [batch for _, batch in loader.batches(epoch)]
        for path in paths:
            path.unlink(missing_ok=True)

    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))
