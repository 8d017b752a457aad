"""Adding against embedding each image for itself and putting it into a store of brute force."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
import small_runs
from memory_store import MemoryStore
from pictures import encode, photo

from reid.data.thumbnails import thumbnail
from reid.embed import Embedder, TorchModel, choose_device
from reid.errors import DataError, GalleryError
from reid.gallery import crops
from reid.gallery.adding import Added, add, check_model
from reid.gallery.entries import Entry
from reid.gallery.filters import Where
from reid.gallery.folder import read_folder
from reid.gallery.listing import Listing
from reid.gallery.pictures import read_picture
from reid.gallery.sources import listing

MODEL = "a" * 64


@pytest.fixture(scope="module")
def embedder():
    """A small network that was never trained."""
    network = small_runs.network()
    return Embedder(TorchModel(network, small_runs.description(network.architecture), MODEL, choose_device("cpu")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """24 pictures of 6 identities in a folder of each."""
    root = tmp_path_factory.mktemp("g")
    for number in range(24):
        path = root / f"{number % 6}" / f"{number:02}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(photo(30, 24, number), "JPEG"))
    return root


@pytest.fixture
def store():
    """An empty gallery."""
    return MemoryStore(16, MODEL)


class Counted(MemoryStore):
    """A gallery that remembers how many images came at once."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.batches = []

    def add(self, entries, vectors, thumbnails):
        self.batches.append(len(entries))
        return super().add(entries, vectors, thumbnails)


def all_of(store):
    """Its images, by id."""
    return list(store.entries(Where()))


def refuse(monkeypatch):
    """Nothing is embedded from now on."""

    def fail(_model, batch):
        pytest.fail(f"{len(batch)} images are embedded")

    monkeypatch.setattr(TorchModel, "pictures", fail)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("batch", [5, 1000])
def test_a_folder(folder, embedder, store, workers, batch):
    """Every image with its names, digest, thumbnail and vector, in order, whoever reads and however many at once."""
    found = listing(folder)
    heard = []
    done = add(store, embedder, found, workers=workers, batch=batch, progress=heard.append)

    assert done == Added(added=24)
    assert sum(heard) == 24
    for stored, entry in zip(all_of(store), found, strict=True):
        content = Path(entry.path).read_bytes()
        wanted = dataclasses.replace(entry, sha256=hashlib.sha256(content).hexdigest())
        assert all(getattr(stored, name.name) == getattr(wanted, name.name) for name in dataclasses.fields(Entry))
        assert store.vectors([stored.id])[0] == pytest.approx(embedder.embed([entry.path])[0], abs=1e-5)
        assert store.thumbnail(stored.id) == thumbnail(read_picture(entry))


def test_batches(folder, embedder):
    """The store gets about as many images at once as it was told, and all of them."""
    for batch, wanted in ((5, [5, 5, 5, 5, 4]), (24, [24]), (1000, [24]), (1, [1] * 24)):
        store = Counted(16, MODEL)
        add(store, embedder, listing(folder), batch=batch, workers=0)
        assert store.batches == wanted


def test_boxes(tmp_path, embedder, store):
    """Parts of frames are embedded as if they had been cut out; what reached over the edge is told."""
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(encode(photo(60, 80, number), "JPEG"))
    boxes = [(0, 0, 20, 30), (10, 10, 50, 50), (60, 40, 100, 100), (-9, 5, 30, 30)]
    rows = [f"{n}.jpg,{','.join(map(str, box))},{n}" for box in boxes for n in range(3)]
    (tmp_path / "t.csv").write_text("\n".join(["path,x1,y1,x2,y2,camera", *rows, rows[0]]))
    done = add(store, embedder, listing(tmp_path / "t.csv"), workers=0)

    assert done == Added(added=12, duplicates=1, clipped=6)
    for stored in all_of(store):
        alone = read_picture(stored)
        assert store.vectors([stored.id])[0] == pytest.approx(embedder.embed([alone])[0], abs=1e-5)
        assert stored.camera == int(Path(stored.path).stem)
    assert [stored.box for stored in all_of(store)][:4] == [
        (0, 0, 20, 30),
        (10, 10, 50, 50),
        (60, 40, 80, 60),
        (0, 5, 30, 30),
    ]


