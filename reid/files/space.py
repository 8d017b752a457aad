"""Room on the disk: how much there is, and a refusal before anything is written that would not fit."""

import shutil
from pathlib import Path

from reid.errors import ArtefactError
from reid.text import printable


def free_space(path: Path) -> int | None:
    """Bytes that may still be written to the disk of `path`, which need not exist; None where that is unknown.

    A quota is not in it: systems tell no one how much of it is left.
    """
    for place in (path, *path.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except OSError:
            break
    return None


def require_space(path: Path, size: int) -> None:
    """Refuse to begin writing `size` bytes to `path` where they do not fit.

    Raises:
        ArtefactError: they do not; the message names both sizes.
    """
    free = free_space(path)
    if free is not None and free < size:
        raise ArtefactError(
            f"cannot write {printable(path)}: it takes {megabytes(size)}, and {megabytes(free)} are free on its disk; "
            "what stands there is whole; make room"
        )


def megabytes(size: int) -> str:
    """A number of bytes for people, such as "1,234.5 MB"."""
    return f"{size / 1e6:,.1f} MB"
