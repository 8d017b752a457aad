"""Reading files, and what the system's reasons for not doing so mean here."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from reid.errors import ArtefactError, MissingInputError
from reid.text import printable

NO_PLACE = {
    errno.EACCES,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}
"""Failures that another path mends; all others are the disk's."""


def read_bytes(path: Path, limit: int = -1) -> bytes:
    """The content of `path`, or its first `limit` bytes.

    Raises:
        MissingInputError: there is no such file, or it may not be read.
        ArtefactError: the disk failed.
    """
    with reading(path), path.open("rb") as file:
        return file.read(limit)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns the system's errors in the block into ours, naming `path`.

    Raises:
        MissingInputError: there is no such file, or it may not be read.
        ArtefactError: the disk failed.
    """
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: no file can have such a name
        failed = isinstance(error, OSError) and error.errno not in NO_PLACE
        reason = f"cannot read {printable(path)}: {getattr(error, 'strerror', None) or error}"
        raise (ArtefactError if failed else MissingInputError)(reason) from error
