"""The gallery in a folder: laws of its own beside those of every store."""

import os
import shutil
import threading

import galleries
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reid.errors import ArtefactError, GalleryError, InUseError, MissingInputError, OutputError
from reid.gallery.embedded.schema import CATALOGUE
from reid.gallery.embedded.store import EmbeddedStore
from reid.gallery.entries import Entry
from reid.gallery.filters import Where


@pytest.fixture
def store(tmp_path):
    """Thirty images."""
    made = galleries.filled(tmp_path / "g")
    yield made
    made.close()


def test_it_is_there_after_closing(store):
    """Everything of it."""
    before = galleries.content(store)
    store.set("threshold", 0.7)
    store.close()
    again = EmbeddedStore(store.folder)

    assert galleries.content(again) == before
    assert again.setting("threshold") == 0.7
    assert again.setting("other") is None
    assert again.about == store.about
    again.close()


def test_nearest_is_the_plain_ranking(store):
    """With and without a condition, after removals, and in the stored precision."""
    store.remove(Where(cameras=(3,)))
    images, queries = list(store.entries(Where())), galleries.unit(5, seed=3)
    for where, kept in ((Where(), images), (Where(cameras=(1, 2)), [i for i in images if i.camera in {1, 2}])):
        scores = queries.astype(np.float64) @ store.vectors([i.id for i in kept]).astype(np.float64).T
        for found, row in zip(store.nearest(queries, 4, where), scores, strict=True):
            order = np.argsort(-row, kind="stable")[:4]
            assert [image for image, _ in found] == [kept[place] for place in order]
            assert [score for _, score in found] == pytest.approx(row[order].tolist(), abs=1e-7)


def test_hits_end_where_images_end(store):
    """More asked for than there are, none there, and no queries."""
    assert len(store.nearest(galleries.unit(1), 10_000, Where())[0]) == 30
    assert store.nearest(galleries.unit(1), 5, Where(cameras=(99,))) == [[]]
    assert store.nearest(galleries.unit(0), 5, Where()) == []


def test_half_precision_takes_half_the_room(tmp_path):
    """And scores are those of what was stored."""
    store = galleries.filled(tmp_path / "g", 10, precision="float16")
    stored = galleries.unit(10).astype(np.float16).astype(np.float32)

    np.testing.assert_array_equal(store.vectors(range(1, 11)), stored)
    assert store.nearest(galleries.unit(1), 1, Where())[0][0][1] == pytest.approx(
        float(stored[0] @ galleries.unit(1)[0]), abs=1e-6
    )
    store.close()


def test_two_openings_see_each_other(store):
    """A change is seen by the next search of the other, also a compaction."""
    other, query = EmbeddedStore(store.folder), galleries.unit(1, seed=9)
    other.nearest(query, 1, Where())
    assert store.add([Entry("new.jpg")], query) == [31]
    assert other.nearest(query, 1, Where())[0][0][0].path == "new.jpg"
    other.remove(Where(ids=(1, 2)))
    assert {i.id for i, _ in store.nearest(query, 100, Where())[0]} == set(range(3, 32))
    assert store.compact() == 2
    assert other.nearest(query, 1, Where())[0][0][0].id == 31
    assert other.compact() == 0
    other.close()


def test_ids_are_never_given_again(store):
    """Not after removal, compaction and reopening."""
    store.remove(Where())
    store.compact()
    store.close()
    again = EmbeddedStore(store.folder)

    assert again.add([Entry("a.jpg")], galleries.unit(1)) == [31]
    again.close()


def test_nothing_of_a_removed_image_is_left_after_compaction(store):
    """Neither its vector, nor its name, nor its small picture, in any file of the gallery."""
    vector = galleries.unit(30)[7].tobytes()
    holding = lambda what: [p.name for p in store.folder.iterdir() if what in p.read_bytes()]  # noqa: E731
    assert holding(vector)
    store.remove(Where(ids=(8,)))
    store.compact()

    for what in (vector, b"/crops/1/7.jpg", b"small picture 7"):
        assert holding(what) == []
    assert store.check() == []


