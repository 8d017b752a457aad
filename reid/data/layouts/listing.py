"""What a layout hands over: plain columns in the order in which they were found, not yet checked or sorted."""

import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reid import files
from reid.errors import DataError
from reid.text import printable


@dataclass(frozen=True)
class Rows:
    """Images of one split.

    Attributes:
        paths: relative to the dataset's folder, with forward slashes.
        identities: identity name of every image, as it stands in the dataset.
        cameras: camera number of every image; None where the layout has none.
        times: seconds or frame number of every image; None where the layout has none.
        attributes: further columns by name.
    """

    paths: list[str] = field(default_factory=list)
    identities: list[str] = field(default_factory=list)
    cameras: list[int] | None = None
    times: list[float] | None = None
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.paths)

    def select(self, rows: list[int]) -> "Rows":
        """The images at the positions `rows`, in that order."""
        return Rows(
            [self.paths[row] for row in rows],
            [self.identities[row] for row in rows],
            None if self.cameras is None else [self.cameras[row] for row in rows],
            None if self.times is None else [self.times[row] for row in rows],
            {name: [column[row] for row in rows] for name, column in self.attributes.items()},
        )

    def without(self, names: frozenset[str]) -> "Rows":
        """The images whose identity is none of `names`."""
        kept = [row for row, name in enumerate(self.identities) if name not in names]
        return self if len(kept) == len(self) else self.select(kept)


@dataclass(frozen=True)
class Test:
    """Images of one test set; without queries every gallery image takes its turn as one."""

    __test__ = False  # not a test class of pytest's

    gallery: Rows
    query: Rows | None = None


@dataclass(frozen=True)
class Listing:
    """A dataset as a layout found it.

    Attributes:
        root: folder that all paths are relative to.
        train: training images; None where the dataset declares no training split at all.
        tests: test sets by name.
        junk: identity names that mean junk.
        seen: whether every path was met on the disk; otherwise it only stands in a list and has yet to be looked for.
        skipped: number of files passed over, by reason.
        problems: what looks wrong, one sentence each.
    """

    root: Path
    train: Rows | None
    tests: dict[str, Test]
    junk: frozenset[str] = frozenset()
    seen: bool = False
    skipped: Counter[str] = field(default_factory=Counter)
    problems: tuple[str, ...] = ()


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Line number from 1 and text, stripped, of every line of a list that is not blank; a byte order mark is dropped.

    Raises:
        MissingInputError: there is no such list.
    """
    text = files.read_bytes(path).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        if stripped := line.strip():
            yield number, stripped


def inside(path: str, where: str) -> str:
    """`path` in its simplest form.

    Args:
        path: as it stands in a list.
        where: file and line, for the message.

    Raises:
        DataError: it is absolute, leads out of the dataset's folder, or holds a zero byte.
    """
    simple = posixpath.normpath(path)
    if simple.startswith(("/", "../")) or simple in {".", ".."} or "\0" in path:
        raise DataError(
            f"{where}: path {printable(path)!r} leads out of the dataset's folder; write it relative to that folder"
        )
    return simple


def unreadable(path: Path, number: int, line: str, wanted: str) -> DataError:
    """The error for a line of a list that does not have the form `wanted`."""
    return DataError(
        f"{printable(path)}:{number}: wanted '{wanted}', found {printable(line)[:100]!r}; correct the line"
    )
