"""What waits for what, without files or processes. Whole additions stand in test_adding.py."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
import small_runs
from memory_store import MemoryStore

from reid.embed import BATCH, Embedder, TorchModel, choose_device
from reid.errors import DataError, MissingInputError
from reid.gallery.blocks import Crop
from reid.gallery.entries import Entry
from reid.gallery.filters import Where
from reid.gallery.intake import Added, Intake
from reid.gallery.listing import Listing

PICTURES = small_runs.pictures(400).numpy()


@pytest.fixture(scope="module")
def embedder():
    """A small network that was never trained."""
    network = small_runs.network()
    return Embedder(TorchModel(network, small_runs.description(network.architecture), "a" * 64, choose_device("cpu")))


@contextlib.contextmanager
def listening(embedder, embedded):
    """How many pictures are embedded at once."""
    hook = embedder.network.register_forward_hook(lambda network, inputs, output: embedded.append(len(output)))
    yield
    hook.remove()


def crop(number, **options):
    """Of picture `number`, whose digest is that number."""
    return Crop(f"{number:064x}", thumbnail=b"%d" % number, pictured=True, **options)


def take(intake, numbers):
    """Entries of these numbers come in."""
    intake.take(numbers, [crop(number) for number in numbers], PICTURES[numbers])


def entries(count=400):
    """Entry i is i.jpg."""
    return [Entry(f"{number}.jpg") for number in range(count)]


def test_pictures_wait_for_a_full_batch(embedder):
    """Few of many blocks are embedded together, and each gets its own vector, thumbnail and name."""
    store = MemoryStore(16, "a" * 64)
    store.add(
        [Entry("x", sha256=f"{n:064x}") for n in range(400) if n % 8],
        np.eye(16, dtype=np.float32)[[0] * 350],
        [None] * 350,
    )
    intake, embedded = Intake(store, entries(), embedder, 1000, strict=True), []
    with listening(embedder, embedded):
        for start in range(0, 400, 40):
            take(intake, list(range(start, start + 40)))
        intake.put()

    assert embedded == [50]
    assert BATCH > 50
    assert intake.done == Added(added=50, duplicates=350)
    for image in list(store.entries(Where()))[350:]:
        number = int(image.sha256, 16)
        assert image.path == f"{number}.jpg"
        assert store.thumbnail(image.id) == b"%d" % number
        assert store.vectors([image.id])[0] == pytest.approx(embedder.embed([PICTURES[number]])[0], abs=1e-4)


def test_kept_at_a_batch(embedder):
    """As soon as there are enough, and again after that."""
    store = MemoryStore(16, "a" * 64)
    intake = Intake(store, entries(), embedder, 30, strict=True)
    seen = []
    for start in range(0, 100, 10):
        take(intake, list(range(start, start + 10)))
        seen.append(store.counts()["images"])

    assert seen == [0, 0, 30, 30, 30, 60, 60, 60, 90, 90]
    intake.put()
    intake.put()
    assert store.counts()["images"] == 100


def test_twice_before_it_is_kept(embedder):
    """Content that only waits is known as well, and not embedded again; what was taken away since may come again."""
    store, embedded = MemoryStore(16, "a" * 64), []
    intake = Intake(store, entries(), embedder, 1000, strict=True)
    with listening(embedder, embedded):
        for numbers in ([3, 4, 3], [4, 5], [3]):
            take(intake, numbers)
        intake.put()

    assert embedded == [3]
    assert intake.done == Added(added=3, duplicates=3)
    store.remove(Where(paths=("4.jpg",)))
    take(intake, [3, 4])
    intake.put()
    assert intake.done == Added(added=4, duplicates=4)


def test_somebody_else_was_quicker(embedder):
    """What the store knows in the end is a duplicate, though it did not when asked."""
    store = MemoryStore(16, "a" * 64)
    intake = Intake(store, entries(), embedder, 1000, strict=True)
    take(intake, [0, 1, 2])
    store.add([Entry("y", sha256=f"{1:064x}")], np.eye(16, dtype=np.float32)[:1], [None])
    intake.put()

    assert intake.done == Added(added=2, duplicates=1)


def test_problems(embedder):
    """Skipped with their line, or raised after what came before has been kept."""
    listing = Listing(entries(5), Path("t.csv"), [2, 3, 4, 5, 6])
    crops = [crop(0), Crop("", problem=DataError("no image")), crop(2), Crop("", problem=MissingInputError("gone"))]
    lenient = Intake(MemoryStore(16, "a" * 64), listing, embedder, 1000, strict=False)
    lenient.take([0, 1, 2, 3], crops, PICTURES[[0, 2]])
    lenient.put()
    store = MemoryStore(16, "a" * 64)
    with pytest.raises(DataError, match=r"t\.csv:3: no image"):
        Intake(store, listing, embedder, 1000, strict=True).take([0, 1, 2, 3], crops, PICTURES[[0, 2]])

    assert lenient.done == Added(added=2, skipped=2, problems=("t.csv:3: no image", "t.csv:5: gone"))
    assert [image.path for image in store.entries(Where())] == ["0.jpg"]


def test_sums():
    """Of several sources, with the first 20 problems of all."""
    one, other = Added(1, 2, 3, 4, tuple("abc")), Added(10, 20, 30, 40, tuple("x" * 30))

    assert one + other == Added(11, 22, 33, 44, (*"abc", *"x" * 17))
