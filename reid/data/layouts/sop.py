"""Stanford Online Products: two lists of `image_id class_id super_class_id path`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reid.data.layouts.listing import Listing, Rows, Test, inside, numbered_lines, unreadable

OPTIONS: Mapping[str, Any] = {"train": "Ebay_train.txt", "test": "Ebay_test.txt"}
_WANTED = "<image id> <class id> <super class id> <path>"


def read(root: Path, options: Mapping[str, Any]) -> Listing:
    """Both lists; the class is the identity, the super class an attribute.

    Options: `train`, `test` (the lists).

    Raises:
        MissingInputError: a list is missing.
        DataError: a line does not have four fields.
    """
    return Listing(root, _rows(root / options["train"]), {"test": Test(_rows(root / options["test"]))})


def _rows(path: Path) -> Rows:
    rows = Rows(attributes={"super_class": []})
    for number, line in numbered_lines(path):
        fields = line.split(maxsplit=3)
        if number == 1 and fields[0] == "image_id":
            continue
        if len(fields) != 4:
            raise unreadable(path, number, line, _WANTED)
        rows.paths.append(inside(fields[3], f"{path}:{number}"))
        rows.identities.append(fields[1])
        rows.attributes["super_class"].append(fields[2])
    return rows
