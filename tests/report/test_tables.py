"""Tables: aligned, safe to print, and never two protocols' figures in one column."""

import pytest
from samples import ROOT, drawn, records

from reid.evaluation.protocols import Options, evaluate
from reid.records import Splits, TestSet
from reid.report.tables import pipe_table, results_table, statistics_table, text_table

IMAGES = drawn(60, 7)
PAIR = (IMAGES.select(slice(20)), IMAGES.select(slice(20, None)))
FEW = Options(trials=2, nmi_seeds=1)


def test_text_table_is_aligned():
    """Words to the left, numbers to the right with thousands separated, no blanks at the end of a line."""
    table = text_table(
        ["split", "images", "score"], [["train", 113346, "0.5"], ["test, small", 5, "-0.25"], ["x", "-", ""]]
    )

    assert table.splitlines() == [
        "split         images  score",
        "-----------  -------  -----",
        "train        113,346    0.5",
        "test, small        5  -0.25",
        "x                  -",
    ]


def test_pipe_table_is_markdown():
    """Pipes in cells are escaped, and numbers are marked to be aligned to the right."""
    assert pipe_table(["name", "mAP"], [["a|b", "12.0"], ["c", "undefined"]]).splitlines() == [
        "| name |       mAP |",
        "| ---- | --------: |",
        "| a\\|b |      12.0 |",
        "| c    | undefined |",
    ]


@pytest.mark.parametrize("table", [text_table, pipe_table])
def test_names_from_outside_cannot_move_the_cursor(table):
    """Control characters and line breaks are printed as escapes; there may be no rows at all."""
    printed = table(["image"], [["a\x1b[31m\nb"]])

    assert "\\x1b[31m\\nb" in printed
    assert len(printed.splitlines()) == 3
    assert len(table(["image", "camera"], []).splitlines()) == 2


def test_statistics_table():
    """A row for each list of images; without cameras there is a dash."""
    test = TestSet("test", records(["a", "b"], [1, 2]), records(["a"], [1]), ("query-gallery",))
    whole = TestSet("small", records(["a", "a"]), None, ("all-vs-all",))
    splits = Splits("x", "vehicle", records(["a"] * 1200), {"small": whole, "test": test})

    assert statistics_table(splits).splitlines() == [
        "split          identities  images  cameras",
        "-------------  ----------  ------  -------",
        "train                   1   1,200        -",
        "small                   1       2        -",
        "test, query             1       1        1",
        "test, gallery           2       2        2",
    ]
    assert ROOT.name == "set"


def test_searched_and_mutual_figures_have_tables_of_their_own():
    """Rank-k of a gallery and recall@k of all-vs-all never share a column."""
    by_protocol = {name: evaluate(IMAGES, name, FEW) for name in ("single-shot", "all-vs-all")}
    first, second = (
        block
        for block in results_table("cars", {"small": by_protocol, "large": by_protocol}).split("\n\n")
        if "|" in block
    )

    assert [cell.strip() for cell in first.splitlines()[0].split("|")[1:-1]] == [
        "split",
        "protocol",
        "Rank-1",
        "Rank-5",
        "Rank-10",
        "mAP",
        "mINP",
    ]
    assert "all-vs-all" not in first
    assert "single-shot" not in second
    assert "R@1 " in second
    assert "NMI" in second
    assert len(first.splitlines()) == len(second.splitlines()) == 4


def test_figures_are_percent_with_one_decimal():
    """A plain figure, a mean with its spread, and an undefined one."""
    plain = evaluate(PAIR, "query-gallery", FEW)
    trials = evaluate(IMAGES, "single-shot", FEW)
    table = results_table("cars", {"test": {"query-gallery": plain, "single-shot": trials}})
    mean, std = trials.figures()["mAP"].values()

    assert f" {100 * plain.mAP:.1f} |" in table
    assert f"{100 * mean:.1f} ± {100 * std:.1f}" in table
    alone = drawn(1, 1)
    assert "undefined ± undefined" not in results_table(
        "one", {"test": {"single-shot": evaluate(alone, "single-shot", FEW)}}
    )
    assert "undefined" in results_table("one", {"test": {"all-vs-all": evaluate(alone, "all-vs-all", FEW)}})
