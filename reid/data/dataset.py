"""From a dataset's name to its splits: find the folder, read it, put it in order, compare it with the card."""

import dataclasses
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from reid.data.assemble import assemble
from reid.data.cards import Card, Drawing, load_card
from reid.data.layouts import LAYOUTS
from reid.data.layouts.listing import Listing
from reid.data.layouts.tree import absent
from reid.data.verify import count_problems, overlap, parts
from reid.errors import DataError, MissingInputError
from reid.records import Splits
from reid.text import listed, printable

_OWN_DATA = frozenset({"folder", "table"})


def find_root(card: Card, root: Path | None, environment: Mapping[str, str]) -> Path:
    """The dataset's folder: `root`, or a folder of a known name in it; else one of a known name in $REID_DATA, else in data/.

    Where $REID_DATA is not set, $FASTREID_DATASETS takes its place. A set that is drawn when missing need not exist.

    Args:
        card: of the dataset.
        root: as given by the user; None searches.
        environment: variables, such as `os.environ`.

    Raises:
        MissingInputError: there is no such folder; the message says how to get the data and what it must look like.
    """
    names = dict.fromkeys((card.name, *card.roots))
    if root is None:
        shared = environment.get("REID_DATA") or environment.get("FASTREID_DATASETS")
        places = [Path(shared).expanduser()] if shared else []
        tried = [place / name for place in (*places, Path("data")) for name in names]
    elif card.layout in _OWN_DATA:
        tried = [root]
    else:
        tried = [*(root / name for name in names), root]
    found = next((place for place in tried if os.path.exists(place)), None)  # noqa: PTH110  a name too long must not raise
    if found is None and card.draw is None:
        lack = (
            f"there is no folder {printable(root)}"
            if root
            else f"dataset {card.name!r} was not found; looked for {listed(tried)}"
        )
        advice = "Then pass the folder with --root, or put it where it is looked for."
        raise MissingInputError(f"{lack}\n{how_to_get(card)}\n{advice}")
    return found or (tried[-1] if root else Path("data") / card.name)


def how_to_get(card: Card) -> str:
    """Where a dataset comes from and what its folder must look like, in several lines."""
    return f"How to get it: {card.source}\nThe folder must look like this:\n{card.tree.rstrip()}"


def read_dataset(
    name: str,
    root: Path | str | None = None,
    *,
    strict: bool = False,
    allow_overlap: bool = False,
    environment: Mapping[str, str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Splits:
    """A dataset as its card describes it: every file looked for, everything sorted, compared with the expected counts.

    Args:
        name: name or alias of a card, or the path of one.
        root: the dataset's folder; None searches as `find_root` does.
        strict: whether a problem, such as other counts than the card's, is an error instead of a note.
        allow_overlap: whether identities may be in training and test at once.
        environment: variables; None is those of the process.
        progress: where a missing set is drawn first, called now and then with the number of images finished since the
            last call.

    Raises:
        ConfigError: there is no such card, or it has mistakes.
        MissingInputError: the folder, a list in it, or a listed image is missing.
        DataError: a list, table or file name is wrong; a split is empty; an identity trains and tests; with `strict`,
            any problem.
    """
    card = load_card(name)
    place = find_root(card, None if root is None else Path(root), os.environ if environment is None else environment)
    if card.draw is not None and _vacant(place):
        _draw(card, card.draw, place, progress)
    splits = assemble(card, _read(card, place))
    splits = dataclasses.replace(splits, problems=(*splits.problems, *count_problems(card, splits)))
    if not allow_overlap and (shared := overlap(splits)):
        raise DataError(
            f"{len(shared)} identities of {printable(place)} are in training and test at once: {listed(shared)}; "
            "remove them from one side, or pass --allow-overlap"
        )
    if strict and splits.problems:
        raise DataError("\n".join([f"{card.name} in {printable(place)} is not as it should be:", *splits.problems]))
    return splits


def digest(splits: Splits) -> str:
    """Fingerprint (sha256) of a dataset: path, identity and size in bytes of every image of every split.

    Raises:
        MissingInputError: an image is gone.
    """
    total = hashlib.sha256()
    for part, records in parts(splits).items():
        total.update(f"{part}\0{len(records)}\n".encode())
        root = str(records.root)
        for path, identity in zip(records.paths, records.names(), strict=True):
            try:
                size = os.stat(os.path.join(root, path)).st_size  # noqa: PTH116, PTH118  a hundred thousand times
            except OSError as error:
                raise MissingInputError(f"cannot read {printable(records.root / path)}: {error.strerror}") from error
            total.update(f"{path}\0{identity}\0{size}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _draw(card: Card, drawing: Drawing, place: Path, progress: Callable[[int], None] | None) -> None:
    from reid.data.synthetic import draw_dataset

    draw_dataset(
        place,
        layout=card.layout,
        kind=card.kind,
        progress=progress,
        processes=1,  # more of them would run the caller's script again if it has no `if __name__ == "__main__":`
        **dataclasses.asdict(drawing),
    )


def _vacant(place: Path) -> bool:
    return not place.exists() or (place.is_dir() and not any(place.iterdir()))


def _read(card: Card, place: Path) -> Listing:
    try:
        listing = LAYOUTS[card.layout].read(place, card.settings())
    except MissingInputError as error:
        raise MissingInputError(
            f"{printable(place)} is not dataset {card.name!r}: {error}\n{how_to_get(card)}"
        ) from error
    if not listing.seen:
        _refuse_missing(card, listing)
    return listing


def _refuse_missing(card: Card, listing: Listing) -> None:
    rows = [listing.train, *(part for test in listing.tests.values() for part in (test.query, test.gallery))]
    paths = sorted({path for part in rows if part is not None for path in part.paths})
    if missing := absent(listing.root, paths):
        raise MissingInputError(
            f"{len(missing):,} of {len(paths):,} images of {card.name} are listed but not in "
            f"{printable(listing.root)}: {listed(missing)}; copy them there, or correct the list"
        )
