"""Faults of datasets and labels: each row must end with its exit code and a message that names the culprit.

Nothing here downloads or unpacks, so faults of downloads and archives cannot occur.
"""

import csv
import io
import json
import os
import random
import shutil
import sys

import pytest
import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reid.cli import data
from reid.data.cards import load_card
from reid.data.dataset import digest, read_dataset
from reid.data.layouts import table
from reid.data.verify import statistics
from reid.errors import DataError, MissingInputError, ReidError
from reid.records import Embeddings

LISTED = ["vehicleid", "inshop", "msmt17", "sop", "cub200", "cars196", "table"]


@pytest.fixture(params=sorted(trees.TREES))
def dataset(request, tmp_path):
    trees.TREES[request.param](tmp_path / "set")
    return request.param, tmp_path / "set"


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs reid-data and returns exit code, standard output and standard error."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["reid-data", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            data.main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return call


def test_a1_a_dataset_without_images_is_refused(dataset):
    """65 where the folders and lists are there and empty; root, split and filter are named."""
    name, root = dataset
    for path in [*root.rglob("*.jpg"), *root.rglob("*.JPG"), *root.rglob("*.png")]:
        path.rename(path.with_name(f"{path.name}.txt"))
    for path in [*root.rglob("*list*.txt"), root / "images.txt", root / "image_class_labels.txt", *root.glob("Ebay*")]:
        if path.exists():
            path.write_text("0\n" if name == "inshop" else "")
    if name == "table":
        (root / "images.csv").write_text("path,identity,split\n")
    if name == "cars196":
        (root / "cars_annos.mat").unlink()

    with pytest.raises(DataError) as caught:
        read_dataset(name, root)

    assert caught.value.exit_code == 65
    assert str(root) in str(caught.value)
    if name in {"market1501", "folder"}:
        assert "split train" in str(caught.value)
        assert "not an image" in str(caught.value)


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("share", ["one", "ten", "all"])
def test_a2_listed_images_that_are_missing_are_named_before_anything_starts(tmp_path, name, share):
    """66 with the number of missing files and the first twenty names."""
    trees.TREES[name](tmp_path)
    images = sorted(path for path in tmp_path.rglob("*") if path.suffix.lower() in {".jpg", ".png"})
    gone = {"one": images[:1], "ten": random.Random(0).sample(images, min(10, len(images))), "all": images}[share]
    for path in gone:
        path.unlink()

    with pytest.raises(MissingInputError) as caught:
        read_dataset(name, tmp_path)

    listed = [path for path in gone if path.relative_to(tmp_path).as_posix() in str(caught.value)]
    assert caught.value.exit_code == 66
    assert f"{len(gone)} of {len(images)} images" in str(caught.value)
    assert len(listed) == min(20, len(gone))


def test_a3_identities_with_one_image_are_counted(tmp_path, command):
    """They are read, counted and told; what a sampler makes of them is its own matter."""
    trees.folder(tmp_path)
    trees.picture(tmp_path / "train" / "alone" / "1.png", 77)

    code, out, _ = command("check", "folder", "--root", tmp_path, "--json", "-")
    assert code == 0
    assert json.loads(out)["splits"]["train"]["single"] == 1
    _, out, _ = command("check", "folder", "--root", tmp_path)
    assert "training identities with a single image, which have no positive: 1" in out


def test_a4_an_identity_in_training_and_test_is_refused(tmp_path, command):
    """65 with its name, unless the user says that it is meant."""
    trees.folder(tmp_path)
    trees.picture(tmp_path / "test" / "a" / "9.png", 99)

    code, _, err = command("check", "folder", "--root", tmp_path)
    assert code == 65
    assert "1 identities of" in err
    assert "in training and test at once: a;" in err
    assert command("check", "folder", "--root", tmp_path, "--allow-overlap")[0] == 0


def test_a5_cameras_of_two_digits_are_not_cut(tmp_path):
    """Camera 12 is not camera 1; every camera up to 200 comes back as it was written."""
    trees.market(tmp_path)
    for camera in range(1, 201):
        name = f"0003_c{camera}s1_{camera:06d}_00.jpg"
        shutil.copy(tmp_path / "query" / "0003_c1s6_015971_00.jpg", tmp_path / "bounding_box_test" / name)

    gallery = read_dataset("market1501", tmp_path).tests["test"].gallery

    written = {int(path.split("_c")[1].split("s")[0]) for path in gallery.paths}
    assert set(gallery.cameras.tolist()) == written
    assert all(f"_c{camera}s" in path for path, camera in zip(gallery.paths, gallery.cameras, strict=True))


