"""Anyone's images: a folder per identity, with or without a folder per split above."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reid.data.layouts import heldout
from reid.data.layouts.listing import Listing, Rows
from reid.data.layouts.names import compiled, parsed
from reid.data.layouts.tree import scan, subfolders

OPTIONS: Mapping[str, Any] = {**heldout.OPTIONS, "names": ""}
SPLITS = ("train", "query", "gallery", "test", "val")


def read(root: Path, options: Mapping[str, Any]) -> Listing:
    """`<split>/<identity>/<image>` where a folder has the name of a split, else `<identity>/<image>` with a split by identity.

    Options: `train_fraction`, `seed` (of that split), `names` (regular expression that a whole file name without its
    ending must match, with the groups camera and time, either of which may be left out; "" reads nothing from names).

    Raises:
        DataError: the splits do not fit together, fewer than two identities without splits, or a name does not match.
    """
    beside, skipped = Counter[str](), Counter[str]()
    folders = subfolders(root, "", beside)
    splits = [name for name in folders if name in SPLITS]
    if splits:
        skipped = beside + Counter({"folder beside the splits": len(folders) - len(splits)})
        parts = {name: _rows(root, name, options["names"], skipped) for name in splits}
        train, tests = heldout.named_splits(parts, str(root))
    else:
        train, tests = heldout.hold_out(_rows(root, "", options["names"], skipped), options, str(root))
    return Listing(root, train, tests, seen=True, skipped=skipped)


def _rows(root: Path, split: str, names: str, skipped: Counter[str]) -> Rows:
    paths, identities = [], []
    for identity in subfolders(root, split, skipped):
        found = scan(root, f"{split}/{identity}" if split else identity, skipped, deep=True)
        paths += found
        identities += [identity] * len(found)
    if not names:
        return Rows(paths, identities)
    return parsed(paths, compiled(names), root / split, identities)
