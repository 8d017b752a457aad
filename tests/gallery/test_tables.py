"""Tables hold what the gallery holds, are read back, and replace what was there as a whole."""

import csv
import errno
import sys

import numpy as np
import pyarrow.parquet
import pytest
from disks import failing
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_store import MemoryStore

from reid.errors import ArtefactError, ConfigError, GalleryError, OutputError
from reid.gallery import crop_tables
from reid.gallery.entries import Entry
from reid.gallery.filters import Where
from reid.gallery.tables import COLUMNS, export
from reid.records import Embeddings

names = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="/"), min_size=1, max_size=6
).map(lambda name: f"n{name}")
entries = st.lists(
    st.builds(
        Entry,
        path=names.map("/g/{}".format),
        identity=st.none() | names.map(str.strip),
        camera=st.none() | st.integers(0, 99),
        time=st.none() | st.floats(-1e9, 1e9).map(float),
        source=st.sampled_from(["", 'a "b", c', "é\n"]),
        box=st.none() | st.tuples(*[st.integers(0, 9)] * 2, *[st.integers(10, 20)] * 2),
    ),
    max_size=12,
    unique_by=lambda entry: (entry.path, entry.box),
)


def store_of(found, seed: int = 0) -> MemoryStore:
    """A gallery of these images with random vectors, each with a sha256 of its own."""
    store = MemoryStore(4, "m" * 64)
    vectors = np.random.default_rng(seed).normal(size=(len(found), 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store.add(found, vectors, [None] * len(found))
    return store


def expected(store) -> list[tuple[object, ...]]:
    """The rows of a table, column by column as they stand in `COLUMNS`."""
    return [
        (i.id, i.path, i.identity, i.camera, i.time, *(i.box or (None,) * 4), i.source, i.sha256)
        for i in store.entries(Where())
    ]


@settings(deadline=None, max_examples=12)
@given(entries, st.integers(1, 5))
def test_csv(tmp_path_factory, found, batch):
    """Every cell; what a gallery reads from it is what was written; vectors and records in a folder beside it."""
    folder, store = tmp_path_factory.mktemp("x"), store_of(found)
    assert export(store, folder / "t.csv", vectors=True, batch=batch) == len(found)
    with (folder / "t.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)

    assert tuple(header) == COLUMNS
    assert rows == [["" if cell is None else str(cell) for cell in row] for row in expected(store)]
    made = Embeddings.load(folder / "t.embeddings")
    images = list(store.entries(Where()))
    assert made.vectors.tolist() == store.vectors([image.id for image in images]).tolist()
    assert (made.model, made.vectors.dtype) == ("m" * 64, np.float32)
    assert [str(path) for path in made.records.files()] == [image.path for image in images]
    assert made.records.names() == [image.identity or "-1" for image in images]
    assert list(made.records.attributes["id"]) == [str(image.id) for image in images]
    if found:
        again = crop_tables.read(folder / "t.csv")
        assert list(again.paths) == [image.path for image in images]
        assert list(again.boxes) == [image.box for image in images]
        assert list(again.times) == [image.time for image in images]
        assert list(again.cameras) == [image.camera for image in images]


@settings(deadline=None, max_examples=12)
@given(entries, st.integers(1, 5), st.booleans())
def test_parquet(tmp_path_factory, found, batch, vectors):
    """Every value with its type, and the vectors; nulls where nothing is known; the model in the file."""
    path, store = tmp_path_factory.mktemp("x") / "t.parquet", store_of(found)
    assert export(store, path, vectors=vectors, batch=batch) == len(found)
    table = pyarrow.parquet.read_table(path)

    assert table.column_names == [*COLUMNS, *(["vector"] if vectors else [])]
    assert [tuple(row[name] for name in COLUMNS) for row in table.to_pylist()] == expected(store)
    assert table.schema.metadata[b"reid.model"] == b"m" * 64
    if vectors:
        assert str(table.schema.field("vector").type) == "list<element: float>"
        rows = table["vector"].to_pylist()
        assert np.array(rows, np.float32).reshape(-1, 4).tolist() == store.vectors(range(1, len(found) + 1)).tolist()


def test_some_images(tmp_path):
    """Those of a condition; progress counts them."""
    store, seen = store_of([Entry(f"/{row}", camera=row % 2) for row in range(5)]), []

    assert export(store, tmp_path / "t.CSV", where=Where(cameras=(0,)), batch=2, progress=seen.append) == 3
    assert seen == [2, 1]
    assert [row[1] for row in csv.reader((tmp_path / "t.CSV").read_text().splitlines())] == ["path", "/0", "/2", "/4"]
    assert [path.name for path in tmp_path.iterdir()] == ["t.CSV"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_stands_there_stays(tmp_path, kind):
    """Until it may be replaced, and then it is, as a whole; also when the disk fills on the way."""
    store, path = store_of([Entry("/1")]), tmp_path / f"t.{kind}"
    export(store, path, vectors=True)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    store.add([Entry("/2")], np.eye(4, dtype=np.float32)[:1], [None])

    with pytest.raises(OutputError, match=r"t\.\w+ exists already; .* --force"):
        export(store, path, vectors=True)
    with pytest.raises(ArtefactError, match="No space left"), failing(1, errno.ENOSPC):
        export(store, path, vectors=True, overwrite=True)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    assert export(store, path, vectors=True, overwrite=True) == 2
    assert not [file for file in tmp_path.rglob("*") if ".tmp" in file.name]


def test_a_folder_of_vectors_in_the_way(tmp_path):
    """Is named before anything is written."""
    (tmp_path / "t.embeddings").mkdir()
    with pytest.raises(OutputError, match=r"t\.embeddings exists already"):
        export(store_of([Entry("/1")]), tmp_path / "t.csv", vectors=True)
    assert [path.name for path in tmp_path.iterdir()] == ["t.embeddings"]


def test_refused(tmp_path, monkeypatch):
    """Other endings, names that are no Unicode in Parquet, and Parquet without pyarrow."""
    store = store_of([Entry("/\udcff.png")])
    with pytest.raises(ConfigError, match=r"t\.xlsx is no table: name a file that ends in \.csv or \.parquet"):
        export(store, tmp_path / "t.xlsx")
    with pytest.raises(GalleryError, match=r"/\\udcff\.png cannot be written into Parquet"):
        export(store, tmp_path / "t.parquet")
    export(store, tmp_path / "t.csv")
    assert b"/\xff.png" in (tmp_path / "t.csv").read_bytes()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"needs pyarrow: pip install 'reid-toolkit\[parquet\]', or write a \.csv"):
        export(store, tmp_path / "u.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_images_removed_meanwhile(tmp_path, monkeypatch):
    """They are left out, of table and vectors alike."""
    store = store_of([Entry(f"/{row}") for row in range(4)])
    images, listed, calls = list(store.entries(Where())), store.entries, []
    store.remove(Where(ids=(2,)))

    def entries(where, **options):
        calls.append(where)
        return iter(images) if len(calls) == 1 else listed(where, **options)

    monkeypatch.setattr(store, "entries", entries)
    assert export(store, tmp_path / "t.csv", vectors=True) == 3
    assert Embeddings.load(tmp_path / "t.embeddings").records.paths.tolist() == ["/0", "/2", "/3"]
