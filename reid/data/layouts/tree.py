"""Walking folders of images: what is taken, what is passed over and why, and which listed files are not there."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from reid.errors import MissingInputError
from reid.text import printable

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
"""Endings of image files, in lower case; upper case counts as well."""
SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir"})
"""Files and folders that operating systems and storage boxes leave behind, in lower case."""


def scan(root: Path, folder: str, skipped: Counter[str], *, deep: bool = False) -> list[str]:
    """Image files in a folder, sorted; everything else is passed over and counted.

    Args:
        root: the dataset's folder.
        folder: where to look, relative to `root`; "" is `root` itself.
        skipped: counts of files passed over by reason; added to.
        deep: whether folders inside are walked as well.

    Returns:
        Paths relative to `root`.

    Raises:
        MissingInputError: there is no such folder, or it may not be read.
    """
    found: list[str] = []
    waiting, entered = [folder], set[tuple[int, int]]()
    while waiting:
        place = waiting.pop()
        for entry in entries(root / place):
            path = f"{place}/{entry.name}" if place else entry.name
            reason = _reason(entry)
            if reason is None:
                found.append(path)
            elif reason == "folder" and deep and _first_visit(entry, entered):
                waiting.append(path)
            else:
                skipped[reason] += 1
    return sorted(found)


def subfolders(root: Path, folder: str, skipped: Counter[str]) -> list[str]:
    """Names of the folders in `root/folder`, sorted; hidden ones, system ones and files are passed over and counted.

    Raises:
        MissingInputError: there is no such folder, or it may not be read.
    """
    names = []
    for entry in entries(root / folder):
        reason = _reason(entry)
        if reason == "folder":
            names.append(entry.name)
        else:
            skipped[reason or "image outside an identity folder"] += 1
    return sorted(names)


def entries(folder: Path) -> list[os.DirEntry[str]]:
    """What stands in a folder, in no particular order.

    Raises:
        MissingInputError: there is no such folder, or it may not be read.
    """
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError as error:
        raise MissingInputError(f"cannot read the folder {printable(folder)}: {error.strerror}") from error


def absent(root: Path, paths: Sequence[str]) -> list[str]:
    """Those of `paths`, relative to `root`, that are no files, in the order given.

    Every folder is listed once, which is many times faster than asking for each file.
    """
    present: dict[str, frozenset[str]] = {}
    missing = []
    for path in paths:
        folder, _, name = path.rpartition("/")
        if folder not in present:
            present[folder] = _file_names(root / (folder or ("/" if path.startswith("/") else "")))
        # A file system that ignores case or rewrites accents finds names that its listing spells differently.
        if name not in present[folder] and not os.path.isfile(root / path):  # noqa: PTH113  a name too long must not raise
            missing.append(path)
    return missing


def _file_names(folder: Path) -> frozenset[str]:
    try:
        with os.scandir(folder) as found:
            return frozenset(entry.name for entry in found if entry.is_file())
    except (OSError, ValueError):
        return frozenset()


def _reason(entry: os.DirEntry[str]) -> str | None:
    """Why an entry is passed over; None for an image."""
    if entry.name.startswith("."):
        return "hidden"
    if entry.name.lower() in SYSTEM_NAMES:
        return "system file"
    if entry.is_dir():
        return "folder"
    if os.path.splitext(entry.name)[1].lower() not in IMAGE_SUFFIXES:  # noqa: PTH122  a hundred thousand times
        return "not an image"
    return None if entry.is_file() else "link to nothing or special file"


def _first_visit(entry: os.DirEntry[str], entered: set[tuple[int, int]]) -> bool:
    """Whether a folder is met for the first time; links can form circles."""
    status = entry.stat()
    key = (status.st_dev, status.st_ino)
    new = key not in entered
    entered.add(key)
    return new
