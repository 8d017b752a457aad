"""Proof that a catalogue is what was written, kept while nobody writes into it.

SQLite's own checks overlook damaged content. So the last process that leaves a gallery writes the sha256 of the catalogue
beside it, and the first that comes compares. A writer takes the seal away before its first change. Where the seal is
missing although nobody is in, a process was killed: then every row is compared with its checksum instead.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from reid import files
from reid.errors import ArtefactError, InUseError, MissingInputError, OutputError
from reid.gallery.embedded.schema import CATALOGUE
from reid.text import printable

SEAL = "catalogue.seal"
LOCK = "lock"


class Presence:
    """That this process is in a gallery: a shared lock, which the system lets go of however the process ends.

    Args:
        folder: the gallery.
        examine: called when nobody else is in, as far as one can tell, and there is no valid seal; raises where the catalogue is damaged.

    Raises:
        ArtefactError: the catalogue is damaged.
    """

    def __init__(self, folder: Path, examine: Callable[[], None]) -> None:
        self._folder = folder
        self._descriptor = _open(folder / LOCK)
        try:
            if (self._descriptor < 0 or self._alone()) and not self._sealed():
                examine()
            self._lock(fcntl.LOCK_SH)
        except BaseException:
            self._release()
            raise

    def break_seal(self) -> None:
        """Called before the first change."""
        with contextlib.suppress(FileNotFoundError):
            (self._folder / SEAL).unlink()

    def leave(self, finish: Callable[[], bool]) -> None:
        """Go, and seal the catalogue if nobody else is in and `finish` has brought all into the one file."""
        try:
            if self._alone() and not (self._folder / SEAL).exists() and finish():
                content = {"sha256": files.sha256(self._folder / CATALOGUE)}
                with contextlib.suppress(ArtefactError):  # the next one in compares rows
                    files.write_json(self._folder / SEAL, content)
        finally:
            self._release()

    def _alone(self) -> bool:
        return self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _lock(self, operation: int) -> bool:
        if self._descriptor < 0:
            return False
        try:
            fcntl.flock(self._descriptor, operation)
        except OSError:
            return False
        return True

    def _sealed(self) -> bool:
        log = self._folder / f"{CATALOGUE}-wal"
        try:
            told = files.read_json(self._folder / SEAL)
        except (MissingInputError, ArtefactError):
            return False
        if log.exists() and log.stat().st_size:
            return False
        return isinstance(told, dict) and told.get("sha256") == files.sha256(self._folder / CATALOGUE)

    def _release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _open(path: Path) -> int:
    """A descriptor to lock; -1 in a folder where nothing may be written, in which nobody writes either."""
    try:
        with files.writing(path):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OutputError:
        return -1


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """A block during which no other process comes into the gallery.

    Raises:
        InUseError: others are in.
    """
    descriptor = _open(folder / LOCK)
    try:
        try:
            if descriptor >= 0:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InUseError(f"the gallery {printable(folder)} is open in another process; close it first") from error
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)
