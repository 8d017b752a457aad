"""Reading a table of text cells from CSV or Parquet, each row with the line it came from."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reid import files
from reid.errors import ConfigError, DataError
from reid.text import printable

_DELIMITERS = ",;\t"
_SHOWN = 20
_WHOLE = re.compile(r"[0-9]{1,9}(\.0+)?")


@dataclass(frozen=True)
class Table:
    """Text cells.

    Attributes:
        place: the file.
        header: names of the columns, without spaces around them.
        lines: line (CSV) or row (Parquet) of every row, from 1; the header of a CSV is line 1.
        rows: cells of every row, as many as the header has.
    """

    place: Path
    header: list[str]
    lines: list[int]
    rows: list[list[str]]


def read_table(place: Path) -> Table:
    """The table in a file, by its ending.

    Raises:
        MissingInputError: there is no such file.
        DataError: it is damaged, empty or not UTF-8, or rows have different numbers of cells.
        ConfigError: Parquet is not supported by this installation.
    """
    table = _parquet(place) if place.suffix.lower() == ".parquet" else _csv(place)
    twice = [name for name in table.header if name and table.header.count(name) > 1]
    if twice:
        raise DataError(f"{printable(place)}:1: there are two columns named {printable(twice[0])!r}; rename one")
    return table


def refuse(place: Path, mistakes: Sequence[str]) -> None:
    """Raises DataError with the first 20 of the mistakes in a table, each "line:column: what is wrong", if there are any."""
    if mistakes:
        shown = [f"{printable(place)}:{mistake}" for mistake in mistakes[:_SHOWN]]
        more = [f"and {len(mistakes) - _SHOWN} more mistakes"] if len(mistakes) > _SHOWN else []
        raise DataError("\n".join(shown + more))


def camera_in(cell: str) -> int | None:
    """The camera number in a cell; None where it is empty, -1 or nan.

    Raises:
        ValueError: it is something else.
    """
    text = cell.strip()
    if text in {"", "-1", "nan"}:
        return None
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"wanted a whole number from 0 to 999999999 or nothing, found {printable(cell)!r}")
    return int(text.partition(".")[0])


def _csv(place: Path) -> Table:
    content = files.read_bytes(place)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{printable(place)}: this is UTF-16; save it as UTF-8")
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=first.count), strict=True)
    lines, rows, begin = [], [], 1
    try:
        for row in reader:
            if row:
                lines.append(begin)
                rows.append(row)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{printable(place)}:{begin}: not readable as CSV: {error}; is a quote left open?") from None
    if not rows:
        raise DataError(f"{printable(place)}: the table is empty; wanted a header such as path,identity")
    header = [name.strip() for name in rows[0]]
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(header):
            raise DataError(f"{printable(place)}:{line}: {len(row)} cells, but the header has {len(header)}")
    return Table(place, header, lines[1:], rows[1:])


def _parquet(place: Path) -> Table:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_table as read_parquet
    except ImportError:
        raise ConfigError(
            f"reading {printable(place)} needs pyarrow: pip install 'reid-toolkit[parquet]', or save the table as CSV"
        ) from None
    try:
        columns = read_parquet(io.BytesIO(files.read_bytes(place))).to_pydict()
    except (ArrowException, OSError, ValueError) as error:
        raise DataError(f"{printable(place)}: not readable as Parquet: {printable(error)}") from None
    cells = [["" if cell is None else str(cell) for cell in column] for column in columns.values()]
    rows = [list(row) for row in zip(*cells, strict=True)]
    return Table(place, [str(name).strip() for name in columns], list(range(1, len(rows) + 1)), rows)
