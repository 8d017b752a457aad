"""A folder that only one process at a time may change."""

import contextlib
import errno
import fcntl
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

from reid.errors import InUseError
from reid.files.replacing import writing
from reid.text import printable

_HELD = {errno.EACCES, errno.EAGAIN}
_NO_LOCKS = {errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@contextlib.contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Keep all other processes out of blocks with the same `path` while this block runs.

    The file `path` says who is in the block, and is gone afterwards. The lock itself is the system's (a POSIX record
    lock): it ends with the process, however that ends, and children do not inherit it. It does not keep a process from
    entering twice. On a file system without locks nobody is kept out.

    Args:
        path: of the lock file.
        what: what is changed, for the message: "the run runs/demo-1".

    Raises:
        InUseError: another process is in; the message names it, its host and since when.
        OutputError: no file can be written there.
        ArtefactError: the disk failed.
    """
    with writing(path):
        descriptor = _take(path, what)
    try:
        with writing(path):
            since = time.strftime("%Y-%m-%d %H:%M:%S %z")
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()} on {platform.node()} since {since}\n".encode())
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # before the lock ends, so that nobody who takes it loses the name
        os.close(descriptor)


def _take(path: Path, what: str) -> int:
    """A descriptor that holds the lock of the file that is called `path`."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_called(descriptor, path):
                return descriptor
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return descriptor
            holder = os.read(descriptor, 1000).decode("utf-8", "replace").strip() or "another process"
            os.close(descriptor)
            if error.errno not in _HELD:
                raise
            raise InUseError(
                f"{what} is in use by {printable(holder)}; wait for its end or end it, or choose another folder"
            ) from error
        os.close(descriptor)  # its holder has just ended, and took the name away


def _is_called(descriptor: int, path: Path) -> bool:
    """Whether an open file still stands at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
