"""Copies equal their sources, wherever copying is stopped."""

import contextlib
import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_store import MemoryStore

from reid.errors import GalleryError
from reid.gallery.entries import Entry
from reid.gallery.filters import Where
from reid.gallery.transfer import copy


class StoppedError(Exception):
    """Copying ended here, as if the process was killed."""


class Frail(MemoryStore):
    """A store that stops what calls it before or after one of its changes."""

    def __init__(self, dimension: int, model: str = "", **options) -> None:
        super().__init__(dimension, model, **options)
        self.left = -1
        self.after = False

    def _change(self, change, *arguments):
        self.left -= 1
        if self.left == 0 and not self.after:
            raise StoppedError
        done = change(*arguments)
        if self.left == 0:
            raise StoppedError
        return done

    def add(self, *arguments):
        return self._change(super().add, *arguments)

    def set(self, *arguments):
        return self._change(super().set, *arguments)


def store_of(kind, uuid: str, model: str = "m", dimension: int = 3, **options):
    """An empty store."""
    made = kind(dimension, model, **options)
    made._about = dataclasses.replace(made._about, uuid=uuid)
    return made


def filled(seed: int, size: int) -> MemoryStore:
    """Images of all kinds, some without sha256, some of those alike in all but the vector; some were removed."""
    random, store = np.random.default_rng(seed), store_of(MemoryStore, "source")
    vectors = random.normal(size=(size, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for row in range(size):
        entry = Entry(
            f"/{random.integers(4)}.png",
            [None, "a", "b"][random.integers(3)],
            [None, 0, 7][random.integers(3)],
            [None, 1.5][random.integers(2)],
            "s",
            [None, (1, 2, 3, 4)][random.integers(2)],
            ["", f"{row:064d}"][random.integers(2)],
        )
        store.add([entry], vectors[row : row + 1], [[None, bytes([row])][random.integers(2)]])
    if size:
        store.remove(Where(ids=tuple(random.integers(1, size + 1, size // 4).tolist())))
    return store


def content(store) -> list[tuple[object, ...]]:
    """All of a gallery but the ids, in their order."""
    return [
        (dataclasses.replace(image, id=0), store.vectors([image.id]).tolist(), store.thumbnail(image.id))
        for image in store.entries(Where())
    ]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 30), st.integers(1, 12))
def test_copies_equal_their_sources(seed, size, batch):
    """Entries, vectors and thumbnails in the same order; again copies nothing; what comes later is added."""
    source, destination, seen = filled(seed, size), store_of(MemoryStore, "other"), []

    assert copy(source, destination, batch=batch, progress=seen.append) == sum(seen) == source.counts()["images"]
    assert content(destination) == content(source)
    assert copy(source, destination, batch=batch) == 0
    source.add([Entry("/new.png"), Entry("/newer.png", sha256="f" * 64)], np.eye(3, dtype=np.float32)[:2], [None] * 2)
    assert copy(source, destination, batch=batch) == 2
    assert content(destination) == content(source)


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 10**6), st.integers(1, 25), st.integers(1, 8), st.integers(1, 20), st.booleans())
def test_stopped_at_any_change(seed, size, batch, left, after):
    """Before or after any change of the destination: copying again completes it, with no image twice."""
    source, destination = filled(seed, size), store_of(Frail, "other")
    destination.left, destination.after = left, after
    with contextlib.suppress(StoppedError):
        copy(source, destination, batch=batch)
    destination.left, before = -1, destination.counts()["images"]
    copied = copy(source, destination, batch=batch)

    assert content(destination) == content(source)
    assert before + copied == source.counts()["images"]


def test_what_is_there_stays():
    """Images of the same content are not copied, and keep what the destination says of them."""
    source, destination = store_of(MemoryStore, "source"), store_of(MemoryStore, "other")
    vectors = np.eye(3, dtype=np.float32)
    source.add(
        [Entry("/1.png", "a", sha256="1" * 64), Entry("/2.png", "b", sha256="2" * 64)], vectors[:2], [b"x", b"y"]
    )
    destination.add([Entry("/mine.png", "c", sha256="1" * 64)], vectors[2:], [None])

    assert copy(source, destination) == 1
    assert [(image.path, image.identity) for image in destination.entries(Where())] == [
        ("/mine.png", "c"),
        ("/2.png", "b"),
    ]


def test_settings_that_are_named():
    """They are copied where the source has them; others stay."""
    source, destination = store_of(MemoryStore, "source"), store_of(MemoryStore, "other")
    source.set("threshold", 0.5)
    source.set("private", 1)
    destination.set("calibration", {"slope": 2})
    copy(source, destination, settings=("threshold", "calibration"))

    assert [destination.setting(name) for name in ("threshold", "private", "calibration")] == [0.5, None, {"slope": 2}]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"model": "n" * 64}, "made by model m, those of the one to copy to by nnnnnnnnnnnn;"),
        ({"model": ""}, "by unknown"),
        ({"dimension": 4}, "have 3 numbers, those of the one to copy to 4"),
        ({"uuid": "source"}, "copied to itself"),
    ],
)
def test_refused(other, message):
    """Another model, another length of vectors, the same gallery: nothing is copied."""
    destination = store_of(MemoryStore, **{"uuid": "other", **other})
    with pytest.raises(GalleryError, match=message):
        copy(filled(0, 5), destination)
    assert destination.counts()["images"] == 0


def test_images_removed_meanwhile(monkeypatch):
    """They are left out, and the others are copied."""
    source, destination = filled(1, 20), store_of(MemoryStore, "other")
    images = list(source.entries(Where()))
    source.remove(Where(ids=(images[3].id, images[7].id)))
    listed, calls = source.entries, []

    def entries(where, **options):
        calls.append(where)
        return iter(images) if len(calls) == 1 else listed(where, **options)

    monkeypatch.setattr(source, "entries", entries)
    assert copy(source, destination, batch=5) == len(images) - 2
    monkeypatch.undo()
    assert content(destination) == content(source)
