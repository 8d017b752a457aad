"""Pictures of rank lists, as PNG files."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from reid import files
from reid.errors import ConfigError, ShapeError
from reid.report.canvas import DPI, FAINT, INK, encode
from reid.report.tiles import WIDTH, Colour, Framed, Layout, Pixels, compose, tile_height
from reid.text import printable

HITS_IN_A_LINE = 10
"""Hits beside each other; further ones go to the next line."""
MOST_LINES = 200
"""Lines of one picture; a larger one could hardly be opened."""

_QUERY: Colour = (60, 72, 88)
_RIGHT: Colour = (26, 150, 75)
_WRONG: Colour = (214, 48, 40)
_UNKNOWN: Colour = (158, 158, 158)
_LETTERS = 16  # of a caption under a tile


@dataclass(frozen=True, eq=False)
class Tile:
    """One image of a rank list.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        identity: name of what it shows; None where that is not known.
        camera: number or name of its camera; None where it is not known.
        score: similarity to the query, larger is more similar; None for a query.
    """

    image: Pixels
    identity: str | None = None
    camera: int | str | None = None
    score: float | None = None

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8 or not self.image.size:
            raise ShapeError(f"an image must be (H, W, 3) of uint8; got shape {self.image.shape} of {self.image.dtype}")


@dataclass(frozen=True, eq=False)
class RankRow:
    """A query and what was found for it, best first."""

    query: Tile
    hits: tuple[Tile, ...]


@dataclass(frozen=True)
class _Caption:
    x: float
    y: float
    words: str
    colour: str
    bold: bool = False
    centred: bool = True
    size: int = 8


def rank_lists(rows: Sequence[RankRow], out: Path, *, title: str | None = None) -> None:
    """Draw rank lists, the query on the left and its hits on the right, into a PNG file.

    A frame is green where the hit has the query's identity, red where it has another, and grey where either is not
    known. Images keep their proportions on tiles of equal size. Lists of more than ten hits go on in the next line.

    Args:
        rows: the lists, one below the other.
        out: the file; its folder must exist.
        title: a line above them.

    Raises:
        ConfigError: no lists, or too many for one picture.
        OutputError: the file cannot be written.
    """
    starts = np.cumsum([0, *(max(1, math.ceil(len(row.hits) / HITS_IN_A_LINE)) for row in rows)]).tolist()
    lines = starts[-1]
    if not 0 < lines <= MOST_LINES:
        raise ConfigError(f"a picture has 1 to {MOST_LINES} lines of ten hits, not {lines}; draw fewer queries or hits")
    every = [tile for row in rows for tile in (row.query, *row.hits)]
    columns = 1 + max(1, min(HITS_IN_A_LINE, max(len(row.hits) for row in rows)))
    layout = Layout(lines, columns, tile_height([tile.image for tile in every]), 62 if title else 18, 52, 50)
    tiles: list[Framed] = []
    captions: list[_Caption] = []
    for row, start in zip(rows, starts, strict=False):
        for number, tile in enumerate((row.query, *row.hits)):
            line, column = _place(start, number)
            colour = _QUERY if number == 0 else _colour(row.query, tile)
            tiles.append(Framed(tile.image, colour, line, column))
            captions += _captions(tile, number, colour, layout, layout.corner(line, column))
    picture = compose(tiles, layout)
    captions += _legend(layout, {tile.colour for tile in tiles})
    if title:
        captions.append(_Caption(layout.margin, 26, printable(title), INK, bold=True, centred=False, size=11))
    files.write_bytes(out, _print(picture, captions))


def _place(start: int, number: int) -> tuple[int, int]:
    """Line and column of the query (number 0) or of hit `number`."""
    if number == 0:
        return start, 0
    return start + (number - 1) // HITS_IN_A_LINE, 1 + (number - 1) % HITS_IN_A_LINE


def _colour(query: Tile, hit: Tile) -> Colour:
    if query.identity is None or hit.identity is None:
        return _UNKNOWN
    return _RIGHT if hit.identity == query.identity else _WRONG


def _captions(tile: Tile, number: int, colour: Colour, layout: Layout, corner: tuple[int, int]) -> list[_Caption]:
    x, y = corner[0] + WIDTH / 2, corner[1] + layout.height
    mark = {_RIGHT: "  ✓", _WRONG: "  ✗"}.get(colour, "")
    score = "" if tile.score is None else f"   {tile.score:.3f}"
    camera = [] if tile.camera is None else [f"cam {_shortened(printable(tile.camera), 4)}"]
    room = _LETTERS - 2 - len("".join(camera))
    identity = [] if tile.identity is None else [_shortened(printable(tile.identity), room)]
    first = "query" if number == 0 else f"{number}{score}{mark}"
    return [
        _Caption(x, y + 15, first, _hexadecimal(colour), bold=True),
        _Caption(x, y + 36, " · ".join([*identity, *camera]), FAINT),
    ]


def _legend(layout: Layout, colours: set[Colour]) -> list[_Caption]:
    words = {_RIGHT: "■ same identity", _WRONG: "■ another identity", _UNKNOWN: "■ identity not known"}
    shown = [colour for colour in words if colour in colours]
    y = layout.size[1] - 20
    return [
        _Caption(layout.margin + place * 200, y, words[colour], _hexadecimal(colour), centred=False)
        for place, colour in enumerate(shown)
    ]


def _print(picture: Pixels, captions: Sequence[_Caption]) -> bytes:
    """Words on the picture, by Pillow: matplotlib takes as long for one caption as Pillow for all of them."""
    import matplotlib as mpl
    from PIL import Image, ImageDraw, ImageFont

    @cache
    def font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
        name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
        return ImageFont.truetype(str(Path(mpl.get_data_path(), "fonts", "ttf", name)), size * DPI / 72)

    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    for caption in captions:
        written = font(caption.size, caption.bold)
        anchor = "mm" if caption.centred else "lm"
        draw.text((caption.x, caption.y), caption.words, fill=caption.colour, font=written, anchor=anchor)
    return encode(np.asarray(canvas))


def _shortened(words: str, letters: int) -> str:
    """`words`, or their beginning and end where they are longer than a tile is wide."""
    if len(words) <= letters:
        return words
    end = (letters - 1) // 2
    return f"{words[: letters - 1 - end]}…{words[-end:]}"


def _hexadecimal(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
