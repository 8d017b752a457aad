"""Tables of crops, or of boxes in frames, as detectors and trackers write them."""

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reid.data.layouts.table_files import Table, camera_in, read_table, refuse
from reid.data.videos import is_video
from reid.errors import DataError, GalleryError
from reid.gallery.entries import Box
from reid.gallery.filters import parse_time
from reid.gallery.listing import Columns
from reid.gallery.video_tables import Moments, number_in, place, seconds_in, track_in
from reid.text import did_you_mean, listed, printable

SUFFIXES = (".csv", ".tsv", ".parquet")
NAMES: Mapping[str, tuple[str, ...]] = {
    "path": ("path",),
    "identity": ("identity",),
    "camera": ("camera",),
    "time": ("time",),
    "left": ("left", "x1", "x"),
    "top": ("top", "y1", "y"),
    "right": ("right", "x2"),
    "bottom": ("bottom", "y2"),
    "width": ("width", "w"),
    "height": ("height", "h"),
    "frame": ("frame",),
    "seconds": ("seconds",),
    "track": ("track", "track_id"),
}
"""What columns may be called, in any case; the first that is there counts."""
_CORNERS = ("left", "top", "right", "bottom")
_SIZES = ("left", "top", "width", "height")
_NOTHING = frozenset({"", "-1", "nan", "none", "null", "<na>"})
_FARTHEST = 1_000_000
_WHOLE = (None,) * 4

_Mistake = tuple[int, str]
"""Line, and what is wrong there."""


def read(file: Path, video: Path | str | None = None) -> Columns:
    """The images in a CSV, TSV or Parquet table.

    `path` is relative to the table's folder, or absolute. `identity`, `camera` and `time` (seconds since 1970, a frame
    number, or a date and time) may be left out, or their cells be empty. With `left, top, right, bottom` or
    `left, top, width, height` (also `x1, y1, x2, y2`; `x, y, w, h`), in pixels of the upright frame, a row is the part
    of the picture within, or all of it where the four cells are empty. Further columns are passed over.

    Where `path` is a video, `frame` (a number, from 0) or `seconds` (since it began) says which frame is meant; what it
    says is the time of the row too, unless there is a column `time`. A `track` stands for an identity of that video
    alone, "gate:17" for track 17 of gate.mp4, unless there is a column `identity`. In rows of images these three
    columns are passed over.

    Args:
        file: the table.
        video: of all rows, in a table without `path`.

    Raises:
        MissingInputError: there is no such file, or no video whose seconds are told.
        DataError: it has mistakes; file, line and column of the first 20 are named.
    """
    table = read_table(file)
    where = _where(table, video)
    mistakes: list[_Mistake] = []
    values = {name: _column(table, where[name], check, mistakes) for name, check in _CHECKS.items() if name in where}
    if "path" not in where:
        values["path"] = [str(video)] * len(table.rows)
    folder = os.path.abspath(file.parent)  # noqa: PTH100  links keep their names
    # One text for all boxes of a frame, and one for all of an identity, of which there may be millions.
    full = {path: os.path.normpath(os.path.join(folder, path)) for path in set(values["path"]) if path is not None}  # noqa: PTH118
    values["path"] = [full.get(path, "") for path in values["path"]]
    _find_frames(table, where, values, mistakes)
    boxes = _boxes(table, {name: where[name] for name in _edges(where)}, mistakes)
    mistakes += _contradictions(table.lines, values, boxes)
    refuse(file, [f"{line}:{words}" for line, words in sorted(mistakes, key=lambda mistake: mistake[0])])
    same = {path: path for path in values["path"]}
    names = {name: name for name in values.get("identity", ())}
    return Columns(
        [same[path] for path in values["path"]],
        [names[name] for name in values.get("identity", ())],
        values.get("camera", ()),
        values.get("time", ()),
        boxes,
        table.lines,
    )


def _find_frames(
    table: Table, where: Mapping[str, int], values: dict[str, list[Any]], mistakes: list[_Mistake]
) -> None:
    """Put the numbers of frames to the paths of videos, with their times and tracks where nothing else is said."""
    if not any(map(is_video, values["path"])):
        return
    checks = {"frame": number_in, "seconds": seconds_in, "track": track_in}
    nothing: list[Any] = [None] * len(table.rows)
    moments = [
        _column(table, where[name], check, mistakes) if name in where else nothing for name, check in checks.items()
    ]
    if not mistakes:
        found = place(values["path"], Moments(*moments))
        mistakes += [(table.lines[row], words) for row, words in found.mistakes]
        values["path"] = found.paths
        values.setdefault("time", found.times)
        values.setdefault("identity", found.identities)