def test_a_writer_waits_for_another_and_then_fails_clearly(store, monkeypatch):
    """Its own change is not there then; readers go on."""
    monkeypatch.setattr("reid.gallery.embedded.schema._WAIT", 0.05)
    slow, fast = EmbeddedStore(store.folder), EmbeddedStore(store.folder)
    with slow._connections.writing():
        with pytest.raises(InUseError, match="being written by another process"):
            fast.add([Entry("a.jpg")], galleries.unit(1))
        assert len(fast.nearest(galleries.unit(1), 50, Where())[0]) == 30
    assert fast.add([Entry("a.jpg")], galleries.unit(1)) == [31]
    slow.close()
    fast.close()


def test_threads_search_while_one_changes(store):
    """What is found was there at some moment; nothing fails."""
    done, wrong = threading.Event(), list[object]()

    def search():
        while not done.is_set():
            try:
                for image, score in store.nearest(galleries.unit(2, seed=5), 20, Where(not_cameras=(1,)))[0]:
                    if image.camera == 1 or not -1 <= score <= 1:
                        wrong.append(image)
            except Exception as error:  # noqa: BLE001
                wrong.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for round_ in range(20):
        store.add(galleries.entries(20, first=100 + 20 * round_), galleries.unit(20, seed=round_))
        store.remove(Where(cameras=(round_ % 7,)))
        if round_ % 5 == 0:
            store.compact()
    done.set()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_read_only_gallery_can_be_searched(store, monkeypatch):
    """And not changed; nothing is written into its folder."""
    store.close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    before = sorted(p.name for p in store.folder.iterdir())
    again = EmbeddedStore(store.folder)

    assert len(again.nearest(galleries.unit(1), 50, Where())[0]) == 30
    with pytest.raises(GalleryError, match="may not be written to"):
        again.remove(Where())
    again.close()
    assert sorted(p.name for p in store.folder.iterdir()) == before


def test_a_read_only_gallery_that_was_left_by_a_kill(store, monkeypatch, tmp_path):
    """Shows what was acknowledged, or says that it cannot be read; never an older state."""
    store.add(galleries.entries(5, 100), galleries.unit(5))
    left = tmp_path / "left"
    shutil.copytree(store.folder, left)
    assert (left / f"{CATALOGUE}-wal").stat().st_size
    monkeypatch.setattr(os, "access", lambda *_: False)
    try:
        again = EmbeddedStore(left)
    except GalleryError as error:
        assert "you may not write there" in str(error)  # noqa: PT017
    else:
        assert len(list(again.entries(Where()))) == 35
        again.close()


def test_a_read_only_gallery_is_proven_too(store, monkeypatch):
    """Although nobody can be locked out."""
    store.close()
    content = (store.folder / CATALOGUE).read_bytes().replace(b"/crops/0/0.jpg", b"/crops/0/9.jpg")
    (store.folder / CATALOGUE).write_bytes(content)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("reid.gallery.embedded.seal._open", lambda _: -1)
    with pytest.raises(ArtefactError, match="the row of image 1 is corrupt"):
        EmbeddedStore(store.folder)


def test_bytes_that_a_reader_keeps_are_told(store, monkeypatch):
    """Until the gallery is compacted again, without the reader."""
    monkeypatch.setattr("reid.gallery.embedded.schema._WAIT", 0.05)
    one, reader = EmbeddedStore(store.folder), EmbeddedStore(store.folder)
    reader._connections.connection().execute("BEGIN")
    reader._connections.connection().execute("SELECT count(*) FROM images").fetchone()
    one.remove(Where(ids=(8,)))
    assert (one.compact(), one.lingering) == (1, True)
    reader.close()
    assert (one.compact(), one.lingering) == (0, False)
    one.close()
    assert not any(b"/crops/1/7.jpg" in path.read_bytes() for path in store.folder.iterdir())


