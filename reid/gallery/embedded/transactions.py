"""Blocks that see one state of the catalogue, and SQLite's errors in our words."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from reid.errors import ArtefactError, GalleryError, InUseError
from reid.text import printable

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, folder: Path, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """A block that sees one state of the catalogue, and changes it as a whole or not at all.

    Raises:
        InUseError: others have been writing for longer than a writer waits.
        ArtefactError: the catalogue is damaged, or the disk is full or failed.
    """
    with sqlite_errors(folder):
        connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def sqlite_errors(folder: Path) -> Iterator[None]:
    """Turns SQLite's errors in the block into ours."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _BUSY:
            raise InUseError(
                f"the gallery {printable(folder)} is being written by another process; try again when it is done"
            ) from error
        if code in _DISK:
            raise ArtefactError(
                f"the gallery {printable(folder)} could not be written or read: {error}; what was acknowledged is whole; "
                "make room, or look after the disk"
            ) from error
        if code == sqlite3.SQLITE_CANTOPEN:
            raise GalleryError(
                f"the gallery {printable(folder)} was left by a process that was killed, and you may not write there; let "
                "someone who may open it once (reid-gallery info)"
            ) from error
        if code == sqlite3.SQLITE_READONLY:
            raise GalleryError(f"the gallery {printable(folder)} may not be written to") from error
        raise ArtefactError(
            f"the catalogue of the gallery {printable(folder)} is damaged ({error}); run reid-gallery check with --repair"
        ) from error
    except UnicodeDecodeError as error:  # a text, or even SQLite's message about it
        raise ArtefactError(
            f"the catalogue of the gallery {printable(folder)} is damaged: it holds bytes that are no text; "
            "run reid-gallery check with --repair"
        ) from error
