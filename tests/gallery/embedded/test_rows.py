"""Rows and their checksums."""

import contextlib
import sqlite3
import string

import hypothesis.strategies as st
import pytest
from hypothesis import given

from reid.errors import ArtefactError
from reid.gallery.embedded.rows import COLUMNS, Row, proven, to_row, to_stored
from reid.gallery.embedded.schema import IMAGES
from reid.gallery.entries import Entry, Stored

NAMES = st.text(st.characters(exclude_characters="\0"), min_size=1).map(
    lambda text: text.encode("utf-8", "replace").decode()
)
ENTRIES = st.builds(
    Entry,
    path=NAMES | st.just("odd-\udcff.jpg"),
    identity=st.none() | NAMES,
    camera=st.none() | st.integers(0, 2**40),
    time=st.none() | st.just(-0.0) | st.floats(allow_nan=False, allow_infinity=False),
    source=NAMES,
    box=st.none() | st.tuples(*[st.integers(-5, 10_000)] * 4),
    sha256=st.just("") | st.text(string.hexdigits[:16], min_size=64, max_size=64),
)


@given(ENTRIES, st.integers(1, 2**60), st.integers(0, 2**32 - 1))
def test_there_and_back(entry, image, vector):
    """A row is the image that it was made of, and proves itself."""
    row = to_row(entry, slot=3, image=image, source=7, vector=vector)
    fields = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}

    assert to_stored(proven(kept(row)), entry.source) == Stored(**fields, id=image)
    assert row.vector == vector


def kept(row):
    """The row as SQLite gives it back."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(IMAGES.format(name="images"))
        connection.execute(f"INSERT INTO images VALUES ({', '.join('?' * len(row))})", row)
        return connection.execute(f"SELECT {COLUMNS} FROM images").fetchone()


def test_every_column_is_proven():
    """A row with another value anywhere but in its slot is refused, and its image named."""
    row = to_row(Entry("a.jpg", "car", 3, 4.0, "s", (1, 2, 3, 4), "ab" * 32), slot=3, image=17, source=7, vector=9)
    others = Row(4, 18, b"b.jpg", b"cat", 4, 5.0, 8, "1,2,3,5", 1, b"rest", 10, 11)

    assert proven(tuple(row._replace(slot=4))).slot == 4
    for name in row._fields[1:]:
        with pytest.raises(ArtefactError, match=r"image 1[78] is corrupt.*--repair"):
            proven(tuple(row._replace(**{name: getattr(others, name)})))


def test_nothing_stands_for_something_else():
    """Nothing, nought and an empty text have checksums of their own, and texts end where they end."""
    bare = Row(3, 17, b"a.jpg", None, -1, None, 7, None, None, None, 9, 0)
    rows = [
        bare,
        bare._replace(time=0.0),
        bare._replace(digest=0),
        *(bare._replace(**{name: b""}) for name in ("identity", "rest")),
        bare._replace(box=""),
        bare._replace(path=b"a.jp", identity=b"g"),
        bare._replace(path=b"a.jp", rest=b"g"),
        bare._replace(path=b"a.jp", box="g"),
        bare._replace(path=b""),
    ]

    assert len({row.proof() for row in rows}) == len(rows)


@pytest.mark.parametrize("value", [None, "text", b"bytes", 2**70, 1.5])
def test_values_of_other_types(value):
    """What a damaged file may hold: refused, whatever it is."""
    row = to_row(Entry("a.jpg", "car", 3, 4.0, "s", (1, 2, 3, 4), "ab" * 32), slot=3, image=17, source=7, vector=9)
    for name in row._fields[1:]:
        with pytest.raises(ArtefactError, match="is corrupt"):
            proven(tuple(row._replace(**{name: value})))