def test_where_no_gallery_is(tmp_path):
    """A missing folder, one with other things, and a place that is taken."""
    with pytest.raises(MissingInputError, match=f"no gallery in .*nothing: {CATALOGUE} is missing"):
        EmbeddedStore(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "file"):
        with pytest.raises(OutputError, match="exists already"):
            EmbeddedStore.create(place, galleries.about())


def test_images_that_are_not_there(store):
    """Vectors of any number that is no image's are refused by name; small pictures are None."""
    for image in (0, -1, 31, 2**63 - 1):
        with pytest.raises(GalleryError, match=f"no image {image} "):
            store.vectors([1, image])
    assert store.thumbnail(31) is None


def test_a_row_with_anothers_vector_is_refused(store):
    """Two rows whose slots were exchanged prove themselves, but not their vectors."""
    with store._connections.writing() as connection:
        for old, new in ((0, 1000), (1, 0), (1000, 1)):
            connection.execute("UPDATE images SET slot = ? WHERE slot = ?", (new, old))

    with pytest.raises(ArtefactError, match="is not the one that was added"):
        store.nearest(galleries.unit(1), 30, Where())
    assert len(store.check()) == 2


class Changes(RuleBasedStateMachine):
    """Any sequence of changes leaves what a plain list of images says."""

    def __init__(self):
        super().__init__()
        import tempfile
        from pathlib import Path

        self.place = tempfile.TemporaryDirectory()
        self.store = EmbeddedStore.create(Path(self.place.name) / "g", galleries.about())
        self.images, self.next_id = dict[int, tuple[Entry, bytes]](), 1

    @rule(first=st.integers(0, 40), count=st.integers(0, 12))
    def add(self, first, count):
        entries, vectors = galleries.entries(count, first), galleries.unit(count, seed=first)
        there = {entry.sha256 for entry, _ in self.images.values()}
        ids = self.store.add(entries, vectors)
        for entry, vector, image in zip(entries, vectors, ids, strict=True):
            assert (image is None) == (entry.sha256 in there)
            if image is not None:
                assert image == self.next_id
                self.images[image], self.next_id = (entry, vector.tobytes()), image + 1

    @rule(camera=st.integers(0, 6))
    def remove(self, camera):
        gone = [image for image, (entry, _) in self.images.items() if entry.camera == camera]
        assert self.store.remove(Where(cameras=(camera,))) == len(gone)
        for image in gone:
            del self.images[image]

    @rule(camera=st.integers(0, 6), identity=st.sampled_from(["car-1", "other", None]))
    def label(self, camera, identity):
        from dataclasses import replace

        changed = 0
        for image, (entry, vector) in self.images.items():
            if entry.camera == camera and entry.identity != identity:
                self.images[image], changed = (replace(entry, identity=identity), vector), changed + 1
        assert self.store.label(Where(cameras=(camera,)), identity) == changed

    @rule()
    def compact(self):
        self.store.compact()

    @rule()
    def reopen(self):
        self.store.close()
        self.store = EmbeddedStore(self.store.folder)

    @precondition(lambda self: self.images)
    @rule(seed=st.integers(0, 5))
    def search(self, seed):
        query = galleries.unit(1, seed=seed)
        found = self.store.nearest(query, 5, Where())[0]
        rows = {
            i: float(np.frombuffer(v, np.float32).astype(float) @ query[0].astype(float))
            for i, (_, v) in self.images.items()
        }
        assert [image.id for image, _ in found] == sorted(rows, key=lambda i: (-rows[i], i))[:5]

    @invariant()
    def holds(self):
        found = galleries.content(self.store)
        assert [(image.id, image.path, image.identity, vector) for image, vector, _ in found] == [
            (image, entry.path, entry.identity, vector) for image, (entry, vector) in self.images.items()
        ]

    def teardown(self):
        assert self.store.check() == []
        self.store.close()
        self.place.cleanup()


TestChanges = Changes.TestCase
TestChanges.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
