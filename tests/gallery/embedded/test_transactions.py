"""One state of the catalogue, whole changes, and SQLite's errors in our words."""

import sqlite3

import galleries
import pytest

from reid.errors import ArtefactError, GalleryError, InUseError
from reid.gallery.embedded import catalogue
from reid.gallery.embedded.schema import connect, create, read_state
from reid.gallery.embedded.transactions import sqlite_errors, transaction
from reid.gallery.filters import Where


@pytest.fixture
def connection(tmp_path):
    """To a catalogue with twenty rows."""
    create(tmp_path / "c.sqlite", galleries.about())
    connection = connect(tmp_path / "c.sqlite")
    with transaction(connection, tmp_path, write=True):
        catalogue.insert(
            connection, galleries.entries(20), galleries.unit(20)[:, 0].view("i4").astype("i8"), [b"p"] * 20
        )
    yield connection
    connection.close()


def test_a_failed_change_leaves_nothing(connection, tmp_path):
    """Whatever was done in the block."""
    before = read_state(connection)

    def change():
        with transaction(connection, tmp_path, write=True):
            catalogue.delete(connection, Where())
            catalogue.set_setting(connection, "a", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change()

    assert read_state(connection) == before
    assert catalogue.setting(connection, "a") is None
    assert len(list(catalogue.select(connection, Where()))) == 20


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY, InUseError),
        (sqlite3.SQLITE_FULL, ArtefactError),
        (sqlite3.SQLITE_IOERR, ArtefactError),
        (sqlite3.SQLITE_READONLY, GalleryError),
        (sqlite3.SQLITE_CORRUPT, ArtefactError),
    ],
)
def test_errors_are_ours(tmp_path, code, kind):
    """And name the gallery."""
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorcode = code
    with pytest.raises(kind, match=str(tmp_path)), sqlite_errors(tmp_path):
        raise error
