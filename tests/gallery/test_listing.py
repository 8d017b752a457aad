"""A sequence of entries that knows where they are named."""

from pathlib import Path

from reid.gallery.entries import Entry
from reid.gallery.listing import Listing


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
