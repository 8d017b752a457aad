"""Vectors of images, in memory and in a folder."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid import files
from reid.errors import ArtefactError, MissingInputError, OutputError, ShapeError
from reid.records import Embeddings, Records, build
from reid.records.embeddings import _from_csv, _to_csv

NAMES = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\udc80\udcff\r\n\",\x00 '\\"), min_size=1)
ROWS = st.lists(
    st.tuples(NAMES, NAMES, st.integers(-1, 2**40), st.floats(allow_nan=True), NAMES | st.just("")),
    min_size=1,
    max_size=6,
)


def some(count: int = 3) -> Embeddings:
    """Vectors with numbers that say their row."""
    records = build(Path("/data"), [f"{row}.jpg" for row in range(count)], [str(row % 2) for row in range(count)])
    return Embeddings(np.arange(2.0 * count, dtype=np.float32).reshape(count, 2), records, "model")


def unknown_is_none(values: Any, unknown: Any) -> Any:
    """A column without a single known value says the same as no column."""
    return None if values is None or all(unknown(value) for value in values.tolist()) else values


@given(ROWS)
@settings(deadline=None, max_examples=60)
def test_records_come_back_whatever_the_names_are(rows: list[tuple[str, str, int, float, str]]) -> None:
    """A9, A10: quotes, commas, line ends of every kind and bytes that are no UTF-8 survive the CSV file."""
    paths, names, cameras, times, colours = ([row[place] for row in rows] for place in range(5))
    records = build(
        Path("/data/\udcff"),
        paths,
        names,
        junk=frozenset({"-1"}),
        cameras=cameras,
        times=times,
        attributes={"colour, \r": colours},
    )
    text = _to_csv(records).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    found = _from_csv(text, records.root)
    assert found.paths.tolist() == paths
    assert found.names() == records.names()
    assert found.identity_names == records.identity_names
    assert found.attributes["colour, \r"].tolist() == colours
    expected_cameras, expected_times = (
        unknown_is_none(records.cameras, lambda c: c == -1),
        unknown_is_none(records.times, np.isnan),
    )
    assert (found.cameras is None) == (expected_cameras is None)
    assert (found.times is None) == (expected_times is None)
    assert found.cameras is None or np.array_equal(found.cameras, expected_cameras)
    assert found.times is None or np.array_equal(found.times, expected_times, equal_nan=True)


def test_folder_comes_back(tmp_path: Path) -> None:
    """Vectors bit for bit, records, model, and further fields of the manifest; also a second time, when asked."""
    embeddings = some()
    embeddings.save(tmp_path / "e", about={"dataset": "demo"})
    with pytest.raises(OutputError, match="exists already"):
        embeddings.save(tmp_path / "e")
    embeddings.save(tmp_path / "e", overwrite=True, about={"dataset": "demo"})

    found = Embeddings.load(tmp_path / "e")
    assert (found.vectors.dtype, found.vectors.tobytes()) == (np.float32, embeddings.vectors.tobytes())
    assert (found.records.paths.tolist(), found.records.names()) == (embeddings.records.paths.tolist(), ["0", "1", "0"])
    assert (found.records.root, found.model) == (Path("/data"), "model")
    manifest = json.loads((tmp_path / "e" / "manifest.json").read_text())
    assert {key: manifest[key] for key in ("dataset", "kind", "model", "root", "count", "dimension")} == {
        "dataset": "demo",
        "kind": "embeddings",
        "model": "model",
        "root": "/data",
        "count": 3,
        "dimension": 2,
    }


def test_records_are_a_table_for_other_programs(tmp_path: Path) -> None:
    """A header and one line an image, as a spreadsheet reads it; unknown is empty."""
    columns: dict[str, Any] = {"cameras": [3, -1], "times": [0.5, float("nan")], "attributes": {"colour": ["red", ""]}}
    records = build(Path(), ['a "b",\n.jpg', "b.jpg"], ["x", "-1"], junk=frozenset({"-1"}), **columns)
    Embeddings(np.zeros((2, 1), dtype=np.float32), records).save(tmp_path / "e")

    with (tmp_path / "e" / "records.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["path", "identity", "camera", "time", "colour"],
        ['a "b",\n.jpg', "x", "3", "0.5", "red"],
        ["b.jpg", "-1", "", "", ""],
    ]


def test_no_images_come_back(tmp_path: Path) -> None:
    """An empty gallery is a gallery."""
    some(0).save(tmp_path / "e")

    assert Embeddings.load(tmp_path / "e").vectors.shape == (0, 2)


@pytest.mark.parametrize("name", ["vectors.npy", "records.csv", "manifest.json"])
def test_damage_is_named(name: str, tmp_path: Path) -> None:
    """D4: a flipped bit, a lost end and a missing file are errors with the file's name."""
    some().save(tmp_path / "e")
    path = tmp_path / "e" / name
    whole = path.read_bytes()
    for damaged in (whole[:-20], whole[:50] + bytes([whole[50] ^ 1]) + whole[51:], b""):
        path.write_bytes(damaged)
        with pytest.raises(ArtefactError, match=name):
            Embeddings.load(tmp_path / "e")
    path.unlink()
    with pytest.raises((ArtefactError, MissingInputError), match=name):
        Embeddings.load(tmp_path / "e")


def test_other_folder_is_named(tmp_path: Path) -> None:
    """A folder of ours that holds something else, and no folder at all."""
    with files.new_folder(tmp_path / "x") as folder:
        files.write_manifest(folder, {"kind": "gallery"})

    with pytest.raises(ArtefactError, match="x holds gallery, not embeddings"):
        Embeddings.load(tmp_path / "x")
    with pytest.raises(MissingInputError, match="y/manifest"):
        Embeddings.load(tmp_path / "y")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_no_numbers_are_refused(bad: float) -> None:
    """G1: NaN scores well elsewhere; here the images are named, five at most, on one line."""
    records = build(Path(), [f"{row}\n.jpg" for row in range(8)], ["x"] * 8)
    vectors = np.zeros((8, 2), dtype=np.float32)
    vectors[[1, 3], 1] = bad

    with pytest.raises(ShapeError, match=r"^2 of 8 vectors hold NaN or infinity: 1\\n\.jpg, 3\\n\.jpg$"):
        Embeddings(vectors, records)
    with pytest.raises(ShapeError, match=r"4\\n\.jpg and 3 more$"):
        Embeddings(np.full((8, 2), bad, dtype=np.float32), records)


@pytest.mark.parametrize("shape", [(3,), (2, 2), (3, 2, 1)])
def test_vectors_that_are_no_matrix_of_the_records_are_refused(shape: tuple[int, ...]) -> None:
    """One row an image."""
    with pytest.raises(ShapeError, match="but there are 3 records"):
        Embeddings(np.zeros(shape, dtype=np.float32), some().records)


def test_select_keeps_vectors_and_records_together() -> None:
    """The vector of an image stays its vector."""
    part = some().select(np.array([2, 0]))

    assert part.vectors.tolist() == [[4, 5], [0, 1]]
    assert part.records.paths.tolist() == ["2.jpg", "0.jpg"]
    assert isinstance(part.records, Records)
    assert part.model == "model"
