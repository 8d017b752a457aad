"""The gallery on Milvus: what every store promises, over a stand-in, Milvus Lite and a real server; and its own ways."""

import concurrent.futures
import itertools

import milvus_servers
import numpy as np
import pytest
from fake_milvus import FakeServer
from gallery_contract import ABOUT, StoreContract, images, unit

from reid.errors import ArtefactError, GalleryError, MissingInputError, OutputError, ReidError
from reid.gallery.address import MilvusAddress
from reid.gallery.entries import Entry
from reid.gallery.filters import Where
from reid.gallery.milvus import layout
from reid.gallery.milvus import store as module
from reid.gallery.milvus.store import MilvusStore


class Fakes:
    """Galleries on a stand-in."""

    def __init__(self, version="v2.6.0"):
        self.state, self.version = {}, version

    def connect(self, address):
        return FakeServer(address, self.state, version=self.version)

    def create(self, about):
        return MilvusStore.create(MilvusAddress(f"g{len(self.state)}", host="fake"), about)

    def reopen(self, store):
        store.close()
        return MilvusStore(store.address)


class Served:
    """Galleries on a server that runs; the next ones are made while a test is under way, as it takes seconds."""

    def __init__(self, running, ahead):
        self.running, self.ahead = running, ahead
        self.numbers = itertools.count()
        self.makers = concurrent.futures.ThreadPoolExecutor(max(1, ahead))
        self.ready = [self.makers.submit(self._make, ABOUT) for _ in range(ahead)]

    def create(self, about):
        if about is not ABOUT or not self.ahead:
            return self._make(about)
        made = self.ready.pop(0).result()
        self.ready.append(self.makers.submit(self._make, about))
        return made

    def reopen(self, store):
        store.close()
        return MilvusStore(store.address)

    def stop(self):
        self.makers.shutdown(cancel_futures=True)
        self.running.stop()

    def _make(self, about):
        return MilvusStore.create(self.running.address(f"g{next(self.numbers)}"), about)


@pytest.fixture
def fakes(monkeypatch):
    """Stand-ins for servers."""
    made = Fakes()
    monkeypatch.setattr(module, "Server", made.connect)
    return made


