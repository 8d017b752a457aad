"""FAULTS, group H, adding: whatever ends it, each batch is there whole or not at all, and it goes on where it was."""

import errno
import multiprocessing
import os
import random
import signal
import time

import numpy as np
import pytest
import small_runs
from memory_store import MemoryStore
from pictures import encode, photo

from reid.embed import Embedder, TorchModel, choose_device
from reid.errors import ArtefactError, LoaderError, MissingInputError
from reid.gallery import adding
from reid.gallery.adding import Added, add
from reid.gallery.embedded.store import EmbeddedStore
from reid.gallery.entries import Entry
from reid.gallery.filters import Where
from reid.gallery.sources import listing

MODEL = "a" * 64
IMAGES = 30


@pytest.fixture(scope="module")
def embedder():
    """A small network that was never trained."""
    network = small_runs.network()
    return Embedder(TorchModel(network, small_runs.description(network.architecture), MODEL, choose_device("cpu")))


@pytest.fixture
def folder(tmp_path):
    """Pictures, number i being 20 + i pixels high."""
    for number in range(IMAGES):
        (tmp_path / f"{number:02}.jpg").write_bytes(encode(photo(20 + number, 24, number), "JPEG"))
    return tmp_path


class Failing(MemoryStore):
    """A gallery whose disk fails at some calls of `add`."""

    def __init__(self, *calls):
        super().__init__(16, MODEL)
        self.calls, self.made = calls, 0

    def add(self, entries, vectors, thumbnails):
        self.made += 1
        if self.made - 1 in self.calls:
            raise ArtefactError(f"cannot write: {os.strerror(errno.ENOSPC)}")
        return super().add(entries, vectors, thumbnails)


def content(store):
    """All that was kept, without ids."""
    return [
        (
            image.path,
            image.identity,
            image.sha256,
            store.thumbnail(image.id),
            store.vectors([image.id])[0].round(4).tolist(),
        )
        for image in store.entries(Where())
    ]


def uninterrupted(folder, embedder):
    """The gallery as it must become."""
    store = MemoryStore(16, MODEL)
    add(store, embedder, listing(folder), workers=0)
    return content(store)


@pytest.mark.parametrize("workers", [0, 2])
def test_b5_deleted_between_listing_and_reading(folder, embedder, workers):
    """An image that is gone is missing input, with those before it in the gallery; or it is left out and counted."""
    entries = listing(folder)
    (folder / "17.jpg").unlink()
    store = MemoryStore(16, MODEL)
    with pytest.raises(MissingInputError, match=r"17\.jpg: No such file"):
        add(store, embedder, entries, workers=workers, batch=4)

    assert store.counts()["images"] == 17
    done = add(store, embedder, entries, workers=workers, batch=4, on_bad_image="skip")
    assert (done.added, done.duplicates, done.skipped) == (12, 17, 1)


def test_changed_between_listing_and_reading(folder, embedder):
    """What is kept is what was read: digest, thumbnail and vector are those of the same bytes."""
    entries = listing(folder)
    (folder / "05.jpg").write_bytes(encode(photo(40, 40, 77), "JPEG"))
    store = MemoryStore(16, MODEL)
    add(store, embedder, entries, workers=0)

    assert content(store) == uninterrupted(folder, embedder)


@pytest.mark.parametrize("call", [0, 3])
def test_h14_disk_full(folder, embedder, call):
    """The error is the store's; what was kept before stays, and the next run completes the gallery."""
    store = Failing(call)
    with pytest.raises(ArtefactError, match="No space left"):
        add(store, embedder, listing(folder), workers=2, batch=5)

    assert multiprocessing.active_children() == []
    assert store.counts()["images"] == 5 * call
    assert add(store, embedder, listing(folder), workers=0) == Added(added=IMAGES - 5 * call, duplicates=5 * call)
    assert content(store) == uninterrupted(folder, embedder)


class Killing:
    """Ends the process that prepares the picture of number 17, with the file's name in the message."""

    def __init__(self, transform):
        self.transform = transform

    def __call__(self, image):
        if len(image) == 20 + 17 and multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.transform(image)


def test_e6_a_killed_worker(folder, embedder, monkeypatch):
    """One error that names the file; all that had been read is in the gallery, and the next run completes it."""
    original = adding.transform
    store = MemoryStore(16, MODEL)
    add(store, embedder, listing(folder)[13:14], workers=0)
    with monkeypatch.context() as patch:
        patch.setattr(adding, "transform", lambda description: Killing(original(description)))
        with pytest.raises(LoaderError, match=r"was killed by SIGKILL.*while it read .*17\.jpg"):
            add(store, embedder, listing(folder), workers=1, batch=4)

    assert multiprocessing.active_children() == []
    assert {image.path for image in store.entries(Where())} == {entry.path for entry in listing(folder)[:16]}
    assert add(store, embedder, listing(folder), workers=0) == Added(added=IMAGES - 16, duplicates=16)
    assert sorted(content(store)) == uninterrupted(folder, embedder)


