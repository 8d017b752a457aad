"""Figures from ranks, on cases worked out by hand."""

import numpy as np
import pytest

from reid.evaluation import metrics
from reid.evaluation.ranking import MatchRanks


def ranks(*queries: list[int]) -> MatchRanks:
    counts = np.array([len(query) for query in queries], dtype=np.int64)
    zeros = np.zeros(len(queries), dtype=np.int64)
    flat = np.array([rank for query in queries for rank in query], dtype=np.int64)
    return MatchRanks(flat, counts, np.ones(len(queries), bool), zeros + 9, zeros, zeros, 0)


@pytest.mark.parametrize(
    ("places", "step", "trapezoid"),
    [
        ([1], 1.0, 1.0),
        ([2], 1 / 2, 1 / 4),
        ([4], 1 / 4, 1 / 8),
        ([1, 2], 1.0, 1.0),
        ([1, 3], (1 + 2 / 3) / 2, (1 + (1 / 2 + 2 / 3) / 2) / 2),
        ([2, 3], (1 / 2 + 2 / 3) / 2, ((0 + 1 / 2) / 2 + (1 / 2 + 2 / 3) / 2) / 2),
    ],
)
def test_average_precision_by_hand(places, step, trapezoid):
    """Both definitions, worked out by hand; with one match at rank 2 they differ by a factor of two."""
    assert metrics.step_precision(ranks(places)).tolist() == [pytest.approx(step)]
    assert metrics.trapezoid_precision(ranks(places)).tolist() == [pytest.approx(trapezoid)]


def test_other_figures_by_hand():
    """Two queries: matches at 1, 2, 6 and at 3; a third has none and counts nowhere."""
    found = ranks([1, 2, 6], [], [3])

    assert metrics.first_ranks(found).tolist() == [1, 3]
    assert metrics.hits(found, 1).tolist() == [1, 0]
    assert metrics.hits(found, 3).tolist() == [1, 1]
    assert metrics.inverse_negative_penalty(found).tolist() == [3 / 6, 1 / 3]
    assert metrics.r_precision(found).tolist() == [pytest.approx(2 / 3), 0]
    assert metrics.map_at_r(found).tolist() == [pytest.approx((1 + 1) / 3), 0]


def test_undefined_without_any_match():
    """Where no query is scored every mean is undefined, not zero and not NaN."""
    for found in (ranks(), ranks([], [])):
        for figure in (*metrics.AVERAGE_PRECISIONS.values(), metrics.map_at_r, metrics.inverse_negative_penalty):
            assert metrics.mean(figure(found)) is None
        assert metrics.mean(metrics.hits(found, 1)) is None


def test_ranks_beyond_the_gallery():
    """The curve stays at its last value."""
    assert metrics.hits(ranks([2]), 10**6).tolist() == [1]


def test_precision_at_recall_equals_its_definition():
    """At every recall the highest precision there or later, query by query in a loop; the curve never rises."""
    draw = np.random.default_rng(0)
    queries = [sorted(draw.permutation(30)[: draw.integers(0, 9)] + 1) for _ in range(20)]
    scored = [places for places in queries if places]
    expected = []
    for percent in range(101):
        best = []
        for places in scored:
            reached = [k / rank for k, rank in enumerate(places, start=1) if 100 * k >= percent * len(places)]
            best.append(max(reached))
        expected.append(sum(best) / len(best))
    found = metrics.precision_at_recall(ranks(*queries))

    assert found.tolist() == pytest.approx(expected)
    assert (np.diff(found) <= 1e-12).all()
    assert len(metrics.precision_at_recall(ranks([], []))) == 0