def _where(table: Table, video: Path | str | None) -> dict[str, int]:
    header = [name.casefold() for name in table.header]
    where = {ours: header.index(name) for ours, names in NAMES.items() for name in reversed(names) if name in header}
    if "path" not in where and video is None:
        raise DataError(
            f"{printable(table.place)}:1: there is no column 'path'{did_you_mean('path', table.header)} "
            f"Found the columns {listed(table.header)}"
        )
    if any(name in where for name in _CORNERS) and not _edges(where):
        raise DataError(
            f"{printable(table.place)}:1: a box needs the columns left, top, right, bottom, or left, top, width, "
            f"height; found {listed(table.header)}"
        )
    return where


def _edges(where: Mapping[str, int]) -> tuple[str, ...]:
    return next((names for names in (_CORNERS, _SIZES) if all(name in where for name in names)), ())


def _column(table: Table, column: int, check: Callable[[str], Any], mistakes: list[_Mistake]) -> list[Any]:
    found: list[Any] = []
    for line, row in zip(table.lines, table.rows, strict=True):
        try:
            found.append(check(row[column]))
        except (ValueError, GalleryError) as error:
            mistakes.append((line, f"{printable(table.header[column])}: {error}"))
            found.append(None)
    return found


def _boxes(table: Table, edges: Mapping[str, int], mistakes: list[_Mistake]) -> list[Box | None]:
    if not edges:
        return []
    before = len(mistakes)
    columns = [_column(table, column, _pixels, mistakes) for column in edges.values()]
    wrong = {line for line, _ in mistakes[before:]}
    names = [printable(table.header[column]) for column in edges.values()]
    boxes: list[Box | None] = []
    for line, four in zip(table.lines, zip(*columns, strict=True), strict=True):
        boxes.append(None)
        if line in wrong or four == _WHOLE:
            continue
        if None in four:
            missing = [name for name, edge in zip(names, four, strict=True) if edge is None]
            mistakes += [(line, f"{name}: wanted pixels, a number, found nothing") for name in missing]
            continue
        left, top, right, bottom = four if "right" in edges else (*four[:2], four[0] + four[2], four[1] + four[3])
        boxes[-1] = box = round(left), round(top), round(right), round(bottom)
        for low, high in ((0, 2), (1, 3)):
            if wrongly := _wrong_side(box[low], box[high]):
                mistakes.append((line, f"{names[high]}: the box {wrongly}"))
    return boxes


def _wrong_side(low: int, high: int) -> str:
    if low >= high:
        return f"is empty or reversed: it reaches from {low} to {high} pixels"
    return f"lies outside the frame: it ends at {high} pixels" if high <= 0 else ""


def _contradictions(lines: list[int], values: Mapping[str, list[Any]], boxes: list[Box | None]) -> list[_Mistake]:
    """Rows of the same crop that give it two identities."""
    mistakes: list[_Mistake] = []
    first: dict[object, int] = {}
    identities = values.get("identity", [])
    for row, identity in enumerate(identities):
        crop = (values["path"][row], boxes[row]) if boxes else values["path"][row]
        before = first.setdefault(crop, row)
        if identity != identities[before]:
            words = f"found {printable(identity)!r}, but the same crop is {printable(identities[before])!r}"
            mistakes.append((lines[row], f"identity: {words} on line {lines[before]}"))
    return mistakes


def _path(cell: str) -> str:
    if not cell.strip() or "\0" in cell:
        raise ValueError(f"wanted the path of an image, found {printable(cell)!r}")
    return cell


def _identity(cell: str) -> str | None:
    name = cell.strip()
    return None if name.casefold() in _NOTHING else name


def _time(cell: str) -> float | None:
    return None if cell.strip().casefold() in _NOTHING - {"-1"} else parse_time(cell)


def _pixels(cell: str) -> float | None:
    try:
        found = float(cell)
    except ValueError:
        if not cell.strip():
            return None
        found = math.nan
    if not abs(found) <= _FARTHEST:
        raise ValueError(f"wanted pixels, a number, found {printable(cell)!r}")
    return found


_CHECKS: Mapping[str, Callable[[str], Any]] = {
    "path": _path,
    "identity": _identity,
    "camera": camera_in,
    "time": _time,
}
