"""Vectors of sources against the vectors of each crop, and their way through an embeddings folder into a gallery."""

import dataclasses

import numpy as np
import pytest
import small_runs
from memory_store import MemoryStore
from pictures import encode, photo

from reid.embed import Embedder, TorchModel, choose_device
from reid.errors import DataError
from reid.gallery.adding import Added, add
from reid.gallery.embedding import embed_entries, embed_pieces, to_records
from reid.gallery.entries import Entry
from reid.gallery.filters import Where
from reid.gallery.pictures import read_picture
from reid.gallery.sources import listing


@pytest.fixture(scope="module")
def embedder():
    """A small network that was never trained."""
    network = small_runs.network()
    return Embedder(TorchModel(network, small_runs.description(network.architecture), "a" * 64, choose_device("cpu")))


@pytest.fixture
def table(tmp_path):
    """A table of eight boxes in two frames, one of which reaches out, and of a whole picture."""
    for number in range(2):
        (tmp_path / f"f{number}").mkdir()
        (tmp_path / f"f{number}" / "a.jpg").write_bytes(encode(photo(60, 80, number), "JPEG"))
    rows = [f"f{n // 4}/a.jpg,{9 * (n % 4)},5,{30 + 20 * (n % 4)},40,{n % 3},,{n / 4}" for n in range(8)]
    header = "path,left,top,right,bottom,identity,camera,time"
    (tmp_path / "t.csv").write_text("\n".join([header, *rows, "f1/a.jpg,,,,,-1,3,"]))
    return tmp_path / "t.csv"


@pytest.mark.parametrize("workers", [0, 2])
def test_each_as_if_it_were_alone(table, embedder, workers):
    """Vectors, and all that was known of each crop."""
    found, heard = listing(table), []
    made, problems = embed_entries(embedder, found, workers=workers, progress=heard.append)

    assert problems == []
    assert sum(heard) == 9
    assert made.model == "a" * 64
    assert made.vectors == pytest.approx(embedder.embed([read_picture(entry) for entry in found]), abs=1e-5)
    assert [str(path) for path in made.records.files()] == [entry.path for entry in found]


def test_through_a_folder_into_a_gallery(table, embedder, tmp_path):
    """Parts that are saved and added in any order make the gallery that the source itself makes."""
    found, stores = listing(table), [MemoryStore(16, "a" * 64) for _ in range(2)]
    add(stores[0], embedder, found, workers=0)
    for number in (2, 1):
        made, _ = embed_entries(embedder, found.part(number, 2), workers=0)
        made.save(tmp_path / f"e{number}")
        add(stores[1], None, listing(tmp_path / f"e{number}"), workers=0)
    wanted, got = (sorted(store.entries(Where()), key=lambda image: image.sha256) for store in stores)

    for one, other in zip(wanted, got, strict=True):
        assert dataclasses.replace(one, id=0, source="") == dataclasses.replace(other, id=0, source="")
        assert stores[0].thumbnail(one.id) == stores[1].thumbnail(other.id)
        assert stores[1].vectors([other.id])[0] == pytest.approx(stores[0].vectors([one.id])[0], abs=1e-5)
    assert add(stores[1], embedder, found, workers=0) == Added(duplicates=9)


def test_bad_images(table, embedder):
    """The first ends it, with its line; or they are left out and told."""
    table.write_text(table.read_text() + "\nf1/a.jpg,80,0,90,20,,,")
    with pytest.raises(DataError, match=r"t\.csv:11: .*lies outside the frame"):
        embed_entries(embedder, listing(table), workers=0)
    made, problems = embed_entries(embedder, listing(table), workers=0, on_bad_image="skip")

    assert len(made.vectors) == len(made.records) == 9
    assert len(problems) == 1
    assert "t.csv:11" in problems[0]


@pytest.mark.parametrize("workers", [0, 1])
def test_pieces_are_what_they_are_alone(table, embedder, workers):
    """Of several pieces, each is given as soon as it is done, with its own lines and boxes."""
    table.write_text(table.read_text() + "\nf1/a.jpg,80,0,90,20,,,\n\nf0/a.jpg,,,,,7,,")
    found = listing(table)
    pieces = [found.part(number, 3) for number in (1, 2, 3)]
    made = list(embed_pieces(embedder, [*pieces, []], workers=workers, on_bad_image="skip"))

    assert [len(one.vectors) for one, _ in made] == [len(pieces[0]), len(pieces[1]), len(pieces[2]) - 1, 0]
    for (one, problems), piece in zip(made, pieces, strict=False):
        alone, told = embed_entries(embedder, piece, workers=0, on_bad_image="skip")
        assert problems == told
        assert np.array_equal(one.vectors, alone.vectors)
        assert one.records.files() == alone.records.files()
        assert one.records.names() == alone.records.names()
    begun = embed_pieces(embedder, pieces, workers=workers)
    next(begun), next(begun)
    with pytest.raises(DataError, match=r"t\.csv:11: "):
        next(begun)


def test_no_images(embedder):
    """No vectors, of the right length."""
    assert embed_entries(embedder, [])[0].vectors.shape == (0, 16)


def test_records():
    """Columns only where something is known; a root only where there is one for all."""
    plain = to_records([Entry("/g/a.jpg"), Entry("/g/x/b.jpg", "7")])
    assert (str(plain.root), list(plain.paths), plain.names()) == ("/g", ["a.jpg", "x/b.jpg"], ["-1", "7"])
    assert (plain.cameras, plain.times, dict(plain.attributes)) == (None, None, {})
    full = to_records([Entry("b.jpg", camera=2), Entry("/a.jpg", time=3.0, box=(1, 2, 3, 4))])
    assert [str(path) for path in full.files()] == ["b.jpg", "/a.jpg"]
    assert full.cameras.tolist() == [2, -1]
    assert np.array_equal(full.times, [np.nan, 3.0], equal_nan=True)
    assert [list(column) for column in full.attributes.values()] == [["", "1"], ["", "2"], ["", "3"], ["", "4"]]
