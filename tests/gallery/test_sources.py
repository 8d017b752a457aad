"""Every kind of source against what was put into it."""

from pathlib import Path

import numpy as np
import pytest
from pictures import encode, photo

from reid.errors import ArtefactError, ConfigError, DataError, GalleryError, MissingInputError
from reid.gallery.entries import Entry
from reid.gallery.sources import Told, listing, listings
from reid.records import Embeddings, build


def images(folder, *names):
    """Small pictures, each another."""
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(encode(photo(20, 20, seed), "JPEG"))


def told_of(found, *fields):
    """Some fields of every entry."""
    return [tuple(getattr(entry, field) for field in fields) for entry in found]


def test_folder(tmp_path):
    """Sub-folders are identities, in the order of paths, absolute, with the folder as the source."""
    images(tmp_path / "g", "b/1.jpg", "a/2.jpg", "0.jpg")
    found = listing(tmp_path / "g")

    assert list(found) == [
        Entry(f"{tmp_path}/g/0.jpg", source=f"{tmp_path}/g"),
        Entry(f"{tmp_path}/g/a/2.jpg", "a", source=f"{tmp_path}/g"),
        Entry(f"{tmp_path}/g/b/1.jpg", "b", source=f"{tmp_path}/g"),
    ]
    assert (found.vectors, found.model, found.place(0)) == (None, "", "")


def test_market_names(tmp_path):
    """Identity and camera, -1 being nobody; of folders, of lists and of one image alike."""
    names = ["-1_c3s1_000001_00.jpg", "0002_c12s1_000451_03.jpg"]
    images(tmp_path, *names)
    (tmp_path / "list").write_text("\n".join(names))

    for source in (tmp_path, tmp_path / "list"):
        assert told_of(listing(source), "identity", "camera") == [(None, 3), ("0002", 12)]
    assert told_of(listing(tmp_path / names[1]), "path", "identity", "camera") == [
        (f"{tmp_path}/{names[1]}", "0002", 12)
    ]


def test_list(tmp_path, monkeypatch):
    """Relative to its own folder, in its order, repetitions and all; one odd name ends the reading of names."""
    images(tmp_path / "set", "x y.jpg", "deep/z.jpg", "0002_c1s1_000451_03.jpg")
    text = f"\ufeffx y.jpg\r\n\r\n  ./deep/../deep/z.jpg\n0002_c1s1_000451_03.jpg\n{tmp_path}/set/x y.jpg\n"
    (tmp_path / "set" / "list.txt").write_bytes(text.encode())
    monkeypatch.chdir(tmp_path / "set" / "deep")
    found = listing("../list.txt")

    assert told_of(found, "path", "identity", "camera", "source") == [
        (f"{tmp_path}/set/{name}", None, None, f"{tmp_path}/set/list.txt")
        for name in ("x y.jpg", "deep/z.jpg", "0002_c1s1_000451_03.jpg", "x y.jpg")
    ]
    assert [found.place(row) for row in range(4)] == [f"../list.txt:{line}" for line in (1, 3, 4, 5)]


def test_boxes_of_a_frame_stand_together(tmp_path):
    """At the place of the first of them, in their order, each with its own line."""
    images(tmp_path, "a.jpg", "b.jpg")
    rows = ["b.jpg,0", "a.jpg,1", "b.jpg,2", "a.jpg,3", "b.jpg,4"]
    (tmp_path / "t.csv").write_text("path,x,y,w,h\n" + "".join(f"{row},0,9,9\n" for row in rows))
    found = listing(tmp_path / "t.csv")

    assert [(Path(entry.path).name, entry.box[0]) for entry in found] == [
        ("b.jpg", 0), ("b.jpg", 2), ("b.jpg", 4), ("a.jpg", 1), ("a.jpg", 3)
    ]  # fmt: skip
    assert [found.place(row) for row in range(5)] == [f"{tmp_path}/t.csv:{line}" for line in (2, 4, 6, 3, 5)]


def made(folder, root, names, **columns):
    """An embeddings folder."""
    vectors = np.eye(len(names), 4, dtype=np.float32)
    paths = [f"{row}.jpg" for row in range(len(names))]
    Embeddings(vectors, build(root, paths, names, junk=frozenset({"-1"}), **columns), "m" * 64).save(folder)
    return vectors


def test_embeddings_folder(tmp_path):
    """Vectors, model, and all that its records say; images need not be there."""
    vectors = made(tmp_path / "e", Path("/other/machine"), ["7", "-1", "8"], cameras=[4, -1, 0], times=[0.5, np.nan, 9])
    found = listing(tmp_path / "e")

    assert told_of(found, "path", "identity", "camera", "time", "box") == [
        ("/other/machine/0.jpg", "7", 4, 0.5, None),
        ("/other/machine/1.jpg", None, None, None, None),
        ("/other/machine/2.jpg", "8", 0, 9.0, None),
    ]
    assert np.array_equal(found.vectors, vectors)
    assert found.model == "m" * 64


