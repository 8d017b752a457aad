"""Catalogues and connections."""

import sqlite3

import galleries
import pytest

from reid.errors import ArtefactError, GalleryError
from reid.gallery.embedded.schema import FORMAT, State, connect, create, read_about, read_state, write_state


@pytest.fixture
def catalogue(tmp_path):
    """An empty one: its path, and a connection."""
    path = tmp_path / "c.sqlite"
    create(path, galleries.about())
    connection = connect(path)
    yield path, connection
    connection.close()


def test_an_empty_catalogue(catalogue):
    """Says of the gallery what it was told, and begins at the first image."""
    path, connection = catalogue

    assert read_about(connection, path) == galleries.about()
    assert read_state(connection) == State(1, 0, 1, 0, 0, 0)


def test_safety_is_pinned(catalogue):
    """What acknowledged changes rest on: a log, flushed at every commit; and deleted content is overwritten."""
    _, connection = catalogue
    pragmas = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "trusted_schema": 0, "cell_size_check": 1}

    assert {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas} == pragmas


def test_a_database_that_cannot_be_safe(tmp_path):
    """In memory there is no log: refused."""
    with pytest.raises(ArtefactError, match="journal_mode"):
        connect_to_memory(tmp_path)


def connect_to_memory(folder):
    """A connection whose file stands in memory only."""

    class Memory(type(folder)):
        def absolute(self):
            return self

        def as_uri(self):
            return "file::memory:"

    return connect(Memory(folder))


def test_the_state_is_proven(catalogue):
    """Written and read; another number without its checksum is refused."""
    _, connection = catalogue
    state = State(3, 100, 120, 90, 12345, 44)
    write_state(connection, state)

    assert read_state(connection) == state
    for name in State._fields:
        connection.execute(f"UPDATE state SET {name} = {name} + 1")
        with pytest.raises(ArtefactError, match="state is corrupt"):
            read_state(connection)
        connection.execute(f"UPDATE state SET {name} = {name} - 1")


def test_other_files(catalogue, tmp_path):
    """A newer or older version, another program's database, changed words about the gallery, and no database."""
    path, connection = catalogue
    for version, advice in ((FORMAT + 1, "newer"), (FORMAT - 1, "make the gallery again")):
        connection.execute(f"PRAGMA user_version = {version}")
        with pytest.raises(GalleryError, match=f"format {version}, .*{advice}"):
            read_about(connection, path)
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("UPDATE about SET value = replace(value, '8', '9')")
    with pytest.raises(ArtefactError, match="checksum"):
        read_about(connection, path)
    other = connect(tmp_path / "other.sqlite")
    with pytest.raises(ArtefactError, match="no catalogue"):
        read_about(other, path)
    other.close()
    (tmp_path / "text.sqlite").write_text("no database" * 1000)
    with pytest.raises(sqlite3.DatabaseError):
        connect(tmp_path / "text.sqlite")
