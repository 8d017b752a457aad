"""What crosses between processes arrives as it left."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid import errors
from reid.errors import DataError, MissingInputError, ReidError
from reid.gallery.blocks import Crop, glance, pack, unpack

EDGES = st.integers(-(10**6), 10**6)
CROPS = st.builds(
    Crop,
    sha256=st.text("0123456789abcdef", max_size=64),
    box=st.none() | st.tuples(EDGES, EDGES, EDGES, EDGES),
    thumbnail=st.none() | st.binary(max_size=40),
    pictured=st.booleans(),
) | st.builds(Crop, sha256=st.just(""), box=st.tuples(EDGES, EDGES, EDGES, EDGES), clipped=st.just(True))


@given(st.lists(CROPS, max_size=12), st.integers(1, 5), st.integers(1, 5))
def test_round_trip(crops, height, width):
    """Law: unpacking gives back what was packed, pictures in their order."""
    count = sum(crop.pictured for crop in crops)
    pictures = np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    block = pack(crops, list(pictures))
    found, views = unpack(block)

    assert block.dtype == np.uint8
    assert block.ndim == 1
    assert found == crops
    assert np.array_equal(views, pictures) or not count
    assert len(views) == count
    assert np.shares_memory(views, block) or not count

    problems, boxes, views = glance(block)
    assert problems == {}
    assert boxes == {place: crop.box for place, crop in enumerate(crops) if crop.clipped}
    assert np.array_equal(views, pictures) or not count
    assert np.shares_memory(views, block) or not count


@pytest.mark.parametrize("kind", [kind for _, kind in inspect.getmembers(errors, inspect.isclass)])
def test_problems_keep_class_and_words(kind):
    """Every error of ours, also with words that no encoding knows."""
    (found,), pictures = unpack(pack([Crop("", problem=kind("odd \udce4 name\n"))], []))

    assert type(found.problem) is kind
    assert str(found.problem) == "odd \udce4 name\n"
    assert issubclass(kind, ReidError)
    assert len(pictures) == 0


def test_a_problem_among_pictures():
    """It has no picture, and the others keep theirs."""
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    crops, pictures = unpack(
        pack(
            [Crop("aa", pictured=True), Crop("", problem=DataError("no")), Crop("bb", pictured=True)],
            [picture, picture + 1],
        )
    )

    assert [crop.pictured for crop in crops] == [True, False, True]
    assert np.array_equal(pictures, [picture, picture + 1])


def test_a_glance_sees_problems():
    """By their place, with class and words, before the pictures of the others."""
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    crops = [Crop("aa", thumbnail=b"jpeg", pictured=True), Crop("", problem=MissingInputError("gone"))]
    problems, boxes, pictures = glance(pack(crops, [picture]))

    assert {place: (type(one), str(one)) for place, one in problems.items()} == {1: (MissingInputError, "gone")}
    assert boxes == {}
    assert np.array_equal(pictures, [picture])