def test_embeddings_of_boxes(tmp_path, monkeypatch):
    """Vectors follow their boxes when these are put together; a root that is here becomes absolute, another stays."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    attributes = {"left": ["1", "", "3"], "top": ["0", "", "0"], "right": ["20", "", "20"], "bottom": ["9", "", "9"]}
    for root, wanted in (("here", f"{tmp_path}/here"), ("gone", "gone")):
        moved = build(
            Path(root), ["f.jpg", "g.jpg", "f.jpg"], ["-1"] * 3, junk=frozenset({"-1"}), attributes=attributes
        )
        Embeddings(np.eye(3, dtype=np.float32), moved).save(tmp_path / "e", overwrite=True)
        found = listing("e")

        assert told_of(found, "path", "box") == [
            (f"{wanted}/f.jpg", (1, 0, 20, 9)), (f"{wanted}/f.jpg", (3, 0, 20, 9)), (f"{wanted}/g.jpg", None)
        ]  # fmt: skip
        assert found.vectors.argmax(axis=1).tolist() == [0, 2, 1]


def test_what_is_told_of_all(tmp_path):
    """It goes before what the source says; "" takes identities away."""
    images(tmp_path / "g", "a/1_2026-03-01T08.jpg", "a/2_2026-03-01T09.jpg")
    told = Told(identity="car", camera=5, time="2026-03-01", source="street")

    assert (
        told_of(listing(tmp_path / "g", told), "identity", "camera", "time", "source")
        == [("car", 5, 1772323200.0, "street")] * 2
    )
    assert told_of(listing(tmp_path / "g", Told(identity="")), "identity") == [(None,)] * 2
    hours = listing(tmp_path / "g", Told(time_pattern=r"_(.+)\.jpg"))
    assert told_of(hours, "identity", "time") == [("a", 1772352000.0), ("a", 1772355600.0)]


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        ({"camera": -1}, ConfigError, "a camera is a whole number from 0, got -1"),
        ({"time": "noon"}, GalleryError, "'noon' is no time"),
        ({"time": 1, "time_pattern": "(.)"}, ConfigError, "not both"),
        ({"time_pattern": "("}, ConfigError, "no regular expression"),
        ({"time_pattern": "a"}, ConfigError, "has 0 groups; put the part that is the time in one pair of brackets"),
    ],
)
def test_wrong_things_told(told, kind, words):
    """Refused before anything is read."""
    with pytest.raises(kind, match=words):
        Told(**told)


def test_patterns_that_do_not_fit(tmp_path):
    """The name is given."""
    images(tmp_path, "a_1.jpg", "b.jpg")
    with pytest.raises(DataError, match=r"finds no time in the name b\.jpg"):
        listing(tmp_path, Told(time_pattern="_(.)"))
    with pytest.raises(GalleryError, match="'a' is no time"):
        listing(tmp_path, Told(time_pattern="^(.)"))


@pytest.mark.parametrize("name", ["list.txt", "t.csv"])
@pytest.mark.parametrize("count", [1, 10, 25])
def test_missing_images_are_named_before_any_work(tmp_path, name, count):
    """A2: how many of how many, and the first 20."""
    images(tmp_path, "there.jpg")
    lines = ["there.jpg", *(f"no{number:02}.jpg" for number in range(count)), "no00.jpg"]
    (tmp_path / name).write_text("\n".join([*(["path"] if name == "t.csv" else []), *lines]))
    with pytest.raises(MissingInputError) as caught:
        listing(tmp_path / name)
    message = str(caught.value)

    assert f"{count} of {count + 1} images that {tmp_path}/{name} names are not there" in message
    assert all((f"{tmp_path}/no{number:02}.jpg" in message) == (number < 20) for number in range(count))
    assert ("and 5 more" in message) == (count == 25)


def test_sources_that_are_none(tmp_path):
    """No such thing, nothing in it, or no list: named, with the right exit code."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "empty.csv").write_text("path\n")
    (tmp_path / "film.bin").write_bytes(b"ab\0\0\0\n\0")

    for source in ("none", "none.csv", "none.jpg", "n" * 300):
        with pytest.raises(MissingInputError, match=source):
            listing(tmp_path / source)
    for source in ("empty", "empty.txt", "empty.csv"):
        with pytest.raises(DataError, match=f"{source} holds no images"):
            listing(tmp_path / source)
    with pytest.raises(DataError, match=r"film\.bin:1: wanted the path of an image, found 'ab\\x00.*\n.*:2: "):
        listing(tmp_path / "film.bin")
    made(tmp_path / "e", Path("/x"), ["1"])
    (tmp_path / "e" / "vectors.npy").write_bytes(b"")
    with pytest.raises(ArtefactError, match=r"vectors\.npy"):
        listing(tmp_path / "e")


def test_several_sources(tmp_path):
    """All are looked at first."""
    images(tmp_path, "a.jpg", "b.jpg")
    found = listings([tmp_path / "b.jpg", tmp_path])

    assert [len(each) for each in found] == [1, 2]
    with pytest.raises(MissingInputError, match="none"):
        listings([tmp_path, tmp_path / "none"])
    with pytest.raises(DataError, match="no source"):
        listings([])


def test_names_from_anywhere(tmp_path):
    """A10: bytes that are no text, line ends and spaces survive in a folder and in a table."""
    names = ["\udcff\udcfe.jpg", "new\nline.jpg", " x .jpg", "<b>.jpg"]
    images(tmp_path / "g", *names)
    text = "path\n" + "".join(f'"g/{name}"\n' for name in names)
    (tmp_path / "t.csv").write_bytes(text.encode("utf-8", "surrogateescape"))

    for source in (tmp_path / "g", tmp_path / "t.csv"):
        assert {entry.path for entry in listing(source)} == {f"{tmp_path}/g/{name}" for name in names}
