"""Where images come from -> entries for a gallery: folders, lists, tables of crops or boxes, embeddings folders."""

import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reid.data.layouts.listing import numbered_lines
from reid.data.layouts.table_files import refuse
from reid.data.layouts.tree import IMAGE_SUFFIXES, absent
from reid.data.videos import is_video, parse_frame
from reid.errors import ConfigError, DataError, MissingInputError
from reid.gallery import crop_tables
from reid.gallery.entries import Box, Entry
from reid.gallery.filters import parse_time
from reid.gallery.folder import named, read_folder
from reid.gallery.listing import EDGES, Columns, Listing
from reid.records import NO_CAMERA, Embeddings, Records
from reid.text import listed, printable


@dataclass(frozen=True)
class Told:
    """What is said of all images of a source, in place of what it says itself.

    Attributes:
        identity: of all images; "" says that it is not known.
        camera: of all images.
        time: of all images, in any form that `parse_time` takes.
        time_pattern: a regular expression with one group, found in the name of each file: its time.
        source: what the source is called; otherwise by its absolute path.
        video: that tables of boxes without a column `path` are of.

    Raises:
        ConfigError: a camera below 0, a pattern that is none or has not one group, or a time and a pattern.
        GalleryError: a time that is none.
    """

    identity: str | None = None
    camera: int | None = None
    time: object = None
    time_pattern: str | None = None
    source: str | None = None
    video: Path | str | None = None

    def __post_init__(self) -> None:
        if self.camera is not None and self.camera < 0:
            raise ConfigError(f"a camera is a whole number from 0, got {self.camera}")
        if self.time is not None:
            parse_time(self.time)
        if self.time_pattern is not None:
            if self.time is not None:
                raise ConfigError("give a time for all images, or a pattern that finds it in their names, not both")
            _compiled(self.time_pattern)


def listing(source: Path | str, told: Told = Told()) -> Listing:
    """The images of a source, in a fixed order.

    Args:
        source: a folder of images (identities and cameras as `reid.gallery.folder.read_folder` finds them), an
            embeddings folder, a CSV, TSV or Parquet table of crops or boxes (see `reid.gallery.crop_tables.read`), one
            image, or a text file with a path on every line, relative to its own folder; where all names in it are of
            Market-1501's form they tell identities and cameras.
        told: what is said of all images.

    Raises:
        MissingInputError: there is no such source, or images that it lists are not there; the first 20 are named.
        DataError: it holds no images, or has mistakes.
        ArtefactError: an embeddings folder is damaged.
        GalleryError: a time in a file's name is none.
    """
    place = Path(os.path.abspath(source))  # noqa: PTH100  links keep their names
    made: Embeddings | None = None
    file: Path | None = None
    if os.path.isdir(place):  # noqa: PTH112  unlike Path.is_dir, it takes any name
        if (place / "manifest.json").is_file():
            made = Embeddings.load(place)
            columns = _of_embeddings(made.records)
        else:
            columns = _of_records(read_folder(place), place)
    else:
        file, columns = _of_file(Path(source), place, told.video)
        _refuse_missing(Path(source), columns.paths)
    if not columns.paths:
        raise DataError(f"{printable(source)} holds no images")
    found = Listing(
        _entries(columns, told, str(place)),
        file,
        columns.lines,
        None if made is None else made.vectors,
        "" if made is None else made.model,
    )
    return _together(found) if columns.boxes or any(map(parse_frame, columns.paths)) else found


def listings(sources: Iterable[Path | str], told: Told = Told()) -> list[Listing]:
    """The images of several sources, all of which are looked at before any image is; errors as for `listing`.

    Raises:
        DataError: there are no sources.
    """
    every = [listing(source, told) for source in sources]
    if not every:
        raise DataError("there is no source of images; name a folder, a list or a table")
    return every


def _of_file(source: Path, place: Path, video: Path | str | None) -> tuple[Path | None, Columns]:
    suffix = place.suffix.lower()
    if suffix in crop_tables.SUFFIXES:
        absolute = None if video is None else os.path.abspath(video)  # noqa: PTH100  links keep their names
        return source, crop_tables.read(source, absolute)
    if is_video(place.name):
        raise DataError(
            f"{printable(source)} is a video: name a table of boxes in its frames, and with --video the video that it "
            "is of, unless it has a column 'path'"
        )
    if suffix in IMAGE_SUFFIXES:
        return None, _with_names([str(place)], ())
    lines, paths, mistakes = [], [], []
    for number, line in numbered_lines(source):
        if "\0" in line:
            mistakes.append(f"{number}: wanted the path of an image, found '{printable(line[:40])}'")
        lines.append(number)
        paths.append(os.path.normpath(os.path.join(place.parent, line)))  # noqa: PTH118  a million times
    refuse(source, mistakes)
    return source, _with_names(paths, lines)


