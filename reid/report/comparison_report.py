"""Two models side by side on one page: differences with intervals, and the queries that either won, in pictures."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reid import files
from reid.evaluation.comparison import Comparison
from reid.records import Integers
from reid.report.comparison import COLUMNS, NOTE, comparison_rows, comparison_tables, in_sentences
from reid.report.differences import differences
from reid.report.lists import row_strip
from reid.report.page import Block, Chart, Charts, Notes, Plain, Section, Strip, Strips, Table, Words, png, write_page
from reid.report.rankings import RankLists
from reid.report.subject import Subject

QUERIES = 6
"""Queries won, and lost, in pictures."""

Compared = Mapping[str, Mapping[str, Comparison]]


def write_comparison(subjects: tuple[Subject, Subject], compared: Compared, folder: Path) -> list[Path]:
    """Write the page of a comparison, `index.html`, with `differences-*.png` and `tables.md`.

    Args:
        subjects: the two models, A and B, on the same test sets.
        compared: by test set and protocol.
        folder: where it goes; it must exist.

    Returns:
        What was written, the page last.

    Raises:
        DataError: an image cannot be read.
        OutputError: a file cannot be written.
    """
    written, sections = [], []
    for name, by_protocol in compared.items():
        for protocol, found in by_protocol.items():
            path = folder / f"differences-{name}-{protocol}.png"
            differences(found.figures, path)
            written.append(path)
            words = "Point: the difference; bar: its 95 % interval over identities. Grey bars reach over zero."
            chart = Chart(png(path.read_bytes()), "Differences", words)
            blocks: list[Block] = [
                Table(COLUMNS, comparison_rows(found.figures)),
                Words(in_sentences(found)),
                Charts((chart,)),
            ]
            blocks += _pictures(subjects, name, found)
            sections.append(Section(f"{name}, {protocol}", tuple(blocks)))
    names = [subject.model for subject in subjects]
    text = comparison_tables(subjects[0].name, names, compared)
    notes = Notes(tuple(line.removeprefix("- ") for line in NOTE.split("\n")))
    sections.append(Section("How to read it", (notes, Plain("The same as text", text))))
    files.write_text(folder / "tables.md", text + "\n")
    lines = [f"A: {names[0]}", f"B: {names[1]}"]
    write_page(folder / "index.html", f"Comparison on {subjects[0].name}{subjects[0].refined}", lines, sections)
    return [*written, folder / "tables.md", folder / "index.html"]


def _pictures(subjects: Sequence[Subject], name: str, found: Comparison) -> Iterator[Block]:
    """The queries with the largest gain and loss, where their lists are those of the protocol and can be shown."""
    if not all(subject.pictured(name) for subject in subjects):
        return
    lists = [
        RankLists(s.tests[name], s.embeddings[name], s.refinement, max_megapixels=s.max_megapixels) for s in subjects
    ]
    if lists[0].protocol != found.values.protocol:
        return
    for title, rows in (("Won by B", found.won), ("Won by A", found.lost)):
        if len(rows):
            yield Strips(title, tuple(_pairs(lists, found, rows[:QUERIES])), "The same query, by A and by B.")


def _pairs(lists: Sequence[RankLists], found: Comparison, rows: Integers) -> Iterator[Strip]:
    for row in rows.tolist():
        place = found.values.rows.tolist().index(row)
        path, before = str(found.values.paths[place]), float(found.values.figures["mAP"][place])
        after = before + float(found.gains[place])
        for letter, one, precision in (("A", lists[0], before), ("B", lists[1], after)):
            (shown,) = one.rows([one.query.records.paths.tolist().index(path)])
            yield row_strip(shown, f"{letter}: {path}, average precision {100 * precision:.1f} %")