def test_again(folder, embedder, store, monkeypatch):
    """Nothing is embedded twice, whatever it was added from, and from the same source not even decoded."""
    add(store, embedder, listing(folder), workers=0)
    before = all_of(store)
    refuse(monkeypatch)
    assert add(store, embedder, [Entry(entry.path, source="else") for entry in before], workers=0) == Added(
        duplicates=24
    )
    monkeypatch.setattr(crops, "decode_image", None)
    assert add(store, embedder, listing(folder), workers=0) == Added(duplicates=24)
    assert all_of(store) == before


def test_duplicates_within_a_source(tmp_path, embedder, store):
    """The first counts, near and far."""
    for number in range(40):
        (tmp_path / f"{number:02}.jpg").write_bytes(encode(photo(20, 20, number % 15), "JPEG"))

    assert add(store, embedder, listing(tmp_path), workers=0, batch=10) == Added(added=15, duplicates=25)
    assert [Path(image.path).stem for image in all_of(store)] == [f"{number:02}" for number in range(15)]


def test_some_new_among_known(folder, tmp_path, embedder, store):
    """Few new images of many batches are embedded together, each with its own vector."""
    known = [Entry(entry.path) for row, entry in enumerate(listing(folder)) if row % 5]
    add(store, embedder, known, workers=0)
    assert add(store, embedder, listing(folder), workers=0, batch=6) == Added(added=5, duplicates=19)

    for stored in all_of(store):
        assert store.vectors([stored.id])[0] == pytest.approx(embedder.embed([stored.path])[0], abs=1e-5)


def test_content_that_was_removed_comes_again(folder, embedder, store):
    """What is known is what is there now."""
    add(store, embedder, listing(folder), workers=0)
    store.remove(Where(identities=("3",)))

    assert add(store, embedder, listing(folder), workers=0) == Added(added=4, duplicates=20)
    assert store.counts()["images"] == 24


def test_thumbnails_may_be_left_out(folder, embedder, store):
    """Or be of another size."""
    add(store, embedder, listing(folder)[:2], workers=0, thumbnail=0)

    assert [store.thumbnail(image.id) for image in all_of(store)] == [None, None]


def test_an_embeddings_folder(folder, embedder, store, tmp_path):
    """Its vectors are taken as they are, with digests and thumbnails of the files; afterwards the files are known."""
    embedder.embed_records(read_folder(folder)).save(tmp_path / "e")
    found = listing(tmp_path / "e")

    assert add(store, None, found, workers=0, batch=7) == Added(added=24)
    assert np.array_equal(store.vectors(range(1, 25)), found.vectors)
    assert store.thumbnail(1) == thumbnail(read_picture(found[0]))
    assert add(store, embedder, listing(folder), workers=0) == Added(duplicates=24)
    assert add(store, embedder, found, workers=2) == Added(duplicates=24)


def test_vectors_without_files(embedder, store):
    """The same vector of the same path and box is there once; another of the three makes another image."""
    vectors = np.eye(16, dtype=np.float32)[[0, 0, 0, 1, 0]]
    places = [("/no/a", None), ("/no/b", None), ("/no/a", (0, 0, 9, 9)), ("/no/a", None), ("/no/a", None)]
    found = Listing([Entry(path, box=box) for path, box in places], vectors=vectors, model=MODEL)

    assert add(store, None, found, workers=0) == Added(added=4, duplicates=1)
    assert add(store, None, found, workers=0, batch=1) == Added(duplicates=5)
    assert [store.thumbnail(image.id) for image in all_of(store)] == [None] * 4