class Stop:
    """Somebody who presses Ctrl-C after some batches."""

    def __init__(self, left):
        self.left = left

    def __call__(self, count):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("rounds", [3, pytest.param(60, marks=pytest.mark.soak)])
def test_interrupted_anywhere(folder, embedder, rounds):
    """Ctrl-C at any moment, again and again: the same gallery in the end, nothing twice, nothing left running."""
    chance, wanted = random.Random(0), uninterrupted(folder, embedder)
    for _ in range(rounds):
        store, stops = MemoryStore(16, MODEL), 0
        while store.counts()["images"] < IMAGES:
            stop = Stop(chance.randrange(1, 12))
            try:
                add(store, embedder, listing(folder), workers=chance.choice([0, 2]), batch=4, progress=stop)
            except KeyboardInterrupt:
                stops += 1
            assert multiprocessing.active_children() == []
            assert stops < 100
        assert content(store) == wanted


@pytest.mark.parametrize("rounds", [1, pytest.param(30, marks=pytest.mark.soak)])
def test_h3_killed_anywhere(folder, embedder, rounds):
    """SIGKILL at any moment, again and again: a gallery on disk is the same in the end as one that nobody disturbed."""
    chance, wanted, kills = random.Random(0), uninterrupted(folder, embedder), 0
    for turn in range(rounds):
        place = folder.parent / f"{folder.name}-gallery-{turn}"
        EmbeddedStore.create(place, MemoryStore(16, MODEL).about).close()
        for _ in range(4):
            child = os.fork()
            if not child:
                try:
                    add(EmbeddedStore(place), embedder, listing(folder), workers=0, batch=4)
                finally:
                    os._exit(0)
            time.sleep(chance.uniform(0, 0.06))
            os.kill(child, signal.SIGKILL)
            kills += os.waitpid(child, 0)[1] == signal.SIGKILL
        store = EmbeddedStore(place)
        there = store.counts()["images"]
        assert add(store, embedder, listing(folder), workers=0, batch=4) == Added(IMAGES - there, there)
        assert content(store) == wanted
        store.close()
    assert kills >= rounds


def test_a10_names_from_anywhere(tmp_path, embedder):
    """Undecodable and odd names go through processes and come back as they are."""
    names = ["\udcff\udcfe.jpg", "new\nline.jpg", " x .jpg", "車.jpg"]
    for seed, name in enumerate(names):
        (tmp_path / name).write_bytes(encode(photo(20, 20, seed), "JPEG"))
    (tmp_path / "\udcee bad.jpg").write_bytes(b"")
    store = MemoryStore(16, MODEL)
    done = add(store, embedder, listing(tmp_path), workers=1, batch=2, on_bad_image="skip")

    assert {image.path for image in store.entries(Where())} == {str(tmp_path / name) for name in names}
    assert "\\udcee bad.jpg" in done.problems[0]


def test_memory_does_not_grow_with_images(tmp_path, embedder):
    """Pictures and vectors that were put into the gallery are let go: no more of them wait than a batch and a half."""
    picture = encode(photo(20, 20), "JPEG")
    for number in range(60):
        (tmp_path / f"{number:02}.jpg").write_bytes(picture + bytes([number]) * (number + 1) + b"\xff\xd9")

    class Watching(MemoryStore):
        largest = 0

        def add(self, entries, vectors, thumbnails):
            self.largest = max(self.largest, len(entries), len(vectors))
            assert isinstance(vectors, np.ndarray)
            return super().add(entries, vectors, thumbnails)

    store = Watching(16, MODEL)
    add(store, embedder, listing(tmp_path), workers=0, batch=7)

    assert store.counts()["images"] == 60
    assert store.largest <= 13


def test_unreadable_by_permission(folder, embedder):
    """B5: named with the system's reason."""
    (folder / "03.jpg").unlink()
    (folder / "03.jpg").symlink_to(folder / "03.jpg")
    store = MemoryStore(16, MODEL)
    with pytest.raises(MissingInputError, match=r"03\.jpg: Too many levels of symbolic links"):
        add(store, embedder, [Entry(str(path)) for path in sorted(folder.iterdir())], workers=0)
    assert store.counts()["images"] == 3
