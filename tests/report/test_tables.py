"""Tables: aligned, safe to print, and never two protocols' figures in one column."""

import numpy as np
import pytest
from samples import ROOT, drawn, records

from reid.evaluation.protocols import Options, evaluate
from reid.records import Splits, TestSet
from reid.report.tables import pipe_table, results_table, statistics_table, text_table

IMAGES = drawn(60, 7)
PAIR = (IMAGES.select(slice(20)), IMAGES.select(slice(20, None)))
FEW = Options(trials=2, nmi_seeds=1, verification=False, bootstrap=0)


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


def test_differences_are_numbers():
    """Signs, intervals and bounds stand to the right as well; names that begin with a digit do not."""
    rows = [["+1.0", "-2.0 to +1.5", "< 0.001", "3 to do"], ["-10.0", "", "0.250", "4"]]

    assert pipe_table(["d", "i", "p", "n"], rows).splitlines()[1:] == [
        "| ----: | -----------: | ------: | ------- |",
        "|  +1.0 | -2.0 to +1.5 | < 0.001 | 3 to do |",
        "| -10.0 |              |   0.250 | 4       |",
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
    first, *mutual = (
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
    assert all("single-shot" not in table and "all-vs-all" in table for table in mutual)
    assert "R@1 " in mutual[0]
    assert "NMI" in mutual[-1]
    assert {len(table.splitlines()) for table in (first, *mutual)} == {4}


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


def blocks(results) -> list[str]:
    """Captions and tables, without title and notes."""
    return results_table("cars", results).split("\n\n")[1:-1]


def test_intervals_stand_below_their_figures():
    """Of the first rank and of mAP, in a table of their own, aligned to the right."""
    report = evaluate(PAIR, "query-gallery", Options(verification=False))
    figures, caption, table = blocks({"test": {"query-gallery": report}})
    ends = [f"{100 * low:.1f}\N{EN DASH}{100 * high:.1f}" for low, high in map(report.intervals.get, ("rank1", "mAP"))]

    assert "Rank-5" in figures
    assert caption == "95 % intervals over identities:"
    assert [cell.strip() for cell in table.splitlines()[0].split("|")[1:-1]] == ["split", "protocol", "Rank-1", "mAP"]
    assert [cell.strip() for cell in table.splitlines()[2].split("|")[3:-1]] == ends
    assert table.splitlines()[1].count("-:") == 2
    one = evaluate(drawn(8, 1), "all-vs-all", Options(verification=False))
    assert "undefined" in blocks({"test": {"all-vs-all": one}})[2]


def test_verification_and_open_set_share_a_table():
    """Rates in percent; the open set only where there is one."""
    strangers = drawn(60, 20)
    report = evaluate((strangers.select(slice(20)), strangers.select(slice(20, None))), "query-gallery")
    caption, table = blocks({"test": {"query-gallery": report}})[-2:]
    header = [cell.strip() for cell in table.splitlines()[0].split("|")[3:-1]]

    assert caption == "Verification and open set:"
    assert header == ["TPR@1e-4", "TPR@1e-3", "TPR@1e-2", "TPR@1e-1", "EER", "DIR@1e-2", "DIR@1e-1"]
    assert f"{100 * report.verification.eer:.1f} |" in table
    assert f"{100 * report.open_set.dir['1e-1']:.1f} |" in table
    by_protocol = {name: evaluate(PAIR, name) for name in ("query-gallery", "single-shot")}
    caption, table = blocks({"test": by_protocol})[-2:]
    assert caption == "Verification:"
    assert "single-shot" not in table


@pytest.mark.parametrize("protocol", ["query-gallery", "single-shot", "all-vs-all"])
def test_tables_fit_a_terminal(protocol):
    """No line of a table is longer than a hundred letters; what would be is split, losing nothing."""
    images = drawn(1200, 300)
    pair = (images.select(slice(200)), images.select(slice(200, None)))
    report = evaluate(pair if protocol == "query-gallery" else images, protocol, Options(camera_pairs=True))
    lines = [line for block in blocks({"large": {protocol: report}}) for line in block.splitlines()]
    headings = {cell.strip() for line in lines for cell in line.split("|")}

    assert max(map(len, lines)) <= 100
    assert "mAP" in headings
    if protocol == "all-vs-all":
        assert {"R@1", "R@1000", "MAP@R", "R-prec", "NMI", "F1"} <= headings


def test_pairs_of_cameras():
    """A matrix while it fits; the worst pairs, the worst first, where there are too many."""

    def shown(cameras):
        generator = np.random.Generator(np.random.Philox(5))
        images = drawn(600, 10)
        images.records.cameras[:] = generator.integers(0, cameras, 600)
        pair = (images.select(slice(300)), images.select(slice(300, None)))
        report = evaluate(pair, "query-gallery", Options(verification=False, bootstrap=0, camera_pairs=True))
        return report.camera_pairs, *blocks({"test": {"query-gallery": report}})[-2:]

    pairs, caption, table = shown(3)
    assert caption == "test query-gallery, Rank-1 by cameras of query (rows) and gallery (columns):"
    assert [cell.strip() for cell in table.splitlines()[2].split("|")[1:-1]] == [
        "camera 0",
        "-",
        *(f"{100 * value:.1f}" for value in pairs.rank1[0][1:]),
    ]
    pairs, caption, table = shown(20)
    worst = sorted(value for line in pairs.rank1 for value in line if value is not None)
    number = len(worst)
    assert caption == f"test query-gallery, the 10 worst of {number} pairs of cameras:"
    assert [line.split("|")[4].strip() for line in table.splitlines()[2:]] == [f"{100 * v:.1f}" for v in worst[:10]]
