"""In-shop Clothes Retrieval (DeepFashion): one partition file that names image, item and split."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reid.data.layouts.listing import Listing, Rows, Test, inside, numbered_lines, unreadable
from reid.errors import DataError, MissingInputError
from reid.text import listed

OPTIONS: Mapping[str, Any] = {
    "list": ["Eval/list_eval_partition.txt", "list_eval_partition.txt"],
    "images": ["", "Img"],
}
_SPLITS = ("train", "query", "gallery")
_WANTED = "<image> <item id> train|query|gallery"


def read(root: Path, options: Mapping[str, Any]) -> Listing:
    """The three splits of the partition file: a count, a header, then `<image> <item id> <split>`, any spaces between.

    Options: `list` (places of the partition file, the first that exists counts), `images` (folders that its paths may
    be relative to, the first that holds the first image counts).

    Raises:
        MissingInputError: there is no partition file.
        DataError: the first line is no count, or a line does not have that form.
    """
    place = next((root / path for path in options["list"] if (root / path).is_file()), None)
    if place is None:
        raise MissingInputError(f"no partition file in {root}: looked for {listed(options['list'])}")
    count, splits = _parse(place)
    found = sum(map(len, splits.values()))
    first = next((path for rows in splits.values() for path in rows.paths), "")
    folder = next((folder for folder in options["images"] if os.path.isfile(root / folder / first)), "")  # noqa: PTH113  a name too long must not raise
    for rows in splits.values():
        rows.paths[:] = [f"{folder}/{path}" if folder else path for path in rows.paths]
    problem = f"{place}:1: the file announces {count:,} images and lists {found:,}: is it cut off?"
    return Listing(
        root,
        splits["train"],
        {"test": Test(splits["gallery"], splits["query"])},
        problems=() if count == found else (problem,),
    )


def _parse(place: Path) -> tuple[int, dict[str, Rows]]:
    lines = list(numbered_lines(place))
    if not lines or not (lines[0][1].isdecimal() and len(lines[0][1]) < 12):
        raise DataError(f"{place}:1: wanted the number of images on the first line; is this the partition file?")
    splits = {name: Rows() for name in _SPLITS}
    for number, line in lines[1:]:
        if number <= 2 and line.split()[-1] == "evaluation_status":
            continue
        fields = line.rsplit(maxsplit=2)
        if len(fields) != 3 or fields[2] not in splits:
            raise unreadable(place, number, line, _WANTED)
        rows = splits[fields[2]]
        rows.paths.append(inside(fields[0], f"{place}:{number}"))
        rows.identities.append(fields[1])
    return int(lines[0][1]), splits
