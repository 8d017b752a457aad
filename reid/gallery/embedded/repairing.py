"""Making a gallery whole again out of what is left of it."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reid import files
from reid.errors import ArtefactError, ReidError
from reid.gallery.embedded.catalogue import DIGEST
from reid.gallery.embedded.rows import COLUMNS, Row, proof, proven
from reid.gallery.embedded.schema import CATALOGUE, State, connect, create, read_state, write_state
from reid.gallery.embedded.seal import alone
from reid.gallery.embedded.transactions import sqlite_errors
from reid.gallery.embedded.vector_file import VectorFile, read_header, vectors_path
from reid.gallery.store import About
from reid.text import printable

_BATCH = 10_000
_MARKS = ", ".join("?" * len(Row._fields))


@dataclass(frozen=True)
class Repaired:
    """What became of a damaged gallery.

    Attributes:
        images: in the new one.
        lost: images that were in the old one and are not in the new one; None where their number is not known.
        old: where the damaged gallery stands now.
    """

    images: int
    lost: int | None
    old: Path


def repair(folder: Path) -> Repaired:
    """Put every image that is proven whole, row and vector, into a new gallery in the place of the old one.

    Images keep their ids. The damaged gallery is kept beside it.

    Raises:
        InUseError: another process has the gallery open.
        ArtefactError: nothing can be saved: the catalogue or the vectors are gone.
    """
    with alone(folder), sqlite_errors(folder):
        about, file = _vectors(folder)
        source = _source(folder)
        try:
            rows = _with_vectors(_rows(source, file.slots()), file)
            if not rows:
                raise ArtefactError(f"no image of {printable(folder)} can be saved; restore the gallery from a copy")
            expected = _state(source)
            made = _free_name(folder, "repaired")
            with files.new_folder(made) as temporary:
                _write(temporary, about, rows, file, source, max(row.id for row in rows) + 1, expected)
        finally:
            source.close()
        old = _free_name(folder, "damaged")
        folder.rename(old)
        made.rename(folder)
    return Repaired(len(rows), None if expected is None else max(0, expected.images - len(rows)), old)


def _vectors(folder: Path) -> tuple[About, VectorFile]:
    """The newest file of vectors with a whole header, and what it says of the gallery."""
    for path in sorted(folder.glob("vectors-*.bin"), reverse=True):
        with contextlib.suppress(ArtefactError):
            told = read_header(path)
            generation = told.pop("generation")
            about = About(**told)
            return about, VectorFile.open(path, about, generation)
    raise ArtefactError(f"no vectors of {printable(folder)} can be read; restore the gallery from a copy")


def _source(folder: Path) -> sqlite3.Connection:
    path = folder / CATALOGUE
    if not path.is_file():
        raise ArtefactError(
            f"{printable(path)} is gone, and with it what the vectors belong to; restore it from a copy"
        )
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.text_factory = lambda content: content.decode("utf-8", "replace")
    return connection


def _rows(source: sqlite3.Connection, slots: int) -> list[Row]:
    """The rows that are whole, wherever the tree of the table can still be entered."""
    found, at, step = list[Row](), -1, 1
    while at < slots:
        try:
            for values in source.execute(
                f"SELECT {COLUMNS} FROM images NOT INDEXED WHERE slot > ? ORDER BY slot", (at,)
            ):
                at, step = values[0], 1
                with contextlib.suppress(ReidError, TypeError, AttributeError):
                    found.append(proven(values))
        except sqlite3.Error:
            at, step = at + step, min(2 * step, 64)
        else:
            break
    return found


def _with_vectors(rows: Sequence[Row], file: VectorFile) -> list[Row]:
    """The rows whose own vector stands whole in their slot, each image and each slot once."""
    sums = np.full(file.slots(), -1, dtype=np.int64)
    for first, words in file.blocks(0, len(sums)):
        sums[first : first + len(words)] = np.where(file.wrong(words), -1, words[:, -1])
    kept = {row.id: row for row in rows if 0 <= row.slot < len(sums) and sums[row.slot] == row.vector}
    return sorted({row.slot: row for row in kept.values()}.values())


def _state(source: sqlite3.Connection) -> State | None:
    try:
        return read_state(source)
    except (ReidError, sqlite3.Error):
        return None


def _write(
    folder: Path,
    about: About,
    rows: Sequence[Row],
    file: VectorFile,
    source: sqlite3.Connection,
    next_id: int,
    before: State | None,
) -> None:
    generation = int(file.path.stem.rpartition("-")[2]) + 1
    vectors = VectorFile.create(vectors_path(folder, generation), about, generation)
    create(folder / CATALOGUE, about)
    connection = connect(folder / CATALOGUE)
    try:
        connection.execute("BEGIN IMMEDIATE")
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            vectors.write(start, file.words(np.array([row.slot for row in part], dtype=np.int64)))
            moved = [row._replace(slot=start + place) for place, row in enumerate(part)]
            connection.executemany(f"INSERT INTO images VALUES ({_MARKS})", moved)
        _copy_rest(source, connection, {row.source for row in rows})
        state = State(
            generation,
            len(rows),
            max(next_id, before.next_id if before else 0),
            len(rows),
            sum(row.checksum for row in rows) % DIGEST,
            1,
        )
        write_state(connection, state)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.close()


def _copy_rest(source: sqlite3.Connection, connection: sqlite3.Connection, codes: set[int]) -> None:
    """Sources, small pictures and settings, as far as they can be read and are whole."""
    names = {code: f"(lost {code})".encode() for code in codes} | dict(_readable(source, "sources", "code, name"))
    connection.executemany("INSERT OR IGNORE INTO sources VALUES (?, ?)", sorted(names.items()))
    for table, columns in (("thumbnails", "id, picture, checksum"), ("settings", "name, value, checksum")):
        for key, value, checksum in _readable(source, table, columns):
            if proof(value) == checksum:
                connection.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?)", (key, value, checksum))
    connection.execute("DELETE FROM thumbnails WHERE id NOT IN (SELECT id FROM images)")


def _readable(source: sqlite3.Connection, table: str, columns: str) -> Iterator[Any]:
    with contextlib.suppress(sqlite3.Error):
        yield from source.execute(f"SELECT {columns} FROM {table}")


def _free_name(folder: Path, word: str) -> Path:
    plain = folder.absolute()
    numbered = (plain.with_name(f"{plain.name}.{word}-{number}") for number in itertools.count(1))
    return next(path for path in numbered if not path.exists())