def test_a5_a_name_that_fits_only_in_part_is_refused(tmp_path):
    """65 with the file's name."""
    trees.market(tmp_path)
    trees.picture(tmp_path / "query" / "0003_c1s6_015971_00_copy.jpg", 99)

    with pytest.raises(DataError, match=r"0003_c1s6_015971_00_copy.jpg"):
        read_dataset("market1501", tmp_path)


def test_a6_what_is_no_image_is_skipped_by_rule_and_reported(tmp_path, command):
    """Thumbs.db, a text file named like an image, hidden files and folders; .JPG is an image."""
    trees.market(tmp_path)
    query = tmp_path / "query"
    (query / "0003_c1s6_015971_00.jpg").rename(query / "0003_c1s6_015971_00.JPG")
    (query / "Thumbs.db").write_bytes(b"x")
    (query / "0003_c1s6_015972_00.jpg.txt").write_bytes(b"x")
    (query / "._0003_c1s6_015973_00.jpg").write_bytes(b"x")
    (query / ".cache").mkdir()
    (query / "sub").mkdir()

    code, out, _ = command("check", "market", "--root", tmp_path, "--json", "-")

    assert code == 0
    assert json.loads(out)["splits"]["query"]["images"] == 2
    assert json.loads(out)["skipped"] == {"folder": 1, "hidden": 2, "not an image": 1, "system file": 1}


def test_a7_junk_and_distractors_are_flagged_and_counted(tmp_path, command):
    """They are numbers of their own in the report, not identities among others."""
    trees.market(tmp_path)

    gallery = json.loads(command("check", "market", "--root", tmp_path, "--json", "-")[1])["splits"]["gallery"]

    assert (gallery["junk"], gallery["distractors"]) == (1, 1)
    assert read_dataset("market", tmp_path).tests["test"].gallery.identities.tolist().count(-1) == 1


def test_a8_identical_images_under_two_identities_warn_and_fail_when_strict(tmp_path, command):
    """Both files are named; 65 with --strict."""
    trees.folder(tmp_path)
    shutil.copy(tmp_path / "train" / "a" / "0.png", tmp_path / "train" / "b" / "7.png")
    shutil.copy(tmp_path / "train" / "a" / "1.png", tmp_path / "test" / "c" / "7.png")

    code, out, _ = command("check", "folder", "--root", tmp_path)
    assert code == 0
    assert "train/a/0.png (a, train) and" in out
    assert "test/c/7.png (c, test) and" in out
    code, out, err = command("check", "folder", "--root", tmp_path, "--strict")
    assert code == 65
    assert "2 problems" in err


GOOD = [["path", "identity", "camera", "split"]] + [
    [f"{identity}/{shot}.jpg", str(identity), str(shot), "train" if identity < 5 else "test"]
    for identity in range(3, 8)
    for shot in range(3)
]
ODD = [
    "",
    "nan",
    "1",
    "1.0",
    "-1",
    "\ufeff",
    '"',
    "a\nb",
    "\0",
    "../x",
    "/",
    "é",
    "\udcff",
    ",",
    "9" * 30,
    "train",
    "query",
]


