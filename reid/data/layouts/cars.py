"""Stanford Cars (CARS196): `cars_annos.mat`, or class folders."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reid.data.layouts.halves import class_folders, halve
from reid.data.layouts.listing import Listing, Rows, inside
from reid.errors import DataError

OPTIONS: Mapping[str, Any] = {"annotations": "cars_annos.mat", "images": ["car_ims", "images", ""]}


def read(root: Path, options: Mapping[str, Any]) -> Listing:
    """The first half of the classes as training set, the second as test set.

    Options: `annotations` (MATLAB file), `images` (where class folders are looked for when it is missing).

    Raises:
        DataError: the file is not the annotation file of the dataset.
    """
    place = root / options["annotations"]
    if not place.is_file():
        return class_folders(root, options["images"])
    rows = Rows()
    for number, (path, name) in enumerate(_annotations(place), 1):
        rows.paths.append(inside(path, f"{place}, annotation {number}"))
        rows.identities.append(name)
    return halve(root, rows)


def _annotations(place: Path) -> list[tuple[str, str]]:
    from scipy.io import loadmat

    try:
        table = loadmat(str(place), simplify_cells=True)["annotations"]
        return [(str(row["relative_im_path"]), str(int(row["class"]))) for row in table]
    except Exception as error:  # scipy's reader raises anything at all on a damaged file
        raise DataError(
            f"{place} is not the annotation file of this dataset: wanted a struct array 'annotations' "
            f"with relative_im_path and class ({type(error).__name__}: {error})"
        ) from error
