"""Changes of the catalogue, and SQLite's errors in our words."""

import galleries
import pytest

from reid.gallery.embedded import catalogue
from reid.gallery.embedded.schema import connect, create, read_state
from reid.gallery.embedded.transactions import transaction
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