@st.composite
def mutated_tables(draw):
    """A good table after a few accidents, as bytes."""
    rows = [list(row) for row in GOOD]
    for _ in range(draw(st.integers(0, 4))):
        row = draw(st.integers(0, len(rows) - 1))
        match draw(st.sampled_from(["cell", "drop", "double", "short", "long", "empty"])):
            case "cell" if rows[row]:
                rows[row][draw(st.integers(0, len(rows[row]) - 1))] = draw(st.sampled_from(ODD))
            case "drop" if len(rows) > 1:
                del rows[row]
            case "double":
                rows.append(list(rows[row]))
            case "short":
                rows[row] = rows[row][:-1]
            case "long":
                rows[row] = [*rows[row], "x"]
            case _:
                rows[row] = []
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    content = bytearray(text.getvalue().encode("utf-8", "surrogateescape"))
    for _ in range(draw(st.integers(0, 3))):
        if content:
            content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.sampled_from([len(content)] * 9 + [len(content) // 2]))])


@given(mutated_tables())
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a9_a_damaged_table_is_read_or_refused_by_name(tmp_path, content):
    """Whatever happens to a CSV, the outcome is a listing or a message that names the file, never a traceback."""
    path = tmp_path / "t.csv"
    path.write_bytes(content)

    outcome = attempt(path)

    if isinstance(outcome, ReidError):
        assert "t.csv" in str(outcome)
    else:
        parts = [outcome.train, *(part for test in outcome.tests.values() for part in (test.query, test.gallery))]
        assert all(len(part.paths) == len(part.identities) for part in parts if part is not None)


def attempt(path):
    try:
        return table.read(path, table.OPTIONS)
    except ReidError as error:
        return error


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("4/9.jpg,,1,train", "t.csv:17:identity"),
        ("4/9.jpg,NaN,1,train", "t.csv:17:identity"),
        ("4/9.jpg,4.0,1,train", "t.csv:17:identity: found '4.0' here and '4' elsewhere"),
        ("4/0.jpg,4,1,train", "t.csv:17:path: '4/0.jpg' stands on line 5 already"),
        ('"4/\n9.jpg",4,x,train', "t.csv:17:camera"),
    ],
)
def test_a9_the_line_and_column_of_a_mistake_are_named(tmp_path, row, words):
    """65 with file:line:column."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(GOOD)
    (tmp_path / "t.csv").write_text(f"\ufeff{text.getvalue()}{row}\n")

    with pytest.raises(DataError) as caught:
        read_dataset("table", tmp_path)

    assert caught.value.exit_code == 65
    assert words in str(caught.value)


NAMES = [
    b"\xff\xfe.png",
    b"line\nbreak.png",
    b"n" * 251 + b".png",
    b"<img src=x onerror=alert(1)>.png",
    b"\x1b[31m.png",
    "ü ✓.png".encode(),
]


def test_a10_any_legal_file_name_goes_through(tmp_path, command):
    """Names that are no text, or not printable, are read, fingerprinted, checked, stored and never printed raw."""
    trees.folder(tmp_path / "set")
    for number, name in enumerate(NAMES):
        path = tmp_path / "set" / "train" / "a" / os.fsdecode(name)
        trees.picture(tmp_path / "picture.png", 500 + number)
        (tmp_path / "picture.png").rename(path)

    splits = read_dataset("folder", tmp_path / "set")

    assert {os.fsencode(path.rpartition("/")[2]) for path in splits.train.paths} >= set(NAMES)
    assert len(digest(splits)) == 64
    assert statistics(splits)["train"]["images"] == 6 + len(NAMES)
    import numpy as np

    Embeddings(np.eye(len(splits.train), dtype=np.float32), splits.train).save(tmp_path / "stored")
    assert list(Embeddings.load(tmp_path / "stored").records.paths) == list(splits.train.paths)
    (tmp_path / "set" / "train" / "a" / os.fsdecode(NAMES[0])).write_bytes(b"no picture")
    (tmp_path / "set" / "train" / "a" / os.fsdecode(NAMES[1])).write_bytes(b"no picture")
    code, out, err = command("check", "folder", "--root", tmp_path / "set", "--images")
    assert code == 65
    assert r"\udcff\udcfe.png" in out
    assert r"line\nbreak.png" in out
    assert "\x1b" not in out + err
    _, out, _ = command("check", "folder", "--root", tmp_path / "set", "--images", "--json", "-")
    assert len(json.loads(out)["bad_images"]) == 2


def test_a10_lists_may_hold_such_names_too(tmp_path):
    """A name that is no text is found on the disk as the list spells it."""
    trees.vehicleid(tmp_path)
    (tmp_path / "image" / "00010.jpg").rename(tmp_path / "image" / os.fsdecode(b"\xff\xe4.jpg"))
    for path in (tmp_path / "train_test_split").iterdir():
        path.write_bytes(path.read_bytes().replace(b"00010 ", b"\xff\xe4 "))

    splits = read_dataset("vehicleid", tmp_path)

    assert os.fsdecode(b"image/\xff\xe4.jpg") in splits.train.paths


def test_a14_a_dataset_that_changed_has_another_digest(dataset):
    """One image more, fewer, longer or of another identity cannot go unnoticed."""
    name, root = dataset
    before = digest(read_dataset(name, root))
    image = max(path for path in root.rglob("*") if path.suffix.lower() in {".jpg", ".png"})

    image.write_bytes(image.read_bytes() + b"\0")

    assert digest(read_dataset(name, root)) != before


def test_every_card_has_an_adapter_in_these_tests():
    """A new layout is tested here or this fails."""
    assert {load_card(name).layout for name in trees.TREES} >= {
        load_card(name).layout for name in ("demo", "veri", "duke")
    }
    from reid.data.layouts import LAYOUTS

    assert {load_card(name).layout for name in trees.TREES} == set(LAYOUTS)
