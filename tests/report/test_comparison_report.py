"""Two models on one page."""

import dataclasses

from report_subjects import Page, subject

from reid.evaluation.comparison import compare
from reid.report.comparison_report import write_comparison


def test_queries_won_and_lost_are_shown(tmp_path):
    """Both lists of a query beside each other, the largest gains first; the tables are those of the terminal."""
    first, second = subject(tmp_path / "p", noise=0.9), subject(tmp_path / "p", noise=0.6, seed=1)
    reports = [one.results["test"]["query-gallery"].per_query for one in (first, second)]
    found = compare(*reports)
    first = dataclasses.replace(first, model="one")
    written = write_comparison((first, second), {"test": {"query-gallery": found}}, tmp_path)
    page = Page(tmp_path / "index.html")

    assert [path.name for path in written] == ["differences-test-query-gallery.png", "tables.md", "index.html"]
    assert page.contained()
    for words in ("A: one", "B: model <1>", "Won by B", f"{100 * found.figures['mAP'].difference:+.1f}"):
        assert words in page.text
    place = found.values.rows.tolist().index(found.won[0])
    path, before = found.values.paths[place], found.values.figures["mAP"][place]
    shown = [
        f"{letter}: {path}, average precision {100 * value:.1f} %"
        for letter, value in (("A", before), ("B", before + found.gains[place]))
    ]
    assert page.text.index(shown[0]) < page.text.index(shown[1])
    assert page.text.index("Won by B") < page.text.index(shown[0])
    assert "B: model <1>" in (tmp_path / "tables.md").read_text()
