"""Rank lists, identities and suspects of a test set, as parts of its page."""

import csv
import dataclasses

import pytest
from report_subjects import subject

from reid.report.lists import IDENTITIES, QUERIES, identity_parts, ranking_parts, suspect_parts


@pytest.fixture(scope="module")
def about(tmp_path_factory):
    return subject(tmp_path_factory.mktemp("p"))


def test_rank_lists_say_what_was_found(about, tmp_path):
    """Frames and marks by identity, ranks and scores in order, average precision as the report has it, best above worst."""
    found = dict(zip(QUERIES, [block for _, block in ranking_parts(about, "test", tmp_path)], strict=True))
    values = about.results["test"]["query-gallery"].per_query
    precision = dict(zip(values.paths, values.figures["mAP"], strict=True))

    for block in found.values():
        for strip in block.strips:
            query, *hits = strip.tiles
            assert (query.verdict, query.head) == ("asked", "query")
            for rank, hit in enumerate(hits, start=1):
                right = hit.below.split(" · ")[0] == query.below.split(" · ")[0]
                assert hit.verdict == ("right" if right else "wrong")
                assert hit.head.endswith("✓" if right else "✗")
                assert hit.head.startswith(f"{rank} ")
            scores = [float(hit.head.split()[1]) for hit in hits]
            assert scores == sorted(scores, reverse=True)
            path = strip.label.partition(",")[0]
            assert f"{100 * precision[path]:.1f} %" in strip.label
    best, worst = ([precision[s.label.partition(",")[0]] for s in found[kind].strips] for kind in ("best", "hardest"))
    assert (best[0], worst[0]) == (max(precision.values()), min(precision.values()))


def test_worst_identities(about):
    """As the report lists them, with images of theirs."""
    table, strips = identity_parts(about, "test")

    assert len(table.rows) == IDENTITIES
    assert [float(row[2]) for row in table.rows] == sorted(float(row[2]) for row in table.rows)
    for row, strip in zip(table.rows, strips.strips, strict=True):
        assert {tile.below.split(" · ")[0] for tile in strip.tiles} == {row[0]}


def test_suspects_as_a_table_to_check(about, tmp_path):
    """A line for each, that leads to the files; names that are no text come back as they were."""
    parts = list(suspect_parts(about, "test", tmp_path))
    text = (tmp_path / "suspects-test.csv").read_bytes().decode("utf-8", "surrogateescape")
    rows = list(csv.DictReader(text.splitlines(keepends=True)))

    assert {row["kind"] for row in rows} == {"same identity, far apart", "different identities, alike"}
    assert all((about.tests["test"].gallery.root / row["path"]).is_file() for row in rows)
    assert {row["identity"] for row in rows} <= {*about.tests["test"].gallery.identity_names}
    assert len(parts[1][1].strips) + len(parts[2][1].strips) == len(rows)


def test_a_set_that_is_only_asked_single_shot(tmp_path):
    """Its lists are those of the first trial, and say the average precision over the trials."""
    about = subject(tmp_path, apart=False)
    found = about.results["test"]["single-shot"]
    alone = dataclasses.replace(about, results={"test": {"single-shot": found}})
    _, drawn = next(ranking_parts(alone, "test", tmp_path))
    precision = dict(zip(found.per_query.paths, found.per_query.figures["mAP"], strict=True))

    for strip in drawn.strips:
        assert [tile.verdict for tile in strip.tiles].count("right") <= 1
        assert f"{100 * precision[strip.label.partition(',')[0]]:.1f} %" in strip.label
