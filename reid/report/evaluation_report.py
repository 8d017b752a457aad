"""The whole report of an evaluation: pictures, lists and tables in a folder, and one page with all of them."""

import re
from collections.abc import Iterator
from pathlib import Path

from reid import files
from reid.report.charts import camera_charts, map_chart, training_charts, whole_charts
from reid.report.lists import identity_parts, ranking_parts, suspect_parts
from reid.report.notes import notes
from reid.report.page import Block, Chart, Charts, Notes, Plain, Section, Table, Words, remove_older, write_page
from reid.report.subject import Subject
from reid.report.tables import figure_cells, results_table

PAGE = "index.html"

_OURS = re.compile(
    r"(cmc|precision-recall|roc)\.png|(similarities|cameras|map|(explained-)?(ranks|best|median|hardest))-.+\.png"
    r"|suspects-.+\.csv"
)


def write_report(subject: Subject, folder: Path) -> list[Path]:
    """Write the report of an evaluation.

    Pictures are `cmc.png`, `precision-recall.png`, `roc.png`, `similarities-*.png`, `cameras-*.png`, `map-*.png` and rank
    lists `ranks-*.png`, `best-*.png`, `median-*.png`, `hardest-*.png`; `suspects-*.csv` lists labels to check, `tables.md`
    has the tables, and `index.html` everything, with what training drew into the same folder. Where images are not to be
    found, as for vectors from elsewhere, there are no pictures of them. Files by these names that an earlier report left and
    this one does not write are removed.

    Args:
        subject: what it is about.
        folder: where it goes; it must exist.

    Returns:
        What was written, the page last.

    Raises:
        DataError: an image cannot be read.
        OutputError: a file cannot be written.
    """
    written: list[Path] = []

    def charts(drawn: Iterator[tuple[Path, Chart]]) -> tuple[Block, ...]:
        found = list(drawn)
        written.extend(path for path, _ in found)
        return (Charts(tuple(chart for _, chart in found)),) if found else ()

    def parts(made: Iterator[tuple[list[Path], Block]]) -> tuple[Block, ...]:
        found = list(made)
        written.extend(path for paths, _ in found for path in paths)
        return tuple(block for _, block in found)

    sections = [
        Section("Figures", tuple(_figures(subject))),
        Section("Curves", charts(whole_charts(subject, folder))),
        Section("Cameras", charts(camera_charts(subject, folder))),
    ]
    for name in subject.tests:
        lists = parts(ranking_parts(subject, name, folder)) if subject.pictured(name) else ()
        sections += [
            Section(f"Rank lists, {name}", lists and (Words(_LEGEND + _OF[subject.listed(name)]), *lists)),
            Section(f"Worst identities, {name}", tuple(identity_parts(subject, name))),
            Section(f"Labels to check, {name}", parts(suspect_parts(subject, name, folder))),
        ]
    sections.append(Section("Map", charts(map_chart(subject, folder))))
    trained = tuple(training_charts(folder))
    sections.append(Section("Training", (Charts(trained),) if trained else ()))
    files.write_text(folder / "tables.md", results_table(subject.name + subject.refined, subject.results) + "\n")
    title = f"Evaluation on {subject.name}{subject.refined}"
    write_page(folder / PAGE, title, [f"model: {subject.model}"], sections)
    written += [folder / "tables.md", folder / PAGE]
    remove_older(written, _OURS)
    return written


_LEGEND = (
    "A query and its nearest gallery images, best first. Green and ✓: the query's identity; red and ✗: another. The number is "
    "the similarity; below stand identity and camera. Lists can be scrolled to the right."
)

_OF = {
    "query-gallery": " Gallery images of the query's own identity and camera are not searched.",
    "all-vs-all": " All other images are searched (all-vs-all).",
    "single-shot": " Lists are those of the first trial, whose gallery is one image of every identity; average precision is the "
    "mean over all trials that ask the query.",
}


def _figures(subject: Subject) -> Iterator[Block]:
    for title, header, rows in figure_cells(subject.results):
        yield Words(f"{title}:")
        yield Table(tuple(header), tuple(tuple(row) for row in rows))
    yield Notes(tuple(notes(subject.results)))
    yield Plain("The same as text", results_table(subject.name + subject.refined, subject.results))
