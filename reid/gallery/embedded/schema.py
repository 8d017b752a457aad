"""The catalogue's tables, and connections that keep what they acknowledge."""

import json
import sqlite3
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from reid.errors import ArtefactError, GalleryError
from reid.gallery.embedded.rows import proof
from reid.gallery.store import About
from reid.text import printable

CATALOGUE = "catalogue.sqlite"
FORMAT = 2
_APPLICATION = 0x72656964  # "reid"
_WAIT = 5.0  # seconds for a writer to end
_CACHE = 32_768  # KiB of pages that a writer keeps in memory
_LOG = 16_384  # pages in the log, 64 MiB, before they are copied into the catalogue: a page is often changed again until then

IMAGES = """
CREATE TABLE {name} (
    slot INTEGER PRIMARY KEY, id INTEGER NOT NULL, path BLOB NOT NULL, identity BLOB, camera INTEGER NOT NULL,
    time REAL, source INTEGER NOT NULL, box TEXT, digest INTEGER, rest BLOB, vector INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT
"""
INDEXES = (
    "CREATE UNIQUE INDEX images_by_id ON images (id)",
    "CREATE INDEX images_by_camera ON images (camera, time)",
    "CREATE INDEX images_by_identity ON images (identity) WHERE identity IS NOT NULL",
    "CREATE INDEX images_by_digest ON images (digest) WHERE digest IS NOT NULL",
)
_OTHERS = (
    "CREATE TABLE about (only INTEGER PRIMARY KEY CHECK (only = 1), value TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT",
    """CREATE TABLE state (only INTEGER PRIMARY KEY CHECK (only = 1), generation INTEGER NOT NULL, slots INTEGER NOT NULL,
    next_id INTEGER NOT NULL, images INTEGER NOT NULL, digest INTEGER NOT NULL, change INTEGER NOT NULL,
    checksum INTEGER NOT NULL) STRICT""",
    "CREATE TABLE removed (number INTEGER PRIMARY KEY AUTOINCREMENT, slot INTEGER NOT NULL) STRICT",
    "CREATE TABLE sources (code INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL UNIQUE) STRICT",
    "CREATE TABLE thumbnails (id INTEGER PRIMARY KEY, picture BLOB NOT NULL, checksum INTEGER NOT NULL) STRICT",
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)


class State(NamedTuple):
    """What changes with every transaction.

    Attributes:
        generation: number of the file of vectors.
        slots: of that file that are taken; the next vector goes there.
        next_id: of the next image.
        images: in the gallery.
        digest: sum of the checksums of all their rows, modulo 2**48: proves that none is missing.
        change: number of the last transaction.
    """

    generation: int
    slots: int
    next_id: int
    images: int
    digest: int
    change: int

    def proof(self) -> int:
        """The checksum kept beside these numbers."""
        return proof(tuple(self))


def create(path: Path, about: About) -> None:
    """Make an empty catalogue."""
    connection = connect(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        for statement in (IMAGES.format(name="images"), *INDEXES, *_OTHERS):
            connection.execute(statement)
        value = json.dumps(asdict(about), sort_keys=True)
        connection.execute("INSERT INTO about VALUES (1, ?, ?)", (value, proof(value)))
        state = State(1, 0, 1, 0, 0, 0)
        connection.execute("INSERT INTO state VALUES (1, ?, ?, ?, ?, ?, ?, ?)", (*state, state.proof()))
        connection.execute("COMMIT")
    finally:
        connection.close()


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection on which what is committed lasts, and what is deleted is overwritten.

    Raises:
        ArtefactError: the file is no database, or the pragmas that safety rests on are not obeyed.
    """
    log = path.with_name(f"{path.name}-wal")
    options = "?mode=rwc"
    if read_only:  # without a log nobody writes, and SQLite needs no files beside the catalogue
        options = "?mode=ro" if log.exists() and log.stat().st_size else "?mode=ro&immutable=1"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}{options}", uri=True, timeout=_WAIT, isolation_level=None, check_same_thread=False
    )
    try:
        if not read_only:
            _set(connection, "journal_mode", "wal")
        _set(connection, "synchronous", 2)
        _set(connection, "secure_delete", 1)
        _set(connection, "trusted_schema", 0)
        _set(connection, "cell_size_check", 1)
    except BaseException:
        connection.close()
        raise
    return connection


def prepare_for_writing(connection: sqlite3.Connection) -> None:
    """Let a connection change pages all over the indexes: it keeps more of them, and brings the log into the catalogue seldom."""
    connection.execute(f"PRAGMA cache_size = {-_CACHE}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG}")


def read_about(connection: sqlite3.Connection, path: Path) -> About:
    """What holds for the gallery as a whole.

    Raises:
        GalleryError: the file is of a newer version, or no catalogue.
        ArtefactError: it is damaged.
    """
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != _APPLICATION:
        raise ArtefactError(f"{printable(path)} is no catalogue of a gallery, or its beginning is damaged")
    if version != FORMAT:
        advice = "install a newer reid-toolkit" if version > FORMAT else "make the gallery again"
        raise GalleryError(f"{printable(path)} has format {version}, and this version reads format {FORMAT}; {advice}")
    value, checksum = connection.execute("SELECT value, checksum FROM about").fetchone() or ("", None)
    if checksum != proof(value):
        raise ArtefactError(f"{printable(path)} is corrupt: what it says of the gallery has another checksum")
    return About(**json.loads(value))


def read_state(connection: sqlite3.Connection) -> State:
    """The numbers of the last transaction.

    Raises:
        ArtefactError: they are damaged.
    """
    *numbers, checksum = (
        connection.execute("SELECT generation, slots, next_id, images, digest, change, checksum FROM state").fetchone()
        or (0,) * 7
    )
    state = State(*numbers)
    if state.proof() != checksum:
        raise ArtefactError(
            "the catalogue's state is corrupt: its checksum differs; run reid-gallery check with --repair"
        )
    return state


def write_state(connection: sqlite3.Connection, state: State) -> None:
    """Replace the numbers, inside a transaction."""
    connection.execute(
        "UPDATE state SET generation = ?, slots = ?, next_id = ?, images = ?, digest = ?, change = ?, checksum = ?",
        (*state, state.proof()),
    )


def _set(connection: sqlite3.Connection, pragma: str, value: Any) -> None:
    connection.execute(f"PRAGMA {pragma} = {value}")
    found = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    if found != value:
        raise ArtefactError(
            f"SQLite keeps {pragma} at {found} where {value} is needed; the file system may not allow it"
        )
