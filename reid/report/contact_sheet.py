"""Contact sheet of a dataset: identities in rows, cameras in columns."""

from pathlib import Path
from typing import Any

import numpy as np

from reid import files, rng
from reid.data.images import MAX_MEGAPIXELS, read_image
from reid.errors import DataError
from reid.records import JUNK, NO_CAMERA, Integers, Records, Splits
from reid.report.canvas import DPI, FAINT, INK, new_figure, to_png
from reid.report.tiles import WIDTH, fit, tile_height
from reid.text import printable

IDENTITIES = 12
"""Rows of a sheet."""
COLUMNS = 10
"""Columns: the cameras with the most images or, where no camera is known, images of the identity."""

_TILE, _GAP, _MARGIN, _WORDS = 112, 5, 14, 120  # pixels
_LETTER = 15  # pixels that a letter of the title may take
_EMPTY = (243, 243, 243)


def contact_sheet(
    records: Records, out: Path, *, title: str, seed: int = 0, max_megapixels: float = MAX_MEGAPIXELS
) -> None:
    """Draw a few identities, one image by each camera, into a PNG file; a place stays empty where there is none.

    Args:
        records: the images; junk is left out.
        out: the file; its folder must exist.
        title: a line above.
        seed: decides which identities and images are drawn.
        max_megapixels: larger images are refused.

    Raises:
        DataError: there are no images, or one cannot be read.
        OutputError: the file cannot be written.
    """
    table, cameras = chosen(records, seed)
    if not table:
        raise DataError("there are no images to draw")
    images = {
        row: read_image(records.root / records.paths[row], max_megapixels=max_megapixels)
        for _, line in table
        for row in line
        if row >= 0
    }
    height = min(2 * _TILE, round(tile_height([*images.values()]) * _TILE / WIDTH))
    columns = max(len(line) for _, line in table)
    width = max(_WORDS + columns * (_TILE + _GAP), _LETTER * len(printable(title)))
    picture = np.full((96 + len(table) * (height + _GAP) + _MARGIN, 2 * _MARGIN + width, 3), 255, np.uint8)
    figure = new_figure(picture.shape[1] / DPI, picture.shape[0] / DPI)

    def write(x: float, y: float, words: str, **about: Any) -> None:
        figure.text(x / picture.shape[1], 1 - y / picture.shape[0], words, va="center", parse_math=False, **about)

    write(_MARGIN, 26, printable(title), fontsize=10, fontweight="bold", color=INK)
    for column in range(columns):
        words = f"camera {cameras[column]}" if cameras else f"image {column + 1}"
        write(_left(column) + _TILE / 2, 76, words, fontsize=7.5, color=FAINT, ha="center")
    for line, (identity, rows) in enumerate(table):
        top = 96 + line * (height + _GAP)
        name = printable(records.identity_names[identity])
        write(_MARGIN, top + height / 2, name if len(name) <= 14 else f"{name[:13]}…", fontsize=7.5, color=INK)
        for column, row in enumerate(rows):
            area = picture[top : top + height, _left(column) : _left(column) + _TILE]
            area[:] = _EMPTY
            if row >= 0:
                fit(images[row], area)
    files.write_bytes(out, to_png(figure, under=picture))


def training_sheet(splits: Splits, out: Path, *, seed: int = 0) -> None:
    """Draw the contact sheet of a dataset's training images.

    Args:
        splits: the dataset.
        out: the file; its folder must exist.
        seed: decides which identities and images are drawn.

    Raises:
        DataError: an image cannot be read.
        OutputError: the file cannot be written.
    """
    counts = splits.train.count()
    title = f"{splits.name}: {min(IDENTITIES, counts['identities'])} of {counts['identities']:,} training identities"
    title += f", {COLUMNS} of {counts['cameras']} cameras" if counts["cameras"] > COLUMNS else ""
    contact_sheet(splits.train, out, title=title, seed=seed)


def chosen(records: Records, seed: int) -> tuple[list[tuple[int, list[int]]], list[int]]:
    """Identities with a row of the image for each column, -1 for none; and the cameras of the columns, [] if unknown."""
    codes = np.unique(records.identities[records.identities != JUNK])
    some = np.sort(rng.generator(seed, "contact sheet").permutation(codes)[:IDENTITIES])
    cameras = _cameras(records, some)
    table = []
    for code in some.tolist():
        own = rng.generator(seed, "contact sheet", code).permutation(np.flatnonzero(records.identities == code))
        if cameras and records.cameras is not None:
            by_camera = [own[records.cameras[own] == camera] for camera in cameras]
            table.append((code, [int(rows[0]) if len(rows) else -1 for rows in by_camera]))
        else:
            table.append((code, own[:COLUMNS].tolist()))
    return table, cameras


def _cameras(records: Records, identities: Integers) -> list[int]:
    """Known cameras of these identities: of too many those with the most images, ascending."""
    if records.cameras is None:
        return []
    seen = records.cameras[np.isin(records.identities, identities) & (records.cameras != NO_CAMERA)]
    numbers, images = np.unique(seen, return_counts=True)
    return sorted(int(camera) for camera in numbers[np.argsort(-images, kind="stable")[:COLUMNS]])


def _left(column: int) -> int:
    return _MARGIN + _WORDS + column * (_TILE + _GAP)
