"""Reading files and checking lists of them."""

import os
import sys

import numpy as np
import pytest
from pictures import encode, files, photo

from reid.data.images import check_images, decode_image, read_content, read_image
from reid.errors import ArtefactError, DataError, MissingInputError


@pytest.fixture
def folder(tmp_path):
    """70 files, of which every tenth is bad, and two names that are not there."""
    good = list(files().values())
    paths = []
    for number in range(70):
        paths.append(tmp_path / f"{number:02}.img")
        paths[-1].write_bytes(b"<html>" if number % 10 == 3 else good[number % len(good)])
    return [*paths, tmp_path / "none.jpg", tmp_path]


def test_reading_is_decoding_the_bytes(tmp_path):
    """A file and its bytes give the same picture."""
    for number, content in enumerate(files().values()):
        path = tmp_path / str(number)
        path.write_bytes(content)
        assert read_content(path) == content
        assert np.array_equal(read_image(path), decode_image(content, "the same"))


def test_names_that_would_spoil_a_terminal(tmp_path):
    """A line break or an undecodable byte in a name is escaped in the message."""
    path = tmp_path / "a\nb\udcff.jpg"
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"a\\nb\\udcff\.jpg: it looks like text") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
    assert check_images([path]) == {path: "it looks like text"}


def test_file_too_large(tmp_path):
    """A file larger than any picture within the limit is not even read."""
    path = tmp_path / "huge.jpg"
    path.write_bytes(files()["JPEG"])
    os.truncate(path, 600_000_000)  # takes no place on the disk
    with pytest.raises(DataError, match=r"huge\.jpg: it has 600000000 bytes, more than any picture of 64 megapixels"):
        read_image(path)


@pytest.mark.parametrize("processes", [None, 1, 2])
def test_check_names_every_bad_file(folder, processes):
    """All bad files, in the order of the list, each with its reason; progress adds up."""
    done = []
    bad = check_images(folder, processes=processes, progress=done.append)
    assert list(bad) == [path for path in folder if path.name[1:] == "3.img"] + folder[-2:]
    assert [bad[path] for path in folder[-2:]] == ["No such file or directory", "Is a directory"]
    assert "looks like HTML" in bad[folder[3]]
    assert sum(done) == len(folder)


def test_check_agrees_with_reading(folder):
    """A file is bad if and only if reading it fails, and for the same reason."""
    bad = check_images(folder)
    for path in folder:
        if path in bad:
            with pytest.raises((DataError, MissingInputError)) as caught:
                read_image(path)
            assert str(caught.value).endswith(f": {bad[path]}")
        else:
            read_image(path)


def test_check_takes_the_limit(tmp_path):
    """The largest size allowed is passed on to the processes."""
    path = tmp_path / "a.png"
    path.write_bytes(encode(photo(50, 50), "PNG"))
    assert check_images([path], max_megapixels=0.0025) == {}
    assert "limit of 0.0024 megapixels" in check_images([path], max_megapixels=0.0024)[path]


def test_check_of_nothing():
    """No files, no problems."""
    assert check_images([]) == {}


def test_no_process_can_be_started(folder, monkeypatch):
    """A broken interpreter is an error of its own, not 72 bad files."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ArtefactError, match="/bin/false could not be started"):
        check_images(folder)
