"""Anyone's images: a CSV or Parquet table with columns path, identity and, if wanted, camera, time, split and more."""

import math
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reid.data.layouts import heldout
from reid.data.layouts.folder import SPLITS
from reid.data.layouts.listing import Listing, Rows
from reid.data.layouts.table_files import Table, camera_in, read_table, refuse
from reid.data.layouts.tree import entries
from reid.errors import DataError, MissingInputError
from reid.records import NO_CAMERA
from reid.text import did_you_mean, listed, printable

COLUMNS = ("path", "identity", "camera", "time", "split")
OPTIONS: Mapping[str, Any] = {**heldout.OPTIONS, "file": "", "columns": {name: name for name in COLUMNS}}
JUNK = frozenset({"-1"})
_SUFFIXES = (".csv", ".tsv", ".parquet")
_WHOLE = re.compile(r"[0-9]{1,9}(\.0+)?")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


def read(root: Path, options: Mapping[str, Any]) -> Listing:
    """The table `root`, or the one in the folder `root`; its paths are relative to its own folder, or absolute.

    `split` is train, query, gallery, test or val; without that column a share of the identities is held out. Identity
    -1 is junk. An empty camera or time is unknown. All other columns are kept as attributes.

    Options: `file` (name of the table in the folder; "" takes the only one), `columns` (what the columns path,
    identity, camera, time and split are called), `train_fraction`, `seed` (of the split by identity).

    Raises:
        MissingInputError: there is no table.
        DataError: the table has mistakes; file, line and column of the first 20 are named.
    """
    place = _locate(root, options["file"])
    rows, splits = _columns(read_table(place), {**OPTIONS["columns"], **options["columns"]})
    parts = {name: rows.select([r for r, split in enumerate(splits) if split == name]) for name in set(splits)}
    skipped = Counter[str]()
    for name in parts.keys() - {"gallery", "test", "val"}:
        kept = parts[name].without(JUNK)
        skipped[f"junk in the split {name or 'by identity'}"] += len(parts[name]) - len(kept)
        parts[name] = kept
    named = parts.keys() - {""}
    train, tests = (
        heldout.named_splits(parts, str(place)) if named else heldout.hold_out(parts.get("", rows), options, str(place))
    )
    return Listing(place.parent, train, tests, junk=JUNK, skipped=skipped)


def _locate(root: Path, name: str) -> Path:
    if name or root.is_file():
        return root / name if name else root
    found = sorted(entry.name for entry in entries(root) if entry.name.lower().endswith(_SUFFIXES))
    if not found:
        raise MissingInputError(f"there is no table (.csv, .tsv or .parquet) in {printable(root)}")
    if len(found) > 1:
        raise DataError(f"{printable(root)} holds several tables: {listed(found)}; pass one of them with --root")
    return root / found[0]


def _columns(table: Table, names: Mapping[str, str]) -> tuple[Rows, list[str]]:
    """The table's columns and the split of every row, "" where there is no such column."""
    where = {ours: table.header.index(theirs) for ours, theirs in names.items() if theirs in table.header}
    for needed in ("path", "identity"):
        if needed not in where:
            raise DataError(
                f"{printable(table.place)}:1: there is no column {names[needed]!r}"
                f"{did_you_mean(names[needed], table.header)} Found the columns {listed(table.header)}"
            )
    mistakes: list[str] = []
    values: dict[str, list[Any]] = {ours: [] for ours in where}
    for line, row in zip(table.lines, table.rows, strict=True):
        for ours, column in where.items():
            try:
                values[ours].append(_CHECKS[ours](row[column]))
            except ValueError as error:
                mistakes.append(f"{line}:{names[ours]}: {error}")
                values[ours].append("")
    splits = values.get("split", [""] * len(table.rows))
    mistakes += _contradictions(table.lines, values["path"], values["identity"], splits)
    refuse(table.place, mistakes)
    others = [place for place in range(len(table.header)) if place not in where.values() and table.header[place]]
    attributes = {table.header[place]: [row[place] for row in table.rows] for place in others}
    cameras, times = values.get("camera"), values.get("time")
    return Rows(
        values["path"],
        values["identity"],
        cameras if cameras and set(cameras) != {NO_CAMERA} else None,
        times if times and not all(map(math.isnan, times)) else None,
        attributes,
    ), splits


def _contradictions(lines: list[int], paths: list[str], identities: list[str], splits: list[str]) -> list[str]:
    """Rows that are right for themselves but not beside the others."""
    mistakes = []
    first: dict[str, int] = {}
    known = set(identities)
    for row, (path, identity, split) in enumerate(zip(paths, identities, splits, strict=True)):
        before = first.setdefault(path, row)
        if before != row and path:
            if identities[before] != identity:
                mistakes.append(
                    f"{lines[row]}:identity: {printable(path)!r} has another identity on line {lines[before]}"
                )
            elif {split, splits[before]} != {"query", "gallery"}:
                mistakes.append(f"{lines[row]}:path: {printable(path)!r} stands on line {lines[before]} already")
        whole = identity.partition(".")[0]
        if identity != whole and whole in known and _WHOLE.fullmatch(identity):
            mistakes.append(
                f"{lines[row]}:identity: found {identity!r} here and {whole!r} elsewhere, which are two identities as "
                "text; write both alike"
            )
    return mistakes


def _path(cell: str) -> str:
    simple = posixpath.normpath(cell) if cell.strip() else "."
    if simple == "." or "\0" in cell:
        raise ValueError(f"wanted the path of an image, found {printable(cell)!r}")
    if simple.startswith("../") or simple == "..":
        raise ValueError(f"{printable(cell)!r} leads out of the table's folder; write it as an absolute path")
    return simple


def _identity(cell: str) -> str:
    name = cell.strip()
    if name.casefold() in {"", "nan", "none", "null", "<na>"}:
        raise ValueError(f"wanted an identity, found {printable(cell)!r}; fill it in or remove the row")
    return name


def _camera(cell: str) -> int:
    camera = camera_in(cell)
    return NO_CAMERA if camera is None else camera


def _time(cell: str) -> float:
    text = cell.strip()
    if text in {"", "nan"}:
        return math.nan
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError(f"wanted seconds or a frame number or nothing, found {printable(cell)!r}")
    return float(text)


def _split(cell: str) -> str:
    name = cell.strip().lower()
    if name not in SPLITS:
        raise ValueError(f"wanted {', '.join(SPLITS)}, found {printable(cell)!r}{did_you_mean(name, SPLITS)}")
    return name


_CHECKS: dict[str, Callable[[str], Any]] = {
    "path": _path,
    "identity": _identity,
    "camera": _camera,
    "time": _time,
    "split": _split,
}
