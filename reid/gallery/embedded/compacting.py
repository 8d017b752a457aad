"""Giving back the room of removed images, whose vectors then stand in no file any more."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np

from reid.gallery.embedded.following import INDEX
from reid.gallery.embedded.schema import CATALOGUE, IMAGES, INDEXES, read_about, read_state, write_state
from reid.gallery.embedded.vector_file import VectorFile, vectors_path
from reid.records import Integers

_COLUMNS = "id, path, identity, camera, time, source, box, digest, rest, vector, checksum"


def compact(
    connection: sqlite3.Connection, folder: Path, progress: Callable[[int], None] | None = None
) -> tuple[int, list[Path]]:
    """Write the vectors that are in use into the next generation's file and number the slots anew, in a transaction.

    Returns:
        how many slots were given back, and the files that can go once the transaction is committed.
    """
    state = read_state(connection)
    stale = [path for path in folder.glob("vectors-*.bin") if path != vectors_path(folder, state.generation)]
    if state.slots == state.images:
        return 0, stale
    for path in stale:  # of a compaction that was killed: nobody else compacts during this transaction
        path.unlink()
    about = read_about(connection, folder / CATALOGUE)
    old = VectorFile.open(vectors_path(folder, state.generation), about, state.generation)
    new = VectorFile.create(vectors_path(folder, state.generation + 1), about, state.generation + 1)
    kept = np.fromiter((slot for (slot,) in connection.execute("SELECT slot FROM images ORDER BY slot")), np.int64)
    _copy(old, new, kept, state.slots, progress)
    connection.execute(IMAGES.format(name="renumbered"))
    connection.execute(
        f"INSERT INTO renumbered SELECT row_number() OVER (ORDER BY slot) - 1, {_COLUMNS} FROM images ORDER BY slot"
    )
    connection.execute("DROP TABLE images")
    connection.execute("ALTER TABLE renumbered RENAME TO images")
    for statement in INDEXES:
        connection.execute(statement)
    connection.execute("DELETE FROM removed")
    connection.execute("DELETE FROM sources WHERE code NOT IN (SELECT source FROM images)")
    write_state(
        connection,
        state._replace(generation=state.generation + 1, slots=len(kept), change=state.change + 1),
    )
    return state.slots - len(kept), [old.path, folder / INDEX]


def finish(connection: sqlite3.Connection, gone: list[Path]) -> bool:
    """After the commit: take the old files away and shrink the catalogue.

    Returns:
        whether no deleted bytes stay in it; while another process reads, they do.
    """
    for path in gone:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
    connection.execute("VACUUM")
    busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


def _copy(old: VectorFile, new: VectorFile, kept: Integers, slots: int, progress: Callable[[int], None] | None) -> None:
    """Rows are copied with their checksums: what was damaged stays known as damaged."""
    done = 0
    for first, rows in old.blocks(0, slots):
        wanted = kept[(kept >= first) & (kept < first + len(rows))] - first
        new.write(done, np.ascontiguousarray(rows[wanted]))
        done += len(wanted)
        if progress is not None:
            progress(len(rows))
