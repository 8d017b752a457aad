"""Thresholds for the best of many, against all galleries there are."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import ConfigError
from reid.evaluation.strangers import Threshold, just_above, stranger_thresholds, unknown_below
from reid.evaluation.verification import BINS

WIDTH = 2 / BINS


def best_scores(seed: int, queries: int, others: int):
    """Scores in the middle of bins, some queries resembling many identities; ties are frequent."""
    random = np.random.default_rng(seed)
    bins = random.integers(0, 300, (queries, others)) + random.integers(0, 200, (queries, 1))
    return (1 - (bins + 0.5) * WIDTH).astype(np.float32)


def alarms(best, size, score) -> float:
    """Share of queries and galleries of `size` identities whose best score reaches a threshold, one after the other."""
    galleries = list(itertools.combinations(range(best.shape[1]), size))
    return sum(max(row[list(g)]) >= score for row in best for g in galleries) / (len(best) * len(galleries))


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_measured_equals_all_galleries(seed, others):
    """The rate is kept over all galleries of every size, and would not be a bin lower; thresholds never fall."""
    best = best_scores(seed, 40, others)
    found = [one for one in stranger_thresholds(best) if one.how == "measured"]

    assert [(one.rate, one.identities) for one in found] == [
        (0.1, size) for size in dict.fromkeys([n for n in (1, 2, 5) if n < others] + [others])
    ]
    for one, before in zip(found, [None, *found], strict=False):
        assert alarms(best, one.identities, one.score) <= 0.1
        lower = alarms(best, one.identities, one.score - 1.01 * WIDTH)
        assert lower > 0.1 or (before is not None and one.score == before.score)
        assert before is None or one.score >= before.score


@pytest.mark.parametrize("seed", range(3))
def test_bound_by_its_formula(seed):
    """Above the number of others: the share of scores that one of N independent ones may reach, if ten do."""
    best = best_scores(seed, 400, 50)
    found = [one for one in stranger_thresholds(best) if one.rate == 0.1]
    largest = next(one for one in found if one.identities == 50)

    assert [one.how for one in found] == ["measured"] * 6 + ["bound"] * 2
    assert [one.identities for one in found] == [1, 2, 5, 10, 20, 50, 100, 200]
    for one in found[6:]:
        share = 1 - 0.9 ** (1 / one.identities)
        assert share * best.size >= 10
        assert (best >= one.score).mean() <= share
        assert (best >= one.score - 1.01 * WIDTH).mean() > share or one.score == largest.score
    assert (1 - 0.9 ** (1 / 500)) * best.size < 10


def test_unlike_strangers_the_bound_holds():
    """On drawn vectors, strangers to galleries larger than the validation set raise no more alarms than wanted."""
    random = np.random.default_rng(5)
    vectors = random.normal(size=(4000, 12)).astype(np.float32)
    vectors[:, 0] += random.choice([0, 3], 4000)  # some resemble many
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    best = vectors[:300] @ vectors[300:400].T
    found = stranger_thresholds(best)
    for size, how in ((100, "measured"), (200, "bound"), (3000, "extrapolated")):
        threshold = unknown_below(found, size, 0.1)
        rate = float(((vectors[3400:] @ vectors[400 : 400 + size].T).max(axis=1) >= threshold.score).mean())
        assert threshold.how == how
        assert 0.03 < rate < 0.15


def test_only_rates_that_queries_can_tell():
    """A rate needs three queries that raise an alarm; without any there is no threshold, and a message says so."""
    rates = [{one.rate for one in stranger_thresholds(best_scores(0, queries, 3))} for queries in (29, 30, 300, 3000)]

    assert rates == [set(), {0.1}, {0.1, 0.01}, {0.1, 0.01, 0.001}]
    with pytest.raises(ConfigError, match="too few to tell any false alarm rate"):
        unknown_below((), 5, None)


ROWS = (
    Threshold(1, 0.1, 0.5, "measured"),
    Threshold(10, 0.1, 0.6, "measured"),
    Threshold(100, 0.1, 0.8, "bound"),
    Threshold(1, 0.01, 0.7, "measured"),
    Threshold(10, 0.01, just_above(1.0), "measured"),
)


def test_the_threshold_of_a_gallery():
    """That of the next larger size; beyond the last, the distance to 1 falls as in the last tenfold growth."""
    assert [unknown_below(ROWS, size, 0.1).score for size in (1, 2, 10, 11, 100)] == [0.5, 0.6, 0.6, 0.8, 0.8]
    assert unknown_below(ROWS, 1000, 0.1) == Threshold(1000, 0.1, pytest.approx(0.9), "extrapolated")
    assert unknown_below(ROWS, 200, 0.5).score == pytest.approx(1 - 0.2 * 0.5 ** math.log10(2))
    assert unknown_below(ROWS, 1000, 0.01).score == just_above(1.0)
    assert unknown_below(ROWS[:1], 7, 0.1) == replace(ROWS[0], identities=7, how="extrapolated")


def test_the_rate_of_a_gallery():
    """The next lower one that there is; without a wish 1e-2, or the lowest above it."""
    assert unknown_below(ROWS, 1, 0.05).rate == 0.01
    assert unknown_below(ROWS, 1, None).rate == 0.01
    assert unknown_below(ROWS[:3], 1, None).rate == 0.1
    with pytest.raises(
        ConfigError, match=r"rate of 0\.001 is lower than the validation images can tell, which is 0\.01"
    ):
        unknown_below(ROWS, 1, 0.001)
    with pytest.raises(ConfigError, match="at least one identity, got 0"):
        unknown_below(ROWS, 0, 0.1)


def test_scores_up_to_one():
    """Where strangers score 1 nothing is high enough; where all score the same, just above it is."""
    same = np.full((40, 3), 0.5, dtype=np.float32)

    assert {one.score for one in stranger_thresholds(np.ones((40, 3), np.float32))} == {just_above(1.0)}
    assert all(0.5 < one.score <= 0.5 + 2 * WIDTH for one in stranger_thresholds(same))
