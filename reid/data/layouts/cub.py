"""CUB-200-2011: `images.txt` and `image_class_labels.txt`, or just the class folders."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reid.data.layouts.halves import class_folders, halve
from reid.data.layouts.listing import Listing, Rows, inside, numbered_lines, unreadable
from reid.errors import DataError

OPTIONS: Mapping[str, Any] = {
    "list": "images.txt",
    "labels": "image_class_labels.txt",
    "images": "images",
}


def read(root: Path, options: Mapping[str, Any]) -> Listing:
    """The first half of the classes as training set, the second as test set.

    Options: `list` (`<image id> <path>`), `labels` (`<image id> <class>`), `images` (folder of the paths).

    Raises:
        MissingInputError: the list exists and the labels do not.
        DataError: a line does not have two fields, or the two files name different images.
    """
    if not (root / options["list"]).is_file():
        return class_folders(root, [options["images"], ""])
    paths = _table(root / options["list"], "<image id> <path>")
    labels = _table(root / options["labels"], "<image id> <class>")
    if different := sorted(paths.keys() ^ labels.keys()):
        raise DataError(
            f"{root}: {options['list']} and {options['labels']} name different images, "
            f"{len(different)} of them in one file only, first image id {different[0]!r}"
        )
    found = {number: inside(f"{options['images']}/{path}", options["list"]) for number, path in paths.items()}
    return halve(root, Rows(list(found.values()), [labels[number] for number in found]))


def _table(path: Path, wanted: str) -> dict[str, str]:
    table = {}
    for number, line in numbered_lines(path):
        match line.split(maxsplit=1):
            case [key, value]:
                table[key] = value
            case _:
                raise unreadable(path, number, line, wanted)
    return table
