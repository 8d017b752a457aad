"""Whether a gallery is what was written into it: every row, every vector, every small picture."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from reid.errors import ArtefactError, ReidError
from reid.gallery.embedded.catalogue import DIGEST
from reid.gallery.embedded.rows import COLUMNS, proof, proven
from reid.gallery.embedded.schema import CATALOGUE, read_about, read_state
from reid.gallery.embedded.vector_file import VectorFile, vectors_path
from reid.text import printable

_REPAIR = "run reid-gallery check with --repair"


def verify_catalogue(connection: sqlite3.Connection, folder: Path) -> None:
    """Compare every row with its checksum, all together with the digest, and the indexes with the rows.

    Raises:
        ArtefactError: something differs.
    """
    for problem in catalogue_problems(connection, folder):
        raise ArtefactError(f"{problem}; {_REPAIR}")


def catalogue_problems(connection: sqlite3.Connection, folder: Path) -> Iterator[str]:
    """What is wrong with a catalogue, a line each."""
    place = printable(folder / CATALOGUE)
    connection.execute("BEGIN")
    try:
        yield from (f"{place}: {line}" for (line,) in connection.execute("PRAGMA integrity_check(20)") if line != "ok")
        state, count, digest, top, last = read_state(connection), 0, 0, -1, 0
        for values in connection.execute(f"SELECT {COLUMNS} FROM images ORDER BY slot"):
            try:
                row = proven(values)
            except ArtefactError:
                yield f"{place}: the row of image {values[1]} is corrupt"
                continue
            count, digest, top, last = count + 1, (digest + row.checksum) % DIGEST, row.slot, max(last, row.id)
        if (count, digest) != (state.images, state.digest):
            yield f"{place} has {count:,} whole rows where {state.images:,} images are expected, or others than were written"
        if top >= state.slots or last >= state.next_id:
            yield f"{place} has rows beyond its last slot or id"
        for table, key, content in (("thumbnails", "id", "picture"), ("settings", "name", "value")):
            for name, value, checksum in connection.execute(f"SELECT {key}, {content}, checksum FROM {table}"):
                if proof(value) != checksum:
                    yield f"{place}: {table}: {printable(name)} is corrupt"
    finally:
        connection.execute("ROLLBACK")


def problems(connection: sqlite3.Connection, folder: Path, progress: Callable[[int], None] | None = None) -> list[str]:
    """What is wrong with a gallery, a line each: the catalogue and all vectors."""
    try:
        found = list(catalogue_problems(connection, folder))
        found += _vector_problems(connection, folder, progress)
    except sqlite3.Error as error:
        return [f"{printable(folder / CATALOGUE)}: {error}"]
    except ReidError as error:
        return [str(error)]
    return found


def _vector_problems(
    connection: sqlite3.Connection, folder: Path, progress: Callable[[int], None] | None
) -> Iterator[str]:
    about, state = read_about(connection, folder / CATALOGUE), read_state(connection)
    file = VectorFile.open(vectors_path(folder, state.generation), about, state.generation)
    expected = np.full(state.slots, -1, dtype=np.int64)
    for slot, total in connection.execute("SELECT slot, vector FROM images"):
        if 0 <= slot < state.slots:
            expected[slot] = total
    for first, rows in file.blocks(0, state.slots):
        wanted = expected[first : first + len(rows)]
        wrong = (wanted >= 0) & (file.wrong(rows) | (rows[:, -1] != wanted))
        for slot in (first + np.flatnonzero(wrong)).tolist():
            image = connection.execute("SELECT id FROM images WHERE slot = ?", (slot,)).fetchone()
            yield f"{printable(file.path)}: the vector of image {image[0]} is corrupt"
        if progress is not None:
            progress(len(rows))
