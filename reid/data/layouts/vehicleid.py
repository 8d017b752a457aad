"""PKU VehicleID: one folder of images, lists of `<image name without ending> <vehicle id>`."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from reid.data.layouts.listing import Listing, Rows, Test, inside, numbered_lines, unreadable
from reid.data.layouts.tree import IMAGE_SUFFIXES, entries
from reid.errors import MissingInputError
from reid.text import listed

OPTIONS: Mapping[str, Any] = {
    "images": "image",
    "train": "train_test_split/train_list.txt",
    "tests": {
        "small": "train_test_split/test_list_800.txt",
        "medium": "train_test_split/test_list_1600.txt",
        "large": "train_test_split/test_list_2400.txt",
    },
    "attributes": {"model": "attribute/model_attr.txt", "colour": "attribute/color_attr.txt"},
}


def read(root: Path, options: Mapping[str, Any]) -> Listing:
    """The training list and those test lists that exist.

    Options: `images`, `train`, `tests` (name -> list), `attributes` (name -> file of `<vehicle id> <code>`, may be
    missing).

    Raises:
        MissingInputError: the folder of images, the training list or every test list is missing.
        DataError: a line is not `<image name> <vehicle id>`.
    """
    tests = {name: path for name, path in options["tests"].items() if (root / path).is_file()}
    missing = sorted(set(options["tests"].values()) - set(tests.values()))
    if not tests:
        raise MissingInputError(f"none of the test lists is in {root}: {listed(missing)}")
    image_path = _image_paths(root, options["images"])
    codes = {
        name: {identity: code for _, identity, code in _pairs(root / path, "<vehicle id> <code>")}
        for name, path in options["attributes"].items()
        if (root / path).is_file()
    }
    return Listing(
        root,
        _rows(root / options["train"], image_path, codes),
        {name: Test(_rows(root / path, image_path, codes)) for name, path in tests.items()},
        problems=tuple(f"the list {path} is missing, so its test set is left out" for path in missing),
    )


def _rows(path: Path, image_path: Callable[[str], str], codes: Mapping[str, Mapping[str, str]]) -> Rows:
    rows = Rows(attributes={name: [] for name in codes})
    for number, name, identity in _pairs(path, "<image name> <vehicle id>"):
        rows.paths.append(inside(image_path(name), f"{path}:{number}"))
        rows.identities.append(identity)
        for attribute, code_of in codes.items():
            rows.attributes[attribute].append(code_of.get(identity, ""))
    return rows


def _pairs(path: Path, wanted: str) -> Iterator[tuple[int, str, str]]:
    for number, line in numbered_lines(path):
        match line.rsplit(maxsplit=1):
            case [first, second]:
                yield number, first, second
            case _:
                raise unreadable(path, number, line, wanted)


def _image_paths(root: Path, folder: str) -> Callable[[str], str]:
    """The path of an image by its name in a list, which lacks the ending .jpg, or any ending a converted copy has."""
    present = frozenset(entry.name for entry in entries(root / folder))

    @cache
    def converted() -> dict[str, str]:
        names = sorted(name for name in present if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES)
        return {PurePosixPath(name).stem: name for name in names} | {name: name for name in names}

    def path_of(name: str) -> str:
        usual = f"{name}.jpg"
        return f"{folder}/{usual if usual in present else converted().get(name, usual)}"

    return path_of
