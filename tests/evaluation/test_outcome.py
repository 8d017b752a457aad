"""From ranks to counts and curves."""

import numpy as np
import pytest
from samples import records

from reid.evaluation.outcome import OTHER_PROTOCOL, count, curve, ranking_report
from reid.evaluation.per_query import per_query, ranking_measures
from reid.evaluation.ranking import MatchRanks


def found(ranks: list[int], matches: list[int], *, counted: int = 4) -> MatchRanks:
    number = len(matches)
    return MatchRanks(
        ranks=np.array(ranks, dtype=np.int64),
        matches=np.array(matches, dtype=np.int64),
        asked=np.array([True] * (number - 1) + [False]),
        counted=np.full(number, counted),
        taken_out=np.array([1] + [0] * (number - 1)),
        ties=np.array([0, 3] + [0] * (number - 2)),
        junk=2,
    )


def test_counts():
    """A query that is not asked is not one without a match; the camera rule explains one that has lost all."""
    counts = count(found([1, 3], [0, 2, 0, 0]), records([0, 1, 2, -1]), "applied", gallery=7)

    assert (counts.queries, counts.queries_without_match, counts.queries_only_same_camera) == (3, 2, 1)
    assert (counts.ties, counts.queries_with_ties) == (3, 1)
    assert (counts.junk, counts.junk_queries, counts.gallery, counts.same_camera_removed) == (2, 1, 7, 1)


def test_images_taken_out_for_another_reason_are_not_blamed_on_cameras():
    """All-vs-all takes each query itself out, which is no business of the camera rule."""
    counts = count(found([1, 3], [0, 2, 0, 0]), records([0, 1, 2, -1]), OTHER_PROTOCOL, gallery=7)

    assert (counts.queries_only_same_camera, counts.same_camera_removed) == (0, 0)


def test_the_curve_is_the_share_of_queries_found_so_far():
    """It ends with the gallery, and at every rank it is what the report gives there."""
    ranks = found([2, 1, 3], [1, 1, 1, 0])
    images = records([0, 1, 2, -1])
    counts = count(ranks, images, "applied", gallery=4)
    measures = ranking_measures((1, 2, 3, 10), "step")
    values = per_query(ranks, images, measures, protocol="query-gallery", average_precision="step")
    report = ranking_report(ranks, values, counts, (1, 2, 3, 10))

    assert curve(ranks) == (pytest.approx(1 / 3), pytest.approx(2 / 3), 1.0, 1.0)
    assert [report.cmc[k] for k in (1, 2, 3)] == list(curve(ranks)[:3])
    assert report.cmc[10] == 1
    assert curve(found([], [0, 0, 0])) == ()