def _with_names(paths: list[str], lines: Sequence[int]) -> Columns:
    told = [named(os.path.basename(path)) for path in paths]  # noqa: PTH119  as above
    if not all(told):
        return Columns(paths, lines=lines)
    known = [one for one in told if one]
    return Columns(paths, [name for name, _ in known], [camera for _, camera in known], lines=lines)


def _of_records(records: Records, root: Path | str) -> Columns:
    return Columns(
        [os.path.join(root, path) for path in records.paths],  # noqa: PTH118  a million times
        [_identity(name) for name in records.names()],
        () if records.cameras is None else [None if c == NO_CAMERA else c for c in records.cameras.tolist()],
        () if records.times is None else [None if math.isnan(t) else t for t in records.times.tolist()],
        _boxes(records),
    )


def _of_embeddings(records: Records) -> Columns:
    """Paths stay as they are where the images are not on this machine."""
    root = os.path.abspath(records.root) if os.path.isdir(records.root) else str(records.root)  # noqa: PTH100, PTH112
    return _of_records(records, root)


def _boxes(records: Records) -> list[Box | None]:
    if not all(name in records.attributes for name in EDGES):
        return []
    rows = zip(*(records.attributes[name] for name in EDGES), strict=True)
    return [(int(row[0]), int(row[1]), int(row[2]), int(row[3])) if row[0] else None for row in rows]


def _identity(name: str) -> str | None:
    return None if name == "-1" else name


def _refuse_missing(source: Path, paths: Sequence[str]) -> None:
    frames = map(parse_frame, paths)
    different = list(dict.fromkeys(path if of is None else of[0] for path, of in zip(paths, frames, strict=True)))
    if missing := absent(Path("/"), different):
        raise MissingInputError(
            f"{len(missing):,} of {len(different):,} images that {printable(source)} names are not there: "
            f"{listed(missing)}; correct their paths, which are relative to its folder, or copy them there"
        )


def _entries(columns: Columns, told: Told, place: str) -> list[Entry]:
    count = len(columns.paths)
    source = place if told.source is None else told.source
    identities = columns.identities or [None] * count
    if told.identity is not None:
        identities = [told.identity or None] * count
    cameras = columns.cameras or [None] * count
    if told.camera is not None:
        cameras = [told.camera] * count
    times = columns.times or [None] * count
    if told.time is not None:
        times = [parse_time(told.time)] * count
    elif told.time_pattern is not None:
        times = [_time_in(path, told.time_pattern) for path in columns.paths]
    boxes = columns.boxes or [None] * count
    return [
        Entry(path, identity, camera, time, source, box)
        for path, identity, camera, time, box in zip(columns.paths, identities, cameras, times, boxes, strict=True)
    ]


def _time_in(path: str, pattern: str) -> float:
    name = os.path.basename(path)  # noqa: PTH119  a million times
    found = _compiled(pattern).search(name)
    if found is None or found[1] is None:
        raise DataError(f"the pattern {printable(pattern)!r} finds no time in the name {printable(name)}; correct it")
    return parse_time(found[1])


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        made = re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"{printable(pattern)!r} is no regular expression: {error}") from None
    if made.groups != 1:
        raise ConfigError(
            f"{printable(pattern)!r} has {made.groups} groups; put the part that is the time in one pair of brackets"
        )
    return made


def _together(found: Listing) -> Listing:
    """The same in order, but all boxes of one frame at the place of its first, and all frames of a video in order."""
    of = [parse_frame(entry.path) or (entry.path, 0) for entry in found]
    first: dict[str, int] = {}
    for row, (path, _) in enumerate(of):
        first.setdefault(path, row)
    order = sorted(range(len(found)), key=lambda row: (first[of[row][0]], of[row][1], row))
    return replace(
        found,
        entries=[found.entries[row] for row in order],
        lines=[found.lines[row] for row in order] if found.lines else (),
        vectors=None if found.vectors is None else found.vectors[order],
    )
