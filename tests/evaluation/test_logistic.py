"""The curve of the largest likelihood, also where there is none."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from reid.evaluation.logistic import fit_logistic

SCORES = np.linspace(-1, 1, 9)
counts = st.lists(st.integers(0, 50), min_size=9, max_size=9).filter(any)


def loss(curve, matching, others) -> float:
    """Cross-entropy pair by pair: each kind of pair half of all, and known as well as its number allows."""
    total = 0.0
    sure = {"matching": (sum(matching) + 1) / (sum(matching) + 2), "others": 1 / (sum(others) + 2)}
    for kind, numbers in (("matching", matching), ("others", others)):
        for score, number in zip(SCORES.tolist(), numbers, strict=True):
            odds = curve[0] * score + curve[1]
            target = sure[kind]
            each = target * np.logaddexp(0, -odds) + (1 - target) * np.logaddexp(0, odds)
            total += 0.5 * number / sum(numbers) * each
    return float(total)


@settings(deadline=None, max_examples=40)
@given(counts, counts)
def test_no_other_curve_is_likelier(matching, others):
    """Any counts, separable ones too: finite, and no better one is found by another method; it never falls."""
    found = fit_logistic(SCORES, np.array(matching), np.array(others))
    other = minimize(loss, found, (matching, others), method="L-BFGS-B", bounds=[(0, None), (None, None)])

    assert np.isfinite(found).all()
    assert found[0] >= 0
    assert loss(found, matching, others) <= other.fun + 1e-7


def test_a_known_curve_comes_back():
    """Numbers of pairs that follow a curve give that curve, however many more pairs of one kind there are."""
    share = 1 / (1 + np.exp(-(8 * SCORES - 2)))
    matching = np.rint(1e9 * share).astype(np.int64)
    others = np.rint(1e9 * (1 - share)).astype(np.int64)
    prior = matching.sum() / (matching.sum() + others.sum())
    for more in (1, 1000):
        slope, intercept = fit_logistic(SCORES, matching, more * others)
        assert slope == pytest.approx(8, rel=1e-4)
        assert intercept == pytest.approx(-2 - math.log(prior / (1 - prior)), rel=1e-4)


def test_separable_scores():
    """Half way between the two kinds the probability is a half, and beyond either it is as sure as pairs can tell."""
    matching, others = np.zeros(9, np.int64), np.zeros(9, np.int64)
    matching[7:], others[:2] = 500, 500
    slope, intercept = fit_logistic(SCORES, matching, others)
    nearest = 1 / (1 + np.exp(-(slope * SCORES[[1, 7]] + intercept)))

    assert intercept == pytest.approx(0, abs=1e-6)
    assert nearest[0] == pytest.approx(1 / 1002, rel=2)
    assert 1 - nearest[1] == pytest.approx(1 / 1002, rel=2)


@pytest.mark.parametrize(
    ("matching", "others"), [([0, 5, 0], [0, 9, 0]), ([5, 0, 0], [0, 0, 5]), ([1, 1, 1], [2, 2, 2])]
)
def test_scores_that_tell_nothing(matching, others):
    """All the same, the wrong way round, or alike for both kinds: one half everywhere."""
    slope, intercept = fit_logistic(np.array([0.1, 0.5, 0.9]), np.array(matching), np.array(others))

    assert slope == pytest.approx(0, abs=1e-6)
    assert intercept == pytest.approx(0, abs=0.2)  # a few pairs of one kind and more of the other tell that much
