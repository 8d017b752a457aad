"""Two models side by side on one page: differences with intervals, and the queries that either won, in pictures."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from reid import files
from reid.evaluation.comparison import Comparison
from reid.evaluation.per_query import PerQuery
from reid.records import Integers
from reid.report.comparison import COLUMNS, NOTE, comparison_rows, comparison_tables, in_sentences
from reid.report.differences import differences
from reid.report.lists import row_strip
from reid.report.page import (
    Block,
    Chart,
    Charts,
    Notes,
    Plain,
    Section,
    Strip,
    Strips,
    Table,
    Words,
    png,
    remove_older,
    write_page,
)
from reid.report.rankings import RankLists
from reid.report.subject import Subject

QUERIES = 6
"""Queries won, and lost, in pictures."""

_OURS = re.compile(r"differences-.+\.png")

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
                Words("In percent; the difference is B - A, in points:"),
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
    written += [folder / "tables.md", folder / "index.html"]
    remove_older(written, _OURS)
    return written


def _pictures(subjects: Sequence[Subject], name: str, found: Comparison) -> Iterator[Block]:
    """The queries with the largest gain and loss, where their images can be shown."""
    if not all(subject.pictured(name) for subject in subjects):
        return
    lists = [subject.lists(name, found.values.protocol) for subject in subjects]
    words = "The same query, by A and by B."
    if found.by == "rank":
        words += (
            " The lists are those of the first trial, whose gallery is one image of every identity. Queries stand in the "
            "order of what their match gained in rank on average over the trials; left out are those that the first trial "
            "does not ask, or in which it says the opposite."
        )
    for title, rows, sign in (("Won by B", found.won, 1), ("Won by A", found.lost, -1)):
        pairs = tuple(_pairs(lists, found, rows, sign))
        if pairs:
            yield Strips(title, pairs, words)


def _pairs(lists: Sequence[RankLists], found: Comparison, rows: Integers, sign: int) -> Iterator[Strip]:
    """The first queries of these, twice each: by A and by B."""
    asked = {path: query for query, path in enumerate(lists[0].query.records.paths.tolist())}
    shown = 0
    for place in np.searchsorted(found.values.rows, rows).tolist():
        query = asked.get(str(found.values.paths[place]))
        if shown == QUERIES:
            return
        if query is None:
            continue
        ranks = [one.first_rank(query) or 0 for one in lists]
        if found.by == "rank" and sign * (ranks[0] - ranks[1]) <= 0:
            continue
        shown += 1
        for letter, one, values, rank in zip("AB", lists, (found.values, found.other), ranks, strict=True):
            (row,) = one.rows([query])
            yield row_strip(row, f"{letter}: {values.paths[place]}, {_words(found.by, values, place, rank)}")


def _words(by: str, values: PerQuery, place: int, rank: int) -> str:
    if by == "rank":
        trials = int(values.trials[place])
        mean = f"{values.first_ranks[place]:,.1f} on average over the {trials} trials that ask it"
        return f"match at rank {rank:,} here, {mean if trials > 1 else 'the only trial that asks it'}"
    return f"average precision {100 * values.figures['mAP'][place]:.1f} %"