@pytest.fixture(scope="module")
def lite(tmp_path_factory):
    """One Milvus Lite for all."""
    made = Served(milvus_servers.lite(tmp_path_factory.mktemp("lite")), ahead=0)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all."""
    made = Served(milvus_servers.server(tmp_path_factory.mktemp("server")), ahead=4)
    yield made
    made.stop()


class TestOverAStandIn(StoreContract):
    """Without Milvus."""

    @pytest.fixture
    def place(self, fakes):
        """In memory."""
        return fakes


class TestMilvusLite(StoreContract):
    """Served on loopback from an environment of its own."""

    @pytest.fixture
    def place(self, lite):
        """Galleries on it."""
        return lite


@pytest.mark.server
@pytest.mark.timeout(600)
class TestMilvusServer(StoreContract):
    """Version 2.3.5 with its own etcd."""

    @pytest.fixture
    def place(self, server):
        """Galleries on it."""
        return server


@pytest.mark.parametrize("collection", ["_extras", "_images"])
def test_a_batch_that_fails_leaves_nothing(fakes, collection):
    """Wherever it failed; adding it again adds it."""
    made = fakes.create(ABOUT)
    made.add(images(5), unit(5), [b"x"] * 5)
    before = {name: dict(there.rows) for name, there in fakes.state.items()}
    made._server.fail = {f"insert {made.address.name}{collection}": 0}

    with pytest.raises(ArtefactError):
        made.add(images(10, 5), unit(10), [b"y"] * 10)

    after = {
        name: {k: v for k, v in there.rows.items() if not str(k).startswith("ids/")}
        for name, there in fakes.state.items()
    }
    assert after == {
        name: {k: v for k, v in rows.items() if not str(k).startswith("ids/")} for name, rows in before.items()
    }
    assert None not in made.add(images(10, 5), unit(10), [b"y"] * 10)
    assert made.counts()["images"] == 15


def test_a_large_batch_that_fails_in_its_middle_is_taken_back(fakes, monkeypatch):
    """It goes in several requests."""
    made = fakes.create(ABOUT)
    monkeypatch.setattr(made._images, "at_once", 3)
    made._server.fail = {f"insert {made.address.name}_images": 2}

    with pytest.raises(ArtefactError):
        made.add(images(10), unit(10), [b"x"] * 10)
    assert made.counts()["images"] == 0
    assert [key for key in fakes.state[f"{made.address.name}_extras"].rows if key.startswith("thumbnail")] == []
    assert made.add(images(10), unit(10), [None] * 10) == sorted(image.id for image in made.entries(Where()))


def test_a_writer_killed_between_thumbnails_and_images_leaves_nothing_to_see(fakes):
    """And its batch can be added again."""
    made = fakes.create(ABOUT)
    made._extras.put({"thumbnail/1": "eA==", "thumbnail/2": "eA=="}, new=True)

    assert made.counts()["images"] == 0
    assert list(made.entries(Where())) == []
    made._extras.remove(["thumbnail/1", "thumbnail/2"])  # which are not the thumbnails of what is added next


def test_of_two_writers_of_the_same_image_one_gives_way(fakes, monkeypatch):
    """Both looked before either had written: the image with the lower id stays, and both say so."""
    one = fakes.create(ABOUT)
    other = MilvusStore(one.address)
    entries, vectors = images(5), unit(5)
    same = [place for place, entry in enumerate(entries) if entry.sha256]
    monkeypatch.setattr(other, "known", lambda _: set())
    first = one.add(entries, vectors, [b"x"] * 5)

    second = other.add(entries, vectors, [b"y"] * 5)

    assert None not in first
    assert [place for place, image in enumerate(second) if image is None] == same
    assert one.counts()["images"] == 5 + 5 - len(same)
    assert one.thumbnail(first[same[0]]) == b"x"


def test_making_a_gallery_twice_is_refused(fakes):
    """Also when the first is half made."""
    made = fakes.create(ABOUT)
    with pytest.raises(OutputError, match="exists already"):
        MilvusStore.create(made.address, ABOUT)
    del fakes.state[f"{made.address.name}_extras"].rows["about"]
    with pytest.raises(OutputError, match="half made"):
        MilvusStore.create(made.address, ABOUT)
    with pytest.raises(ArtefactError, match="half made"):
        MilvusStore(made.address)


def test_what_cannot_be_kept_is_refused_before_anything_is_written(fakes):
    """A text that is too long, a thumbnail that is too large, a time that is no number: the image is named."""
    made = fakes.create(ABOUT)
    good = Entry("/good.jpg", sha256="0" * 64)
    for bad, thumbnail in (
        (Entry("/bad.jpg", identity="x" * 5000), None),
        (Entry("/bad.jpg", source="é" * 10_000), None),
        (Entry("/bad.jpg", time=float("nan")), None),
        (Entry("/bad.jpg", camera=2**63), None),
        (Entry("/bad.jpg"), b"x" * 50_000),
    ):
        with pytest.raises(GalleryError, match=r"/bad\.jpg"):
            made.add([good, bad], unit(2), [b"x", thumbnail])
    assert made.counts()["images"] == 0
    assert {key.partition("/")[0] for key in fakes.state[f"{made.address.name}_extras"].rows} <= {"about", "ids"}


def test_settling_chooses_the_index(fakes, monkeypatch):
    """A graph from many images on, and all of them again well below; Milvus Lite never needs one."""
    monkeypatch.setattr(layout, "EXACT", 50)
    made = fakes.create(ABOUT)
    kinds = []
    for change in (
        lambda: made.add(images(49), unit(49), [None] * 49),
        lambda: made.add(images(1, 49), unit(1), [None]),
        lambda: made.remove(Where(cameras=(1, 2))),
        lambda: made.remove(Where(cameras=(3, 4, 5))),
    ):
        change()
        made.settle()
        kinds.append(made._server.indexed(f"{made.address.name}_images", "vector"))
        assert len(made.nearest(unit(1), 1000, Where())[0]) == made.counts()["images"]
    assert kinds == ["FLAT", "HNSW", "HNSW", "FLAT"]

    fakes.version = "milvus_lite-3.2.2"
    lite = fakes.create(ABOUT)
    lite.add(images(60), unit(60), [None] * 60)
    lite.settle()
    assert lite._server.indexed(f"{lite.address.name}_images", "vector") == "FLAT"


def test_rough_counts_read_no_rows(fakes, monkeypatch):
    """As long as there are about as many images as when they were counted last, by any process."""
    store = fakes.create(ABOUT)
    store.add(images(40), unit(40), [None] * 40)
    exact = store.counts()
    assert store.counts(roughly=True) == exact
    store = fakes.reopen(store)
    read = []
    pages = store._images.pages
    monkeypatch.setattr(store._images, "pages", lambda *given: read.append(given) or pages(*given))
    store.remove(Where(ids=(1, 2)))
    read.clear()
    assert store.counts(roughly=True) == {**exact, "images": 38}
    assert not read
    store.remove(Where(ids=(3, 4, 5, 6)))
    read.clear()
    assert store.counts(roughly=True) == store.counts()
    assert len(read) == 2


def test_milvus_lite_is_flushed_now_and_then(fakes, monkeypatch):
    """And when the gallery is closed: it searches its log row by row."""
    monkeypatch.setattr(module, "_UNFLUSHED", 20)
    fakes.version = "milvus_lite-3.2.2"
    made = fakes.create(ABOUT)
    server, name = made._server, f"{made.address.name}_images"

    made.add(images(15), unit(15), [None] * 15)
    assert server.flushed == []
    made.add(images(15, 15), unit(15), [None] * 15)
    assert server.flushed.count(name) == 1
    made.add(images(1, 30), unit(1), [None])
    made.close()
    assert server.flushed.count(name) == 2


def kill_and_look(running) -> None:
    """Add, kill the server, start it again: every acknowledged image is there and found."""
    made = MilvusStore.create(running.address("killed"), ABOUT)
    ids = [image for n in range(4) for image in made.add(images(50, 50 * n), unit(50, n), [b"x"] * 50)]
    made.remove(Where(ids=tuple(ids[:10])))
    made.label(Where(ids=tuple(ids[10:20])), "labelled")
    running.kill()
    running.start()
    again = MilvusStore(running.address("killed"))

    assert [image.id for image in again.entries(Where())] == ids[10:]
    assert {image.identity for image in again.entries(Where(ids=tuple(ids[10:20])))} == {"labelled"}
    np.testing.assert_array_equal(again.vectors(ids[50:100]), unit(50, 1))
    assert [hits[0][0].id for hits in again.nearest(unit(50, 2), 1, Where())] == ids[100:150]
    assert again.thumbnail(ids[-1]) == b"x"
    assert min(again.add(images(1, 300), unit(1), [None])) > max(ids)


def a_server_that_is_gone(running) -> None:
    """Is told in one message within the time that the address allows."""
    made = MilvusStore.create(running.address("gone", timeout=2.0), ABOUT)
    running.stop()
    with pytest.raises(ArtefactError, match=f"127.0.0.1:{running.port}"):
        made.nearest(unit(1), 1, Where())
    with pytest.raises(ArtefactError, match="no answer"):
        MilvusStore(running.address("gone", timeout=2.0))
    made.close()


def two_writers(running) -> None:
    """That are not told of each other give no id twice, and keep every image and each content once."""
    first = MilvusStore.create(running.address("shared"), ABOUT)
    with concurrent.futures.ThreadPoolExecutor(4) as workers:
        stores = [first, *(MilvusStore(running.address("shared")) for _ in range(3))]

        def write(number: int) -> list[int | None]:
            ids = []
            for n in range(6):
                ids += stores[number].add(images(10, 100 * number + 10 * n), unit(10, n), [None] * 10)
                ids += stores[number].add([Entry(f"/same/{n}.jpg", sha256=f"{10**9 + n:064x}")], unit(1), [None])
            return ids

        given = [image for ids in workers.map(write, range(4)) for image in ids]
    there = list(first.entries(Where()))
    assert len({image.id for image in there}) == len(there) == 4 * 60 + 6
    assert {image.id for image in there} <= {*given}
    assert len([image for image in there if image.path.startswith("/same")]) == 6


def test_milvus_lite_survives_kills(tmp_path):
    """And says so when it is gone."""
    running = milvus_servers.lite(tmp_path)
    try:
        kill_and_look(running)
        a_server_that_is_gone(running)
    finally:
        running.stop()


@pytest.mark.server
@pytest.mark.timeout(600)
def test_a_server_survives_kills(server):
    """Takes any number of writers, and says so when it is gone; the last test that it is there for."""
    two_writers(server.running)
    kill_and_look(server.running)
    a_server_that_is_gone(server.running)


def test_a_file_that_is_not_there_is_not_made_by_opening_it(tmp_path):
    """As Milvus Lite would."""
    with pytest.raises(MissingInputError, match=r"missing\.db"):
        MilvusStore(MilvusAddress("street", file=tmp_path / "missing.db"))
    assert list(tmp_path.iterdir()) == []


def test_nothing_listens(tmp_path):
    """Told within seconds, without the password."""
    address = MilvusAddress("street", host="127.0.0.1", port=1, user="reid", password="very secret", timeout=2.0)  # noqa: S106
    with pytest.raises(ReidError, match=r"milvus://reid@127\.0\.0\.1:1/street: no answer") as told:
        MilvusStore(address)
    assert "secret" not in str(told.value)
