"""Looking after galleries by commands."""

import json

import galleries
import pytest
from whole_runs import call

from reid.cli.gallery import main
from reid.gallery.embedded import schema
from reid.gallery.embedded.store import EmbeddedStore
from reid.gallery.filters import Where


@pytest.fixture
def place(tmp_path):
    """A working folder with a gallery of twelve images."""
    galleries.filled(tmp_path / "g", 12).close()
    return tmp_path


def gallery(place, *arguments):
    """A command in a working folder; what it did."""
    return call(main, place, *arguments)


def told(place, *arguments):
    """The JSON of a command that succeeds."""
    done = gallery(place, *arguments, "--json", "-")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_checking_and_repairing(place):
    """A whole gallery, a damaged one, and the same one repaired."""
    assert gallery(place, "check", "g").out == "g is whole\n"
    content = bytearray((place / "g" / "vectors-000001.bin").read_bytes())
    content[-2] ^= 1
    (place / "g" / "vectors-000001.bin").write_bytes(content)
    found = gallery(place, "check", "g")
    assert (found.code, "the vector of image 12 is corrupt" in found.out) == (74, True)
    repaired = told(place, "check", "g", "--repair")
    assert (repaired["images"], repaired["lost"]) == (11, 1)
    assert gallery(place, "check", "g").code == 0


def test_bytes_that_stay_are_told(place, monkeypatch):
    """Where another reads while a gallery is compacted."""
    monkeypatch.setattr(schema, "_WAIT", 0.2)  # seconds; the others do not end
    reader = EmbeddedStore(place / "g")
    reader.remove(Where(ids=(3,)))
    assert "warning" not in gallery(place, "compact", "g").err
    reader.remove(Where(ids=(4,)))
    reader._connections.connection().execute("BEGIN")
    reader._connections.connection().execute("SELECT count(*) FROM images").fetchone()
    assert "warning: others are reading" in gallery(place, "compact", "g").err
    reader.close()
