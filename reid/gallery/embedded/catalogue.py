"""Reading and changing the catalogue inside a transaction."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from reid.errors import ArtefactError
from reid.gallery.embedded.conditions import cameras, clause
from reid.gallery.embedded.rows import (
    COLUMNS,
    NO_CAMERA,
    Row,
    proof,
    proven,
    split_digest,
    to_bytes,
    to_row,
    to_stored,
    to_text,
)
from reid.gallery.embedded.schema import State, read_state, write_state
from reid.gallery.entries import Entry, Stored
from reid.gallery.filters import Where
from reid.records import Integers

DIGEST = 2**48
_MANY = 500


def insert(
    connection: sqlite3.Connection,
    entries: Sequence[Entry],
    sums: Integers,
    thumbnails: Sequence[bytes | None],
) -> list[int]:
    """Rows for new images, in the next slots, and their ids."""
    state = read_state(connection)
    codes = {name: _source(connection, name) for name in {entry.source for entry in entries}}
    rows = [
        to_row(entry, slot=state.slots + place, image=state.next_id + place, source=codes[entry.source], vector=total)
        for place, (entry, total) in enumerate(zip(entries, sums.tolist(), strict=True))
    ]
    connection.executemany(f"INSERT INTO images VALUES ({', '.join('?' * len(Row._fields))})", rows)
    pictures = [(row.id, p, proof(p)) for row, p in zip(rows, thumbnails, strict=True) if p is not None]
    connection.executemany("INSERT INTO thumbnails VALUES (?, ?, ?)", pictures)
    write_state(
        connection,
        state._replace(
            slots=state.slots + len(rows),
            next_id=state.next_id + len(rows),
            images=state.images + len(rows),
            digest=(state.digest + sum(row.checksum for row in rows)) % DIGEST,
            change=state.change + 1,
        ),
    )
    return [row.id for row in rows]


def delete(connection: sqlite3.Connection, where: Where) -> int:
    """Take rows away; how many."""
    rows = list(select(connection, where))
    if rows:
        connection.executemany("DELETE FROM images WHERE slot = ?", [(row.slot,) for row in rows])
        connection.executemany("DELETE FROM thumbnails WHERE id = ?", [(row.id,) for row in rows])
        connection.executemany("INSERT INTO removed (slot) VALUES (?)", [(row.slot,) for row in rows])
        state = read_state(connection)
        left = (state.digest - sum(row.checksum for row in rows)) % DIGEST
        write_state(connection, state._replace(images=state.images - len(rows), digest=left, change=state.change + 1))
    return len(rows)


def relabel(connection: sqlite3.Connection, where: Where, identity: str | None) -> int:
    """Give rows another identity; how many."""
    name = None if identity is None else to_bytes(identity)
    before = [row for row in select(connection, where) if row.identity != name]
    after = [row._replace(identity=name).sealed() for row in before]
    if after:
        connection.executemany(
            "UPDATE images SET identity = ?, checksum = ? WHERE slot = ?",
            [(row.identity, row.checksum, row.slot) for row in after],
        )
        state = read_state(connection)
        moved = sum(row.checksum for row in after) - sum(row.checksum for row in before)
        write_state(connection, state._replace(digest=(state.digest + moved) % DIGEST, change=state.change + 1))
    return len(after)


def select(connection: sqlite3.Connection, where: Where, *, after: int = 0, limit: int | None = None) -> Iterator[Row]:
    """The rows for which a condition holds whose id is greater than `after`, by id, each compared with its checksum."""
    text, values = clause(where, connection)
    order = f"SELECT {COLUMNS} FROM images WHERE ({text}) AND id > ? ORDER BY id LIMIT ?"
    for found in connection.execute(order, [*values, after, -1 if limit is None else limit]):
        yield proven(found)


def at_slots(connection: sqlite3.Connection, slots: Sequence[int]) -> dict[int, Row]:
    """The rows in some slots, those that are there, each compared with its checksum."""
    rows: dict[int, Row] = {}
    for start in range(0, len(slots), _MANY):
        part = slots[start : start + _MANY]
        marks = ", ".join(["(?)"] * len(part))  # a list is joined sooner than IN is answered
        order = f"WITH wanted(place) AS (VALUES {marks}) SELECT {COLUMNS} FROM wanted CROSS JOIN images ON slot = place"
        for found in connection.execute(order, part):
            rows[found[0]] = proven(found)
    return rows


def by_ids(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Row]:
    """The rows of some images, those that are there, by id, each compared with its checksum."""
    return list(select(connection, Where(ids=tuple(ids))))


def counts(connection: sqlite3.Connection, state: State) -> dict[str, int]:
    """Numbers of images, identities, images without one, and cameras."""
    order = "SELECT count(DISTINCT identity), count(*) FROM images WHERE identity IS NOT NULL"
    names, labelled = connection.execute(order).fetchone()
    numbers = [camera for camera in cameras(connection) if camera != NO_CAMERA]
    return {
        "images": state.images,
        "identities": names,
        "unlabelled": state.images - labelled,
        "cameras": len(numbers),
    }


def known(connection: sqlite3.Connection, digests: Sequence[str]) -> set[str]:
    """Those sha256 that images have."""
    wanted = {split_digest(digest): digest for digest in digests if digest}
    numbers = json.dumps([number for number, _ in wanted])
    order = "SELECT digest, rest FROM images WHERE digest IN (SELECT value FROM json_each(?))"
    return {wanted[pair] for pair in connection.execute(order, [numbers]) if pair in wanted}


class Sources:
    """Names of where images were added from, by code; a code keeps its name for ever, so that each is read once."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def name(self, connection: sqlite3.Connection, code: int) -> str:
        """The name of a code.

        Raises:
            ArtefactError: there is no such code.
        """
        if code not in self._names:
            order = "SELECT code, name FROM sources"
            self._names |= {number: to_text(name) for number, name in connection.execute(order)}
        if code not in self._names:
            raise ArtefactError(f"the catalogue lacks the source {code}; run reid-gallery check with --repair")
        return self._names[code]

    def stored(self, connection: sqlite3.Connection, rows: Iterable[Row]) -> list[Stored]:
        """The images of rows."""
        names = self._names
        return [to_stored(row, names.get(row.source) or self.name(connection, row.source)) for row in rows]


