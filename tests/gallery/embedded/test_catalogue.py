"""Changes of the catalogue, and SQLite's errors in our words."""

import sqlite3

import galleries
import pytest

from reid.errors import ArtefactError, GalleryError, InUseError
from reid.gallery.embedded import catalogue
from reid.gallery.embedded.catalogue import sqlite_errors, transaction
from reid.gallery.embedded.schema import connect, create, read_state
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


def test_the_digest_is_that_of_the_rows(connection):
    """After adding, removing and labelling."""
    catalogue.delete(connection, Where(cameras=(2,)))
    assert catalogue.relabel(connection, Where(identities=("car-1", "car-3")), "car-3") == 3
    rows = list(catalogue.select(connection, Where()))

    assert read_state(connection).digest == sum(row.checksum for row in rows) % catalogue.DIGEST
    assert read_state(connection).images == len(rows)
    assert {row.identity for row in rows} == {None, b"car-0", b"car-2", b"car-3", b"car-4"}


def test_pages(connection):
    """By id, each once."""
    first = list(catalogue.select(connection, Where(cameras=(0, 1, 2)), limit=4))
    rest = list(catalogue.select(connection, Where(cameras=(0, 1, 2)), after=first[-1].id))

    assert [row.id for row in first + rest] == [n + 1 for n in range(20) if n % 7 < 3 and n % 10 != 9]


def test_known_contents(connection):
    """Also two that begin alike; "" is never known."""
    there = galleries.entries(20)[4].sha256

    assert catalogue.known(connection, [there, there[:16] + "f" * 48, ""]) == {there}
    assert catalogue.known(connection, []) == set()


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
