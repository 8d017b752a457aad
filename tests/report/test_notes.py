"""What is said below a table of results."""

from dataclasses import replace

from samples import drawn

from reid.evaluation.protocols import Options, evaluate
from reid.report.notes import notes

IMAGES = drawn(60, 7)
PAIR = (IMAGES.select(slice(20)), IMAGES.select(slice(20, None)))
PLAIN = Options(verification=False, bootstrap=0)
REPORT = evaluate(PAIR, "query-gallery", PLAIN)


def said(**counts) -> str:
    report = replace(REPORT, counts=replace(REPORT.counts, **counts))
    return "\n".join(notes({"test": {"query-gallery": report}}))


def test_sizes_definition_and_cameras_are_always_said():
    """Queries, gallery, the kind of average precision, and what became of the camera rule."""
    assert said(same_camera_removed=1234).splitlines() == [
        "20 queries against 40 gallery images",
        "Average precision by steps: the mean of the precision at the rank of each match",
        "1,234 pairs of the same identity and camera removed",
        "Queries from 3 cameras, gallery from 3; 3 in both",
    ]
    assert "No cameras known" in said(camera_rule="no cameras")
    assert "kept, as asked" in said(camera_rule="off")


def test_what_was_left_out_is_said():
    """Queries without a match and why, junk, ties, files on both sides: each only where there are any."""
    text = said(queries_without_match=3, queries_only_same_camera=2, junk=5, ties=7, queries_with_ties=4)

    assert "3 of 20 queries without a match in the gallery, 2 of them because it is on their own camera only" in text
    assert "5 junk images removed" in text
    assert "7 ties of a wrong with a right image, in 4 queries" in text
    assert "1 query in the gallery too" in said(queries_in_gallery=1)
    assert "6 junk images not asked" in said(junk_queries=6)
    assert "junk" not in said()
    assert "ties" not in said()


def test_ranks_beyond_the_gallery_are_said():
    """A gallery of seven images has no tenth."""
    report = evaluate(IMAGES, "single-shot", Options(trials=2))

    assert "The whole gallery, 7 images, counts for Rank-10" in notes({"test": {"single-shot": report}})


def test_what_is_true_of_all_is_said_once():
    """Notes of one test set carry its name; the trapezoid definition is named as well."""
    other = evaluate(PAIR, "query-gallery", Options(average_precision="trapezoid"))
    lines = notes({"a": {"query-gallery": REPORT}, "b": {"query-gallery": other}})

    assert lines.count("20 queries against 40 gallery images") == 1
    assert any(line.startswith("b query-gallery: average precision by trapezoids") for line in lines)


def test_protocols_explain_themselves():
    """How many galleries were drawn and from which seed; how many clusterings."""
    options = Options(trials=3, seed=4, nmi_seeds=2)
    lines = notes({"x": {name: evaluate(IMAGES, name, options) for name in ("single-shot", "all-vs-all")}})

    assert any("mean ± population standard deviation of 3 such galleries (seed 4)" in line for line in lines)
    assert any("NMI, and F1 of pairs in one cluster, are the means of 2 clusterings" in line for line in lines)


def test_intervals_are_explained():
    """What was drawn anew and what was not; or why there are none. Not asked for, nothing is said."""

    def intervals(images, options=None):
        lines = notes({"x": {"all-vs-all": evaluate(images, "all-vs-all", options)}})
        return [line for line in lines if "95 %" in line]

    (line,) = intervals(IMAGES)
    assert line.startswith("95 % intervals: where the figure falls when identities are drawn anew with replacement")
    assert "nothing about another training run" in line
    assert intervals(drawn(10, 1)) == ["No 95 % intervals, as they need at least two identities with a match"]
    assert intervals(IMAGES, PLAIN) == []


def test_verification_and_open_set_are_explained():
    """Their definitions, the queries that they count, and what is undefined with so few pairs."""
    strangers = drawn(60, 20)
    pair = (strangers.select(slice(20)), strangers.select(slice(20, None)))
    report = evaluate(pair, "query-gallery")
    found = report.open_set
    lines = notes({"x": {"query-gallery": report}})

    assert sum(line.startswith("TPR@x: share of the matching pairs") for line in lines) == 1
    assert f"TPR@1e-4, TPR@1e-3 undefined, as there are only {report.verification.other_pairs} other pairs" in lines
    assert any(
        line.startswith(f"DIR@x: share of the {found.mated} queries")
        and f"the {found.non_mated} queries whose identity the gallery lacks" in line
        for line in lines
    )
    assert found.non_mated > 1
    assert not any("@x" in line for line in notes({"x": {"query-gallery": REPORT}}))


def test_cameras_are_told():
    """How many on either side; nothing where a side knows none."""
    assert "Queries from 1 camera, gallery from 6; 0 in both" in said(
        query_cameras=1, gallery_cameras=6, common_cameras=0
    )
    assert "camera, gallery" not in said(query_cameras=1, gallery_cameras=0)
    assert "counts as a match" in said(camera_rule="no cameras")