@pytest.mark.parametrize(
    ("vector", "words"),
    [
        (np.full(16, np.nan), r"the vector of /no/1 has NaN or infinity"),
        (np.zeros(16), r"the vector of /no/1 has the length 0 instead of 1"),
        (np.full(16, 3.0), r"the vector of /no/1 has the length 12 instead of 1"),
    ],
)
def test_h9_bad_vectors(store, vector, words):
    """H9: named, before anything is added."""
    vectors = np.stack([np.eye(16)[0], vector]).astype(np.float32)
    found = Listing([Entry("/no/0"), Entry("/no/1")], vectors=vectors, model=MODEL)
    with pytest.raises(GalleryError, match=words):
        add(store, None, found, workers=0, batch=1)

    assert all_of(store) == []


def test_h11_h12_wrong_models(folder, embedder):
    """H11, H12: another model or length is refused, and both are named."""
    entries = listing(folder)
    with pytest.raises(GalleryError, match=r"model aaaaaaaaaaaa, but the gallery's are those of model bbbbbbbbbbbb"):
        add(MemoryStore(16, "b" * 64), embedder, entries)
    with pytest.raises(GalleryError, match="makes vectors of 16 numbers, those of the gallery have 31"):
        check_model(MemoryStore(31, MODEL).about, embedder)
    with pytest.raises(GalleryError, match="images need a model"):
        add(MemoryStore(16, MODEL), None, entries)
    given = Listing([Entry("/no/0")], vectors=np.eye(1, 31, dtype=np.float32), model=MODEL)
    with pytest.raises(GalleryError, match="31"):
        add(MemoryStore(16, MODEL), None, given)
    with pytest.raises(GalleryError, match=r"embeddings folder are those of model aaaaaaaaaaaa.* model unknown"):
        add(MemoryStore(31, ""), None, given)


def broken(folder, tmp_path):
    """A list of the folder's pictures with a text file in tenth and another in twentieth place."""
    paths = [entry.path for entry in listing(folder)]
    for place in (9, 19):
        (tmp_path / f"bad{place}.jpg").write_text("no image")
        paths.insert(place, str(tmp_path / f"bad{place}.jpg"))
    (tmp_path / "list").write_text("\n".join(paths))
    return listing(tmp_path / "list")


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_image_ends_it(folder, embedder, store, tmp_path, workers):
    """All images before it are in the gallery; it is named, and the line that names it."""
    entries = broken(folder, tmp_path)
    with pytest.raises(
        DataError, match=rf"{tmp_path}/list:10: cannot read image {tmp_path}/bad9\.jpg: it looks like text"
    ):
        add(store, embedder, entries, workers=workers, batch=4)

    assert [image.path for image in all_of(store)] == [entry.path for entry in entries[:9]]


def test_bad_images_are_left_out(folder, embedder, store, tmp_path):
    """Counted and named where that is wanted, and tried again the next time."""
    entries = broken(folder, tmp_path)
    done = add(store, embedder, entries, workers=0, batch=4, on_bad_image="skip")

    assert (done.added, done.skipped, len(done.problems)) == (24, 2, 2)
    assert "list:10: cannot read image" in done.problems[0]
    assert [image.path for image in all_of(store)] == [entry.path for entry in entries if "bad" not in entry.path]
    (tmp_path / "bad9.jpg").write_bytes(encode(photo(20, 20, 99), "JPEG"))
    again = add(store, embedder, entries, workers=0, on_bad_image="skip")
    assert (again.added, again.duplicates, again.skipped) == (1, 24, 1)


def test_a_box_outside_its_frame(folder, embedder, store, tmp_path):
    """Line, file, box and size of the frame."""
    path = listing(folder)[0].path
    (tmp_path / "t.csv").write_text(f"path,x,y,w,h\n{path},0,0,9,9\n{path},24,0,20,20\n")
    with pytest.raises(
        DataError, match=rf"t\.csv:3: .*{path}: box \(24, 0, 44, 20\) lies outside the frame, which has 24 x 30 pixels"
    ):
        add(store, embedder, listing(tmp_path / "t.csv"), workers=0)

    assert len(all_of(store)) == 1


def test_nothing_to_add(embedder, store):
    """No images are no change."""
    assert add(store, embedder, []) == Added()
