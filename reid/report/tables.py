"""Tables for a terminal and for Markdown, and those of datasets and results."""

import re
from collections.abc import Iterator, Mapping, Sequence

from reid.evaluation.bootstrap import Interval
from reid.evaluation.camera_pairs import CameraPairs
from reid.evaluation.explained import Verified
from reid.evaluation.reports import AllVsAllReport, RankingReport, Report, SingleShotReport
from reid.records import Records, Splits
from reid.report.notes import notes
from reid.text import printable

Cell = str | int | float | None
Results = Mapping[str, Mapping[str, Report]]
"""Reports by split and protocol."""

Row = tuple[str, str, Report]
"""Split, protocol and report."""

_HEADINGS = {"map_at_r": "MAP@R", "r_precision": "R-prec", "nmi": "NMI", "f1": "F1"}
_WIDTH = 100  # columns of a terminal that a table should fit
_WORST = 10  # pairs of cameras


def text_table(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Columns aligned by spaces, for a terminal; numbers to the right, with thousands separated.

    Names from outside are made printable. There is no space at the end of a line.
    """
    lines, right = _columns(header, rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join("  ".join(_align(line, widths, right)).rstrip() for line in [lines[0], rule, *lines[1:]])


def pipe_table(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A Markdown table, aligned so that it reads well as plain text too."""
    lines, right = _columns(header, rows)
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    widths = [max(3, *map(len, column)) for column in zip(*escaped, strict=True)]
    rule = ["-" * (width - 1) + (":" if to_right else "-") for width, to_right in zip(widths, right, strict=True)]
    aligned = [_align(line, widths, right) for line in escaped]
    return "\n".join(f"| {' | '.join(line)} |" for line in [aligned[0], rule, *aligned[1:]])


def statistics_table(splits: Splits) -> str:
    """Identities, images and cameras of each split, for a terminal."""
    rows = [_statistics("train", splits.train)]
    for name, test in splits.tests.items():
        parts = [(name, test.gallery)]
        if test.query is not None:
            parts = [(f"{name}, query", test.query), (f"{name}, gallery", test.gallery)]
        rows += [_statistics(label, records) for label, records in parts]
    return text_table(["split", "identities", "images", "cameras"], rows)


def results_table(name: str, results: Results) -> str:
    """The figures of a dataset's test sets in percent, as Markdown tables with notes in words below.

    Protocols that search a gallery and those that ask every image against all others get tables of their own: the
    same model scores far higher in the latter, so that their figures must never meet in one column.

    Args:
        name: of the dataset or file.
        results: reports by split and protocol.
    """
    tables = [table for rows in _apart(results) for table in _tables(rows)]
    remarks = "\n".join(f"- {note}" for note in notes(results))
    return "\n\n".join([f"{printable(name)}, in percent:", *tables, remarks])


def figure_cells(results: Results) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """The same figures, intervals and rates as title, header and rows of each table, for other forms than Markdown.

    Args:
        results: reports by split and protocol.
    """
    for rows in _apart(results):
        kinds = {"In percent": _shown, "95 % intervals over identities": _intervals, "Pairs, in percent": _verified}
        for title, kind in kinds.items():
            if shown := [(split, protocol, figures) for split, protocol, report in rows if (figures := kind(report))]:
                yield title, *_cells(shown)


def _apart(results: Results) -> Iterator[list[Row]]:
    """Rows of protocols that search a gallery, then those that ask every image against all others."""
    every = [(split, protocol, report) for split, by in results.items() for protocol, report in by.items()]
    for mutual in (False, True):
        if rows := [row for row in every if isinstance(row[2], AllVsAllReport) == mutual]:
            yield rows


def _tables(rows: Sequence[Row]) -> Iterator[str]:
    """Figures, their intervals, and what else was measured, of reports that may share columns."""
    yield from _figure_tables(rows)
    intervals = [(split, protocol, shown) for split, protocol, report in rows if (shown := _intervals(report))]
    if intervals:
        yield "95 % intervals over identities:"
        yield _table(intervals)
    verified = [(split, protocol, shown) for split, protocol, report in rows if (shown := _verified(report))]
    if verified:
        open_set = any(name.startswith("DIR@") for _, _, shown in verified for name in shown)
        yield "Verification and open set:" if open_set else "Verification:"
        yield _table(verified)
    for split, protocol, report in rows:
        if isinstance(report, RankingReport) and report.camera_pairs is not None and report.camera_pairs.several:
            yield from _camera_tables(f"{printable(split)} {protocol}", report.camera_pairs)


def _figure_tables(rows: Sequence[Row]) -> list[str]:
    """One table, or two, those at a rank and the others, where one would not fit a terminal."""
    shown = [(split, protocol, _shown(report)) for split, protocol, report in rows]
    whole = _table(shown)
    if len(whole.partition("\n")[0]) <= _WIDTH:
        return [whole]
    return [
        _table(
            [(split, protocol, {n: v for n, v in f.items() if _at_rank(n) == ranked}) for split, protocol, f in shown]
        )
        for ranked in (True, False)
    ]


def _table(rows: Sequence[tuple[str, str, Mapping[str, str]]]) -> str:
    return pipe_table(*_cells(rows))


def _cells(rows: Sequence[tuple[str, str, Mapping[str, str]]]) -> tuple[list[str], list[list[str]]]:
    names = _in_order([shown for _, _, shown in rows])
    cells = [[split, protocol, *(shown.get(name, "") for name in names)] for split, protocol, shown in rows]
    return ["split", "protocol", *map(heading, names)], cells


def _intervals(report: Report) -> dict[str, str]:
    """Those of the first rank and of mAP; empty where none were asked for."""
    names = [*[name for name in report.intervals if _at_rank(name)][:1], "mAP"]
    return {name: _range(report.intervals[name]) for name in names if name in report.intervals}


def _verified(report: Report) -> dict[str, str]:
    """Rates by heading."""
    shown: dict[str, str] = {}
    if isinstance(report, Verified) and report.verification is not None:
        shown |= {f"TPR@{name}": _percent(value) for name, value in report.verification.tpr.items()}
        shown["EER"] = _percent(report.verification.eer)
    if isinstance(report, RankingReport) and report.open_set is not None:
        shown |= {f"DIR@{name}": _percent(value) for name, value in report.open_set.dir.items()}
    return shown


def _camera_tables(place: str, pairs: CameraPairs) -> Iterator[str]:
    """Rank-1 of every pair of cameras, or of the worst where there are too many for a terminal."""
    cells = [
        [f"camera {camera}", *("-" if value is None else _percent(value) for value in line)]
        for camera, line in zip(pairs.query_cameras, pairs.rank1, strict=True)
    ]
    whole = pipe_table(["", *map(str, pairs.gallery_cameras)], cells)
    if len(whole.partition("\n")[0]) <= _WIDTH:
        yield f"{place}, Rank-1 by cameras of query (rows) and gallery (columns):"
        yield whole
        return
    worst = sorted(
        (rank1, query, gallery, queries)
        for query, line, numbers in zip(pairs.query_cameras, pairs.rank1, pairs.queries, strict=True)
        for gallery, rank1, queries in zip(pairs.gallery_cameras, line, numbers, strict=True)
        if rank1 is not None
    )
    yield f"{place}, the {min(_WORST, len(worst))} worst of {len(worst)} pairs of cameras:"
    yield pipe_table(
        ["query camera", "gallery camera", "queries", "Rank-1"],
        [[query, gallery, queries, _percent(rank1)] for rank1, query, gallery, queries in worst[:_WORST]],
    )


def _shown(report: Report) -> dict[str, str]:
    if isinstance(report, SingleShotReport):
        return {name: _spread(figure["mean"], figure["std"]) for name, figure in report.figures().items()}
    if isinstance(report, RankingReport):
        return {name: _percent(value) for name, value in report.figures().items()}
    return {name: _percent(value) for name, value in report.figures().items() if name != "mINP"}


def _in_order(figures: Sequence[Mapping[str, str]]) -> list[str]:
    """The names of all figures: those at a rank first, by rank, then the others as they come."""
    names = list(dict.fromkeys(name for shown in figures for name in shown))
    ranked = [name for name in names if _at_rank(name)]
    return sorted(ranked, key=_rank) + [name for name in names if name not in ranked]


def _at_rank(name: str) -> bool:
    return name.startswith(("rank", "R@"))


def _rank(name: str) -> int:
    return int(name.removeprefix("rank").removeprefix("R@"))


def heading(name: str) -> str:
    """What a figure is called in a table."""
    return f"Rank-{_rank(name)}" if name.startswith("rank") else _HEADINGS.get(name, name)


def _percent(share: float | None) -> str:
    return "undefined" if share is None else f"{100 * share:.1f}"


def _spread(mean: float | None, std: float | None) -> str:
    return _percent(mean) if mean is None else f"{_percent(mean)} ± {_percent(std)}"


def _range(ends: Interval) -> str:
    return "undefined" if ends is None else f"{100 * ends[0]:.1f}–{100 * ends[1]:.1f}"  # noqa: RUF001  a dash from to


def _statistics(label: str, records: Records) -> list[Cell]:
    counts = records.count()
    return [label, counts["identities"], counts["images"], counts["cameras"] or "-"]


def _columns(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> tuple[list[list[str]], list[bool]]:
    """All cells as text, and which columns hold numbers and are aligned to the right."""
    lines = [list(header), *([_text(cell) for cell in row] for row in rows)]
    columns = list(zip(*lines[1:], strict=True)) or [()] * len(header)
    return lines, [
        any(map(_numeric, column)) and all(_numeric(c) or c in _NO_NUMBER for c in column) for column in columns
    ]


_NO_NUMBER = ("", "-", "undefined")
_NUMBER = re.compile(r"(< )?[-+]?\d[\d,.±– %]*( to [-+]?\d[\d,.]*)?")  # noqa: RUF001


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) else printable(cell)


def _numeric(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def _align(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    return [
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(line, widths, right, strict=True)
    ]
