"""The connections of a process to a catalogue, one a thread, and the blocks in which they are used."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from reid.errors import GalleryError, InUseError, MissingInputError
from reid.gallery.embedded.checking import verify_catalogue
from reid.gallery.embedded.schema import CATALOGUE, State, connect, prepare_for_writing, read_about, read_state
from reid.gallery.embedded.seal import Presence
from reid.gallery.embedded.transactions import sqlite_errors, transaction
from reid.gallery.store import About
from reid.text import printable

Result = TypeVar("Result")


class Connections:
    """The catalogue of one gallery, proven when it is opened.

    Args:
        folder: the gallery.

    Raises:
        MissingInputError: there is none.
        GalleryError: it is of a newer version.
        ArtefactError: it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / CATALOGUE).is_file():
            raise MissingInputError(f"there is no gallery in {printable(folder)}: {CATALOGUE} is missing")
        self.folder = folder
        self.read_only = not os.access(folder, os.W_OK)
        self._threads = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._changing = threading.RLock()
        try:
            self._presence = Presence(folder, self._examine)
        except BaseException:
            self._disconnect()
            raise

    def about(self) -> About:
        """What the catalogue says of the gallery."""
        with sqlite_errors(self.folder):
            return read_about(self.connection(), self.folder / CATALOGUE)

    def connection(self) -> sqlite3.Connection:
        """This thread's."""
        found: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if found is None:
            with sqlite_errors(self.folder):
                found = connect(self.folder / CATALOGUE, read_only=self.read_only)
            self._threads.connection = found
            self._open.append(found)
        return found

    def _writer(self) -> sqlite3.Connection:
        """This thread's connection, given what writing needs."""
        connection = self.connection()
        if not getattr(self._threads, "writes", False):
            with sqlite_errors(self.folder):
                prepare_for_writing(connection)
            self._threads.writes = True
        return connection

    def read(self, work: Callable[[sqlite3.Connection, State], Result]) -> Result:
        """What `work` gives, in one state of the catalogue."""
        with transaction(self.connection(), self.folder) as connection:
            return work(connection, read_state(connection))

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A block that changes the catalogue as a whole or not at all; one at a time, in this process and in others.

        Raises:
            InUseError: another process has been writing for too long.
            GalleryError: nothing may be written there.
        """
        if self.read_only:
            raise GalleryError(f"the gallery {printable(self.folder)} may not be written to")
        with self._changing, transaction(self._writer(), self.folder, write=True) as connection:
            self._presence.break_seal()
            yield connection

    def close(self) -> None:
        """Let go of the catalogue; the last process out seals it."""
        try:
            self._presence.leave(self._finish)
        finally:
            self._disconnect()

    def _examine(self) -> None:
        with sqlite_errors(self.folder):
            read_about(self.connection(), self.folder / CATALOGUE)
            verify_catalogue(self.connection(), self.folder)

    def _disconnect(self) -> None:
        while self._open:
            self._open.pop().close()
        self._threads = threading.local()

    def _finish(self) -> bool:
        """Bring the log into the catalogue; whether all is in that one file then."""
        try:
            with contextlib.suppress(InUseError), sqlite_errors(self.folder):
                if not self.read_only:
                    self.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._disconnect()
        log = self.folder / f"{CATALOGUE}-wal"
        return not self.read_only and not (log.exists() and log.stat().st_size)
