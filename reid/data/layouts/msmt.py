"""MSMT17: the original lists and two trees of person folders, or a copy renamed in Market style."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reid.data.layouts import market
from reid.data.layouts.listing import Listing, Rows, Test, inside, numbered_lines, unreadable
from reid.errors import MissingInputError
from reid.text import listed

OPTIONS: Mapping[str, Any] = {
    "train": ["list_train.txt", "list_val.txt"],
    "query": ["list_query.txt"],
    "gallery": ["list_gallery.txt"],
    "train_images": ["train", "mask_train_v2"],
    "test_images": ["test", "mask_test_v2"],
}
_WANTED = "0000/0000_000_01_0303morning_0015_0.jpg <person>"
_NAME = re.compile(r"(?:.*/)?[0-9]+_[0-9]+_(?P<camera>[0-9]{1,9})_[^/]*")


def read(root: Path, options: Mapping[str, Any]) -> Listing:
    """The three splits; the validation list belongs to training, as in the published figures.

    Training and test both count their persons from 0, so the names here start with train/ or test/.

    Options: `train`, `query`, `gallery` (lists whose lines are `<path> <person>`), `train_images`, `test_images`
    (folders of the paths, the first that exists counts). Without the first list the folders of the Market layout are
    read instead.

    Raises:
        MissingInputError: a list, or the folder of its images, is missing.
        DataError: a line or a file name does not have the dataset's form.
    """
    if not (root / options["train"][0]).is_file():
        return market.read(root, {**market.OPTIONS, "separate": True})
    folders = {side: _first(root, options[f"{side}_images"]) for side in ("train", "test")}
    train = _rows(root, options["train"], folders["train"], "train")
    query, gallery = (_rows(root, options[split], folders["test"], "test") for split in ("query", "gallery"))
    return Listing(root, train, {"test": Test(gallery, query)})


def _first(root: Path, places: list[str]) -> str:
    found = next((place for place in places if (root / place).is_dir()), None)
    if found is None:
        raise MissingInputError(f"no folder of images in {root}: looked for {listed(places)}")
    return found


def _rows(root: Path, lists: list[str], folder: str, side: str) -> Rows:
    paths, identities, cameras = [], [], []
    for name in lists:
        for number, line in numbered_lines(root / name):
            match line.rsplit(maxsplit=1):
                case [path, person] if found := _NAME.fullmatch(path):
                    paths.append(inside(f"{folder}/{path}", f"{root / name}:{number}"))
                    identities.append(f"{side}/{person}")
                    cameras.append(int(found["camera"]))
                case _:
                    raise unreadable(root / name, number, line, _WANTED)
    return Rows(paths, identities, cameras)
