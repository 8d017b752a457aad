"""One batch from files."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from reid import rng
from reid.data.images import read_image
from reid.data.reader import Reader, Task
from reid.errors import LoaderError, ShapeError

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five pictures of one colour each."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(5):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((9, 8, 3), number, dtype=np.uint8))
    return sorted(folder.iterdir())


def coloured(image: Pixels, random: np.random.Generator) -> Pixels:
    """The colour of the file, and two bytes of chance."""
    return np.array([[[image[0, 0, 0], *random.integers(0, 256, 2)]]], dtype=np.uint8)


def test_every_picture_follows_from_its_file_and_place(files: list[Path]) -> None:
    """Picture i is file rows[i], prepared with the generator of (seed, epoch, step, i)."""
    rows = np.array([3, 0, 3, 4])
    found = Reader(files, coloured, seed=7).batch(Task(2, 5, rows))

    for place, row in enumerate(rows):
        expected = coloured(read_image(files[row]), rng.generator(7, "augment", 2, 5, place))
        assert (found[place] == expected).all()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.integers(0, 12))
def test_parts_are_as_the_whole(files: list[Path], rows: list[int], cut: int) -> None:
    """Law: two processes that read a part of the batch each draw what one draws that reads all of it."""
    reader, every = Reader(files, coloured), np.array(rows)
    whole = reader.batch(Task(1, 2, every))
    parts = [Task(1, 2, every[:cut]), Task(1, 2, every[cut:], first=min(cut, len(rows)))]

    assert (np.concatenate([reader.batch(part) for part in parts if len(part.rows)]) == whole).all()


def test_what_is_being_read_is_told(files: list[Path]) -> None:
    """`begin` gets every place, before the file is opened."""
    seen: list[int] = []
    missing = Reader([*files[:2], Path("/nowhere/x.png")], coloured)
    with pytest.raises(Exception, match=r"x\.png"):
        missing.batch(Task(0, 0, np.array([1, 0, 2, 1])), seen.append)

    assert seen == [0, 1, 2]
    assert missing.files(Task(0, 0, np.array([2, 0]))) == [Path("/nowhere/x.png"), files[0]]


def test_errors_of_ours_stay(files: list[Path]) -> None:
    """Preparing may refuse an image with an error of its own; anything else names the file and the line."""

    def refuse(image: Pixels, random: np.random.Generator) -> Pixels:
        raise (ShapeError if image[0, 0, 0] == 1 else KeyError)("odd")

    with pytest.raises(ShapeError, match=r"^odd$"):
        Reader(files, refuse).batch(Task(0, 0, np.array([1])))
    with pytest.raises(LoaderError, match=r"2\.png could not be prepared: KeyError: 'odd' \(test_reader\.py, line \d+"):
        Reader(files, refuse).batch(Task(0, 0, np.array([2])))
