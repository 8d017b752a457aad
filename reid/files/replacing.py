"""Replacing files and folders so that a killed process leaves either the old or the new content.

A file is written beside its target under a temporary name, flushed to the disk and renamed over the target, and the
folder is flushed too (without the last step a power loss can undo the rename). So is a folder of several files.
"""

import contextlib
import errno
import fcntl
import itertools
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from reid.errors import ArtefactError, OutputError
from reid.files.reading import NO_PLACE
from reid.files.space import free_space, megabytes
from reid.text import printable

_TEMPORARY = ".tmp-reid-"
_MANY = 100


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` atomically and durably; the parent folder must exist.

    What a symbolic link points to is replaced, not the link. A pipe or device, such as /dev/stdout, is written into.

    Raises:
        OutputError: the folder is missing, or nothing may be written there.
        ArtefactError: the disk is full or failed; what stands at `path` is whole.
    """
    with writing(path):
        ordinary = not path.exists() or path.is_file() or path.is_dir()
        if not ordinary:
            path.write_bytes(content)
    if ordinary:
        with replacement(path) as file:
            file.write(content)


@contextlib.contextmanager
def replacement(path: Path) -> Iterator[BinaryIO]:
    """A file to write into, which takes the place of `path` when the block ends without an error.

    Nothing beside it is left when the block fails, and a killed process leaves what `sweep` removes. What a symbolic link points to is replaced, not the link.

    Raises:
        OutputError: the folder is missing, or nothing may be written there.
        ArtefactError: the disk is full or failed; what stands at `path` is whole.
    """
    target = Path(os.path.realpath(path))
    temporary = _temporary(target)
    with writing(path):
        try:
            with temporary.open("xb") as file, _claimed(temporary):
                yield file
                file.flush()
                os.fsync(file.fileno())
                temporary.replace(target)
            _flush(target.parent)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


def move_along(*paths: Path) -> None:
    """Rename each file of a row to the next name of the row, over what stands there; the last one's content is gone.

    All lie in one folder; those that are missing are passed over. A kill in between leaves every other content.

    Raises:
        ArtefactError: the disk failed.
    """
    for source, target in reversed(list(itertools.pairwise(paths))):
        with writing(target), contextlib.suppress(FileNotFoundError):
            source.replace(target)
    with writing(paths[0]):
        _flush(paths[0].parent)


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` in UTF-8, as `write_bytes` does; lone surrogates of odd file names survive."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def make_folder(path: Path) -> None:
    """Create a folder and those above it, unless they are there.

    Raises:
        OutputError: it cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot create the folder {printable(path)}: {error.strerror}; choose another place with --out"
        ) from error


@contextlib.contextmanager
def new_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder to fill, which becomes `path` when the block ends without an error.

    What killed writers left beside `path` is swept away first.

    Raises:
        OutputError: `path` is a file, or holds something and `overwrite` is false, or cannot be created.
        ArtefactError: the disk is full or failed; what stood at `path` before still does.
    """
    path = Path(os.path.realpath(path))
    with writing(path):
        if path.exists() and not (path.is_dir() and (overwrite or not any(path.iterdir()))):
            raise OutputError(f"{printable(path)} exists already; choose another place or pass --force")
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
    temporary = _temporary(path)
    try:  # before the folder is there, so that Ctrl-C finds no moment at which it would stay
        with writing(path):
            temporary.mkdir()
        with _claimed(temporary):
            yield temporary
            _flush_tree(temporary)
            _swap_folder(temporary, path)
    except OSError as error:
        raise ArtefactError(f"writing {printable(path)} failed: {error}; what stood there before still does") from error
    finally:
        _discard(temporary)


def sweep(folder: Path) -> int:
    """Remove temporary files and folders that killed writers of ours left in `folder`; returns how many.

    Those of writers still at work are left alone.
    """
    removed = 0
    for path in folder.glob(f"{_TEMPORARY}*"):
        with contextlib.suppress(OSError), _claimed(path) as abandoned:
            if abandoned:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed += 1
    return removed


def _temporary(path: Path) -> Path:
    return path.parent / f"{_TEMPORARY}{secrets.token_hex(8)}"


@contextlib.contextmanager
def _claimed(temporary: Path) -> Iterator[bool]:
    """Holds the lock by which a living writer keeps `sweep` away; yields whether it was free."""
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # held, or a file system without locks, where nothing is swept
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns the system's errors in the block into ours, naming `path`.

    Raises:
        OutputError: the folder is missing, or nothing may be written there.
        ArtefactError: the disk is full or failed.
    """
    try:
        yield
    except OSError as error:
        reason = f"cannot write {printable(path)}: {error.strerror or error}"
        if error.errno in NO_PLACE:
            raise OutputError(f"{reason}; choose another place") from error
        free = free_space(path)
        left = "" if free is None else f" ({megabytes(free)} free on its disk)"
        raise ArtefactError(f"{reason}{left}; what stands there is whole, old or new") from error


def _discard(folder: Path) -> None:
    try:
        shutil.rmtree(folder, ignore_errors=True)
    finally:  # Ctrl-C may come in the middle
        shutil.rmtree(folder, ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # network file systems that cannot flush a folder need not
            raise
    finally:
        os.close(descriptor)


def _flush_tree(folder: Path) -> None:
    every = [folder, *folder.rglob("*")]
    if len(every) > _MANY:
        os.sync()  # a hundred times quicker than one by one
        return
    for path in every:
        if not path.is_symlink():
            _flush(path)


def _swap_folder(temporary: Path, path: Path) -> None:
    if not path.exists():
        temporary.replace(path)
    elif not _exchange(temporary, path):
        _replace_in_two_steps(temporary, path)
    _flush(path.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step; false where the system or the file system cannot."""
    import ctypes

    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
    swap = getattr(ctypes.CDLL(None), "renameat2", None)
    return swap is not None and swap(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def _replace_in_two_steps(temporary: Path, path: Path) -> None:
    """A kill between the steps leaves the old folder beside `path` under a name that nothing removes."""
    aside = path.with_name(f"{path.name}.replaced-{secrets.token_hex(4)}")
    path.replace(aside)
    try:
        temporary.replace(path)
    except BaseException:
        aside.replace(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)
