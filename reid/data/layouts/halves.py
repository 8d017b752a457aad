"""Fine-grained sets without an official open-set split: the first half of the classes trains, the second half tests."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from reid.data.layouts.listing import Listing, Rows, Test
from reid.data.layouts.tree import scan, subfolders
from reid.errors import DataError


def halve(root: Path, rows: Rows, *, seen: bool = False, skipped: Counter[str] | None = None) -> Listing:
    """The listing whose training classes are the first half of all, in natural order: 2 comes before 10.

    Raises:
        DataError: there are fewer than two classes.
    """
    classes = sorted(set(rows.identities), key=_natural)
    if len(classes) < 2:
        raise DataError(f"{root} has {len(classes)} classes; half of them train and half test, so two are the least")
    first = set(classes[: len(classes) // 2])
    train = [row for row, name in enumerate(rows.identities) if name in first]
    test = [row for row, name in enumerate(rows.identities) if name not in first]
    return Listing(root, rows.select(train), {"test": Test(rows.select(test))}, seen=seen, skipped=skipped or Counter())


def class_folders(root: Path, places: Sequence[str]) -> Listing:
    """Halves of class folders in the first of `places`, relative to `root`, that has any.

    Raises:
        DataError: there are fewer than two of them.
    """
    rows, skipped = Rows(), Counter[str]()
    for place in places:
        if not (root / place).is_dir():
            continue
        skipped = Counter()
        for name in subfolders(root, place, skipped):
            paths = scan(root, f"{place}/{name}" if place else name, skipped)
            rows.paths.extend(paths)
            rows.identities.extend([name] * len(paths))
        if rows.paths:
            break
    return halve(root, rows, seen=True, skipped=skipped)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part or 0), "") if part.isdecimal() else (-1, part) for part in re.split("([0-9]+)", name)]
