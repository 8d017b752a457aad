"""Market-1501 and its kin (DukeMTMC-reID, VeRi-776): three folders, everything else in the file names."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reid.data.layouts.listing import Listing, Test
from reid.data.layouts.names import NAMES, compiled, parsed
from reid.data.layouts.tree import scan

OPTIONS: Mapping[str, Any] = {
    "train": "bounding_box_train",
    "query": "query",
    "gallery": "bounding_box_test",
    "names": NAMES,
    "junk": ["-1"],
    "distractors": [],
    "separate": False,
}


def read(root: Path, options: Mapping[str, Any]) -> Listing:
    """The three folders.

    Junk stays in the gallery, where the protocol ignores it, and distractors stay there as an identity that no query
    has; in the other two folders neither means anything, so they are passed over and counted.

    Options: `train`, `query`, `gallery` (folders), `names` (regular expression that a whole file name without its
    ending must match, with the groups identity, camera and time), `junk`, `distractors` (identity names), `separate`
    (whether training and test count their identities independently; their names then start with train/ or test/).

    Raises:
        MissingInputError: a folder is missing.
        DataError: the name of an image does not match.
    """
    pattern = compiled(options["names"], ("identity", "camera"))
    junk, skipped = frozenset(options["junk"]), Counter[str]()
    odd = junk | frozenset(options["distractors"])
    rows = {
        split: parsed(scan(root, options[split], skipped), pattern, root / options[split])
        for split in ("train", "query", "gallery")
    }
    for split in ("train", "query"):
        kept = rows[split].without(odd)
        skipped[f"junk or distractor in {options[split]}"] += len(rows[split]) - len(kept)
        rows[split] = kept
    if options["separate"]:
        for split, part in rows.items():
            side = "train" if split == "train" else "test"
            part.identities[:] = [name if name in odd else f"{side}/{name}" for name in part.identities]
    test = {"test": Test(rows["gallery"], rows["query"])}
    return Listing(root, rows["train"], test, junk=junk, seen=True, skipped=skipped)
