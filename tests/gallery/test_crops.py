"""Files and boxes against reading each of them for itself."""

import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import encode, photo
from PIL import Image

from reid.data import images
from reid.data.reader import Task
from reid.data.thumbnails import thumbnail
from reid.data.transforms import TestTransform
from reid.errors import DataError, LoaderError, MissingInputError
from reid.gallery import crops as module
from reid.gallery.blocks import unpack
from reid.gallery.crops import CropReader, sorted_digests, tasks
from reid.gallery.entries import Entry
from reid.gallery.pictures import read_picture

PREPARE = TestTransform((16, 12))


@pytest.fixture
def frames(tmp_path):
    """Two frames of 50 x 40 pixels."""
    for number in range(2):
        (tmp_path / f"{number}.jpg").write_bytes(encode(photo(40, 50, number), "JPEG"))
    return [str(tmp_path / f"{number}.jpg") for number in range(2)]


def read(entries, **options):
    """All entries in one block."""
    reader = CropReader(entries, options.pop("prepare", PREPARE), **options)
    return unpack(reader.batch(Task(0, 0, np.arange(len(entries)))))


def digest(path, box=None):
    """As it is documented: of the file's bytes, and of the box if there is one."""
    content = Path(path).read_bytes()
    return hashlib.sha256(content + (b"" if box is None else "\nbox {} {} {} {}".format(*box).encode())).hexdigest()


