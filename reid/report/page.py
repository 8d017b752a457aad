"""One page of HTML with everything in it: no other file, no script, nothing from a network.

What is on the page is given as values; strings come from file names and labels, and are made printable and escaped.
"""

import base64
import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from reid import files
from reid.data.thumbnails import thumbnail as small_jpeg
from reid.report.tiles import Pixels
from reid.text import printable

SIDE = 144
"""Longer side of thumbnails in pixels."""


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str
    kind: str = "words"


@dataclass(frozen=True)
class Notes:
    """A list of sentences."""

    lines: tuple[str, ...]
    kind: str = "notes"


@dataclass(frozen=True)
class Table:
    """A table; columns in which all cells are numbers are aligned to the right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: str = "table"

    @property
    def numbers(self) -> tuple[int, ...]:
        """Which columns hold numbers."""
        columns = range(len(self.header))
        return tuple(place for place in columns if self.rows and all(row[place][:1] in _DIGITS for row in self.rows))


_DIGITS = {*"0123456789+-<", ""}


@dataclass(frozen=True)
class Chart:
    """A picture with its caption.

    Attributes:
        source: the picture, as an address (`png`).
        title: what it is.
        caption: what it shows.
        wide: whether it needs the whole width.
        photo: whether colours must stay as they are in the dark.
    """

    source: str
    title: str
    caption: str = ""
    wide: bool = False
    photo: bool = False


@dataclass(frozen=True)
class Charts:
    """Pictures, beside each other where there is room."""

    charts: tuple[Chart, ...]
    kind: str = "charts"


@dataclass(frozen=True)
class Thumb:
    """A small picture with words.

    Attributes:
        source: the picture, as an address (`thumbnail`); "" where there is none.
        head: first line below it.
        below: second line.
        verdict: "asked", "right", "wrong" or "unknown": the colour of the frame.
    """

    source: str
    head: str
    below: str = ""
    verdict: str = "unknown"


@dataclass(frozen=True)
class Strip:
    """Small pictures in a row that can be scrolled."""

    tiles: tuple[Thumb, ...]
    label: str = ""


@dataclass(frozen=True)
class Strips:
    """Rows of small pictures; compact ones stand beside each other where there is room."""

    title: str
    strips: tuple[Strip, ...]
    caption: str = ""
    compact: bool = False
    kind: str = "strips"


@dataclass(frozen=True)
class Plain:
    """Text as it is printed on a terminal, folded away."""

    title: str
    text: str
    kind: str = "plain"


Block = Words | Notes | Table | Charts | Strips | Plain


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    title: str
    blocks: tuple[Block, ...]


def write_page(out: Path, title: str, lines: Sequence[str], sections: Sequence[Section]) -> None:
    """Write the page.

    Args:
        out: the file; its folder must exist.
        title: of the page.
        lines: what it is about, below the title.
        sections: what is on it; those without blocks are left out.

    Raises:
        OutputError: the file cannot be written.
    """
    shown = [_clean(section) for section in sections if section.blocks]
    text = _template().render(title=printable(title), lines=[printable(line) for line in lines], sections=shown)
    files.write_text(out, text)


def remove_older(written: Sequence[Path], ours: re.Pattern[str]) -> None:
    """Remove what an earlier page had beside it and this one does not name.

    Args:
        written: what belongs to this page, the page last.
        ours: what such files are called; nothing else is touched.

    Raises:
        OutputError: a file cannot be removed.
    """
    for path in sorted(written[-1].parent.iterdir()):
        if path not in written and path.is_file() and ours.fullmatch(path.name):
            with files.writing(path):
                path.unlink(missing_ok=True)


def png(content: bytes) -> str:
    """A PNG file as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def thumbnail(picture: Pixels, side: int = SIDE) -> str:
    """A small JPEG of a picture as an address that holds it.

    Args:
        picture: (H, W, 3) uint8 RGB.
        side: of its longer side in pixels; a smaller picture keeps its size.
    """
    return f"data:image/jpeg;base64,{base64.b64encode(small_jpeg(picture, side)).decode()}"


@cache
def _template() -> Any:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))


def _clean(value: Any) -> Any:
    """The same with all strings on one line each and safe to encode; addresses stay, and plain text keeps its lines."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, tuple):
        return tuple(map(_clean, value))
    if isinstance(value, Plain):
        lines = map(printable, value.text.split("\n"))
        return dataclasses.replace(value, title=printable(value.title), text="\n".join(lines))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.name != "source"]
        return dataclasses.replace(value, **{name: _clean(getattr(value, name)) for name in fields})
    return value
