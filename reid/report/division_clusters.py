"""Sample images of every cluster of a division: what a learner sees."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from reid import files, rng
from reid.data.images import MAX_MEGAPIXELS, read_image
from reid.errors import ShapeError
from reid.records import Integers, Records
from reid.report.canvas import DPI, FAINT, INK, learner_colour, new_figure, to_png, writing_on
from reid.report.division import Round
from reid.report.tiles import WIDTH, Pixels, fit, tile_height

IMAGES = 10
"""Images of each cluster."""

_TILE, _GAP, _MARGIN = 106, 4, 14  # pixels
_WORDS = 150  # on the left
_TOP, _ROW_GAP = 62, 10
_STRIPE = 26


def division_clusters(
    one: Round, records: Records, out: Path, *, seed: int = 0, max_megapixels: float = MAX_MEGAPIXELS
) -> None:
    """Draw a row of images for every cluster of a division, each of another identity as far as there are so many.

    Args:
        one: the division.
        records: the N images it is of, in its order.
        out: the file; its folder must exist.
        seed: decides which images are drawn.
        max_megapixels: larger images are refused.

    Raises:
        ShapeError: the records are not as many as the division has.
        DataError: an image cannot be read.
        OutputError: the file cannot be written.
    """
    if len(records) != len(one.clusters):
        raise ShapeError(f"the division is of {len(one.clusters)} images, but there are {len(records)} records")
    paths = records.files()
    rows = [
        [read_image(paths[image], max_megapixels=max_megapixels) for image in chosen(one, records.identities, k, seed)]
        for k in range(one.learners)
    ]
    height = round(tile_height([image for row in rows for image in row] or [_blank()]) * _TILE / WIDTH)
    picture = _picture(rows, height)
    figure = new_figure(picture.shape[1] / DPI, picture.shape[0] / DPI)
    _captions(figure, one, records, height, picture.shape[0])
    files.write_bytes(out, to_png(figure, under=picture))


def chosen(one: Round, identities: Integers, cluster: int, seed: int, count: int = IMAGES) -> list[int]:
    """Up to `count` images of a cluster, by chance: one of every identity before a second of any."""
    members = rng.generator(seed, "sample images", one.epoch, cluster).permutation(
        np.flatnonzero(one.clusters == cluster)
    )
    seen: Counter[int] = Counter()
    turns = []
    for identity in identities[members].tolist():
        turns.append(seen[identity])
        seen[identity] += 1
    first = np.argsort(turns, kind="stable")[:count]
    places: list[int] = members[first].tolist()
    return places


def _picture(rows: list[list[Pixels]], height: int) -> Pixels:
    """Images in their places, (H, W, 3) uint8, with a coloured stripe on the left of each row."""
    width = 2 * _MARGIN + _WORDS + IMAGES * (_TILE + _GAP) - _GAP
    picture = np.full((_TOP + len(rows) * (height + _ROW_GAP) + _MARGIN, width, 3), 255, dtype=np.uint8)
    for place, row in enumerate(rows):
        top = _TOP + place * (height + _ROW_GAP)
        colour = np.array(learner_colour(place, len(rows))) * 255
        picture[top : top + height, _MARGIN : _MARGIN + _STRIPE] = colour.round()
        for number, image in enumerate(row):
            left = _MARGIN + _WORDS + number * (_TILE + _GAP)
            fit(image, picture[top : top + height, left : left + _TILE])
    return picture


def _captions(figure: Any, one: Round, records: Records, height: int, total: int) -> None:
    def write(x: float, y: float, words: str, **about: Any) -> None:
        figure.text(x / (figure.get_figwidth() * DPI), 1 - y / total, words, va="center", **about)

    write(_MARGIN, 26, "Sample images of every cluster", fontsize=10, fontweight="bold", color=INK)
    where = f"division before epoch {one.epoch + 1}; drawn by chance, each of another identity where there are enough"
    write(_MARGIN + 392, 26, where, fontsize=8, color=FAINT)
    for cluster, size in enumerate(one.sizes().tolist()):
        middle = _TOP + cluster * (height + _ROW_GAP) + height / 2
        colour = writing_on(learner_colour(cluster, one.learners))
        write(_MARGIN + _STRIPE / 2, middle, str(cluster), fontsize=8, color=colour, ha="center")
        identities = len(np.unique(records.identities[one.clusters == cluster]))
        words = f"{size:,} images\n{identities:,} identities" if size else "no images"
        write(_MARGIN + _STRIPE + 10, middle, words, fontsize=7, color=INK, linespacing=1.5)


def _blank() -> Pixels:
    return np.full((1, 1, 3), 255, dtype=np.uint8)