def test_each_as_if_it_were_alone(frames):
    """Digest, picture and thumbnail of whole files and of boxes, of which one reaches over the edge."""
    boxes = [None, (0, 0, 20, 20), (10, 5, 40, 30), (30, 20, 90, 90), None, (10, 5, 40, 30)]
    entries = [Entry(frames[number // 4], box=box) for number, box in enumerate(boxes)]
    crops, pictures = read(entries)

    assert [crop.box for crop in crops] == [
        None,
        (0, 0, 20, 20),
        (10, 5, 40, 30),
        (30, 20, 50, 40),
        None,
        (10, 5, 40, 30),
    ]
    assert [crop.clipped for crop in crops] == [False, False, False, True, False, False]
    for crop, picture, entry in zip(crops, pictures, entries, strict=True):
        alone = read_picture(entry)
        assert crop.sha256 == digest(entry.path, crop.box)
        assert np.array_equal(picture, PREPARE(alone))
        assert crop.thumbnail == thumbnail(alone)
    assert len({crop.sha256 for crop in crops}) == 6


def test_a_frame_is_read_and_decoded_once(frames, monkeypatch):
    """However many boxes of it stand together."""
    calls = []
    for name in ("read_content", "decode_image"):
        original = getattr(images, name)
        monkeypatch.setattr(
            module, name, lambda *a, original=original, name=name, **k: (calls.append(name), original(*a, **k))[1]
        )
    read([Entry(frames[n // 10], box=(n % 10, 0, 20 + n % 10, 20)) for n in range(20)])

    assert calls == ["read_content", "decode_image"] * 2


def test_thumbnails_and_pictures_may_be_left_out(frames):
    """Without both, nothing is decoded: only bytes are hashed."""
    Path(frames[1]).write_bytes(b"no image")
    crops, pictures = read([Entry(path) for path in frames], prepare=None, thumbnail=0)

    assert [crop.sha256 for crop in crops] == [digest(path) for path in frames]
    assert [(crop.thumbnail, crop.pictured, crop.problem) for crop in crops] == [(None, False, None)] * 2
    assert len(pictures) == 0
    small = Image.open(io.BytesIO(read([Entry(frames[0])], thumbnail=25)[0][0].thumbnail))
    assert small.size == (25, 20)


def test_known_content_is_not_decoded(frames, monkeypatch):
    """It has its digest and nothing else; what merely resembles it is read."""
    box = (3, 4, 30, 40)
    known = sorted_digests([digest(frames[0]), digest(frames[1], box), ""])
    entries = [Entry(frames[0]), Entry(frames[1]), Entry(frames[1], box=box), Entry(frames[0], box=box)]
    crops, pictures = read(entries, known=known)

    assert [crop.pictured for crop in crops] == [False, True, False, True]
    assert [crop.thumbnail is None for crop in crops] == [True, False, True, False]
    assert [crop.sha256 for crop in crops] == [digest(entry.path, entry.box) for entry in entries]
    assert len(pictures) == 2
    monkeypatch.setattr(module, "decode_image", None)
    assert [crop.problem for crop in read([Entry(frames[0])], known=known)[0]] == [None]


@given(st.sets(st.binary(min_size=32, max_size=32), min_size=1), st.binary(min_size=32, max_size=32))
def test_what_is_known(digests, other):
    """Law: exactly the digests of the set, with zeros at any place."""
    digests |= {bytes(32), b"\1" * 31 + b"\0"}
    reader = CropReader([], None, known=sorted_digests(one.hex() for one in digests))

    assert all(reader._knows(one) for one in digests)
    assert reader._knows(other) == (other in digests)
    assert not CropReader([], None)._knows(other)
    assert not CropReader([], None, known=sorted_digests([]))._knows(other)


def test_what_cannot_be_read(frames, tmp_path):
    """Each has its reason with the name of the file, boxes of one broken frame alike, and the others are as ever."""
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "half.jpg").write_bytes(Path(frames[0]).read_bytes()[:700])
    entries = [
        Entry(frames[0]),
        Entry(str(tmp_path / "none.jpg")),
        Entry(str(tmp_path / "text.jpg")),
        Entry(str(tmp_path / "half.jpg"), box=(0, 0, 20, 20)),
        Entry(str(tmp_path / "half.jpg"), box=(5, 0, 20, 20)),
        Entry(frames[1], box=(60, 0, 80, 20)),
        Entry(frames[1], box=(48, 0, 80, 20)),
        Entry(frames[1], box=(0, 0, 20, 20)),
    ]
    crops, pictures = read(entries)

    assert [type(crop.problem) for crop in crops] == [
        type(None), MissingInputError, DataError, DataError, DataError, DataError, DataError, type(None)
    ]  # fmt: skip
    words = [str(crop.problem) for crop in crops]
    assert "none.jpg: No such file" in words[1]
    assert "text.jpg: it looks like text" in words[2]
    assert "half.jpg" in words[3]
    assert words[3] == words[4]
    assert (
        f"cannot use a part of {frames[1]}: box (60, 0, 80, 20) lies outside the frame, which has 50 x 40" in words[5]
    )
    assert "it has 2 x 20 pixels; at least 8" in words[6]
    assert all(crop.sha256 == "" and crop.thumbnail is None for crop in crops[1:7])
    assert len(pictures) == 2


def test_without_digests(frames, tmp_path):
    """Pictures, boxes and problems are the same, and a file is still read once."""
    entries = [Entry(frames[0]), Entry(frames[1], box=(30, 20, 90, 90)), Entry(str(tmp_path / "none.jpg"))]
    crops, pictures = read(entries, hashed=False, thumbnail=0)
    others, same = read(entries, thumbnail=0)

    assert np.array_equal(pictures, same)
    assert [crop.sha256 for crop in crops] == [""] * 3
    for one, other in zip(crops, others, strict=True):
        assert (one.box, one.clipped, one.pictured) == (other.box, other.clipped, other.pictured)
        assert str(one.problem) == str(other.problem)


def test_limit_of_pixels(frames):
    """It is the model's."""
    assert "more than the limit" in str(read([Entry(frames[0])], max_megapixels=0.001)[0][0].problem)


def test_code_that_fails_names_the_file(frames):
    """Whatever it is, it is one error of the loader's."""

    def fail(picture):
        raise ValueError("no way")

    with pytest.raises(LoaderError, match=r"1\.jpg could not be prepared: ValueError: no way"):
        read([Entry(frames[1])], prepare=fail)


def test_what_is_being_read_is_told(frames):
    """`begin` hears of each place, and the files of a task are those of its rows."""
    seen = []
    reader = CropReader([Entry(path) for path in frames], PREPARE)
    reader.batch(Task(0, 0, np.array([1, 0, 1])), seen.append)

    assert seen == [0, 1, 2]
    assert [os.fspath(path) for path in reader.files(Task(0, 0, np.array([1, 0, 1])))] == [
        frames[1],
        frames[0],
        frames[1],
    ]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9), st.booleans()), max_size=12), st.integers(1, 7))
def test_tasks(groups, size):
    """Law: every row once and in order; no task but the last is smaller than `size` or larger than twice that; a frame
    is parted only where its task is full."""
    entries = [Entry(path, box=(0, 0, 9, 9) if boxed else None) for path, count, boxed in groups for _ in range(count)]
    made = list(tasks(entries, size))

    assert [row for task in made for row in task.rows.tolist()] == list(range(len(entries)))
    assert all(size <= len(task.rows) <= 2 * size for task in made[:-1])
    assert [task.step for task in made] == list(range(len(made)))
    for task in made[:-1]:
        last, following = entries[task.rows[-1]], entries[task.rows[-1] + 1]
        assert len(task.rows) == 2 * size or last.box is None or last.path != following.path