def setting(connection: sqlite3.Connection, name: str) -> Any:
    """A value kept with the gallery; None where it was never set."""
    found = connection.execute("SELECT value, checksum FROM settings WHERE name = ?", (name,)).fetchone()
    if found is None:
        return None
    if proof(found[0]) != found[1]:
        raise ArtefactError(f"the catalogue's setting {name} is corrupt; run reid-gallery check with --repair")
    return json.loads(found[0])


def set_setting(connection: sqlite3.Connection, name: str, value: Any) -> None:
    """Keep a value."""
    text = json.dumps(value, sort_keys=True)
    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?, ?)", (name, text, proof(text)))


def thumbnail(connection: sqlite3.Connection, image: int) -> bytes | None:
    """The small picture of an image; None where there is none."""
    found = connection.execute("SELECT picture, checksum FROM thumbnails WHERE id = ?", (image,)).fetchone()
    if found is None:
        return None
    if proof(found[0]) != found[1]:
        raise ArtefactError(f"the small picture of image {image} is corrupt; run reid-gallery check with --repair")
    return bytes(found[0])


def _source(connection: sqlite3.Connection, name: str) -> int:
    connection.execute("INSERT OR IGNORE INTO sources (name) VALUES (?)", (to_bytes(name),))
    code: int = connection.execute("SELECT code FROM sources WHERE name = ?", (to_bytes(name),)).fetchone()[0]
    return code
