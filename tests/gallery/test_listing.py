"""A sequence of entries that knows where they are named."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reid.errors import MissingInputError
from reid.gallery.entries import Entry
from reid.gallery.listing import Listing, placed


def test_it_is_a_sequence():
    """Length, one, some, all."""
    entries = [Entry(f"/{number}.jpg") for number in range(5)]
    found = Listing(entries)

    assert len(found) == 5
    assert found[3] == entries[3]
    assert found[1:3] == entries[1:3]
    assert list(found) == entries


def test_places():
    """File and line where there are such, in letters that a terminal can show."""
    entries = [Entry("/a.jpg"), Entry("/b.jpg")]

    assert Listing(entries, Path("a\nb.csv"), [2, 7]).place(1) == "a\\nb.csv:7"
    assert Listing(entries).place(1) == ""


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6), st.booleans()), max_size=9), st.integers(1, 7))
def test_parts(groups, count):
    """Law: together they are the whole, with its lines and vectors, and no two of them have boxes of one frame; they
    are as equal as that allows."""
    boxed = [(f"/{n}{path}", many, box) for n, (path, many, box) in enumerate(groups)]
    entries = [Entry(path, box=(0, 0, n, 9) if box else None) for path, many, box in boxed for n in range(1, many + 1)]
    vectors = np.arange(2 * len(entries), dtype=np.float32).reshape(-1, 2)
    whole = Listing(entries, Path("t.csv"), list(range(len(entries))), vectors, "m")
    parts = [whole.part(number, count) for number in range(1, count + 1)]

    assert [entry for part in parts for entry in part] == entries
    assert [line for part in parts for line in part.lines] == whole.lines
    assert np.array_equal(np.concatenate([part.vectors for part in parts]), vectors)
    assert all(part.model == "m" and part.file == Path("t.csv") for part in parts)
    frames = [{entry.path for entry in part if entry.box} for part in parts]
    assert sum(map(len, frames)) == len(set().union(*frames))
    assert max(map(len, parts)) <= -(-len(entries) // count) + 5


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9), st.booleans()), max_size=9), st.integers(1, 7))
def test_pieces(groups, size):
    """Law: one after the other they are the whole, none is empty, no two have boxes of one frame, and none is larger
    than a frame makes it."""
    boxed = [(f"/{n}{path}", many, box) for n, (path, many, box) in enumerate(groups)]
    entries = [Entry(path, box=(0, 0, n, 9) if box else None) for path, many, box in boxed for n in range(1, many + 1)]
    pieces = list(Listing(entries, Path("t.csv"), list(range(len(entries)))).pieces(size))

    assert [entry for piece in pieces for entry in piece] == entries
    assert [line for piece in pieces for line in piece.lines] == list(range(len(entries)))
    frames = [{entry.path for entry in piece if entry.box} for piece in pieces]
    assert sum(map(len, frames)) == len(set().union(*frames))
    assert all(len(piece) > 0 and (len(piece) <= size or len({entry.path for entry in piece}) == 1) for piece in pieces)


def test_problems_with_their_places():
    """The same kind of error, and the same words after the place; without one it stays as it is."""
    error = MissingInputError("gone")
    told = placed(Listing([Entry("/a")], Path("t.csv"), [4]), 0, error)

    assert (type(told), str(told)) == (MissingInputError, "t.csv:4: gone")
    assert placed([Entry("/a")], 0, error) is error
    assert placed(Listing([Entry("/a")]), 0, error) is error
