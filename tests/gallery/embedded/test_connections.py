"""Connections of a process, one a thread."""

import threading

import galleries

from reid.gallery.embedded.connections import Connections
from reid.gallery.embedded.schema import CATALOGUE
from reid.gallery.embedded.seal import SEAL


def test_every_thread_has_its_own(tmp_path):
    """And keeps it; all are closed at the end, and the catalogue is sealed and in one file."""
    galleries.filled(tmp_path / "g").close()
    connections, found = Connections(tmp_path / "g"), list[object]()
    thread = threading.Thread(target=lambda: found.append(connections.connection()))
    thread.start()
    thread.join()
    assert connections.connection() is connections.connection()
    assert found[0] is not connections.connection()
    with connections.writing():
        assert not (tmp_path / "g" / SEAL).exists()
    connections.close()

    assert {p.name for p in (tmp_path / "g").iterdir()} == {CATALOGUE, SEAL, "lock", "vectors-000001.bin"}


def test_a_reading_sees_one_state(tmp_path):
    """Whatever others change meanwhile."""
    store = galleries.filled(tmp_path / "g")
    connections = Connections(tmp_path / "g")

    def look(connection, state):
        store.add(galleries.entries(5, 100), galleries.unit(5))
        return state.images, connection.execute("SELECT count(*) FROM images").fetchone()[0]

    assert connections.read(look) == (30, 30)
    assert connections.read(lambda _, state: state.images) == 35
    connections.close()
    store.close()


def test_a_writer_keeps_more_pages(tmp_path):
    """Memory for pages, and a longer log, only on a connection that writes."""
    galleries.filled(tmp_path / "g").close()
    connections = Connections(tmp_path / "g")
    pragmas = ("cache_size", "wal_autocheckpoint", "synchronous")

    def found():
        return [connections.connection().execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]

    before = found()
    for _ in range(2):
        with connections.writing():
            pass
    assert before == [-2000, 1000, 2]
    assert found() == [-32_768, 16_384, 2]
    connections.close()
