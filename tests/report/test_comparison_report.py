"""Two models on one page."""

import dataclasses

from report_subjects import Page, subject

from reid.evaluation.comparison import compare
from reid.report.comparison import in_sentences
from reid.report.comparison_report import QUERIES, write_comparison


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


def test_single_shot_shows_its_first_trial(tmp_path):
    """Queries by what their match gained in rank over the trials, with the lists of one trial in which they gained too."""
    first, second = (subject(tmp_path / "p", noise=noise, apart=False) for noise in (1.2, 0.6))
    found = compare(*(one.results["test"]["single-shot"].per_query for one in (first, second)))
    write_comparison((first, second), {"test": {"single-shot": found}}, tmp_path)
    page = Page(tmp_path / "index.html")
    lists = [one.lists("test", "single-shot") for one in (first, second)]
    asked = {path: query for query, path in enumerate(lists[0].query.records.paths)}
    mean = [dict(zip(values.paths, values.first_ranks, strict=True)) for values in (found.values, found.other)]
    gained = [
        path
        for path in sorted(asked, key=lambda path: -(mean[0][path] - mean[1][path]))
        if mean[0][path] > mean[1][path] and lists[0].first_rank(asked[path]) > lists[1].first_rank(asked[path])
    ]

    assert "better rank, averaged over trials" in in_sentences(found)
    assert len(gained) >= QUERIES
    said = page.text.partition("Won by B")[2].partition("Won by A")[0]
    assert said.count(", match at rank ") == 2 * QUERIES
    for letter, one, ranks in zip("AB", lists, mean, strict=True):
        words = f"{letter}: {gained[0]}, match at rank {one.first_rank(asked[gained[0]])} here, "
        assert words + f"{ranks[gained[0]]:.1f} on average" in said or words + "the only trial that asks it" in said
