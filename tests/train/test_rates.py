"""Learning rates in the course of a run."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid.train.rates import Rates


def test_constant() -> None:
    """1 throughout, after a linear rise over the warm-up that begins just above zero."""
    plain, warm = Rates(10), Rates(10, warmup=4)

    assert {plain.factor(epoch, part) for epoch in range(10) for part in (0.0, 0.5)} == {1.0}
    assert warm.factor(0, 0.0) == pytest.approx(0.0025)
    assert warm.factor(2, 0.0) == pytest.approx(0.5, abs=0.01)
    assert warm.factor(3, 0.75) == pytest.approx(0.9375, abs=0.01)
    assert warm.factor(4, 0.0) == 1.0


def test_cosine() -> None:
    """From 1 at the end of the warm-up along half a cosine to 0 at the end of the run."""
    for warmup in (0, 2):
        rates = Rates(10, "cosine", warmup)
        for epoch in range(warmup, 10):
            for part in (0.0, 0.25):
                wanted = (1 + math.cos(math.pi * (epoch + part - warmup) / (10 - warmup))) / 2
                assert rates.factor(epoch, part) == pytest.approx(wanted)
        assert rates.factor(warmup, 0.0) == 1.0
        assert rates.factor(9, 0.999) < 0.001


def test_multi_step() -> None:
    """Times `decay` from each milestone on, at the first batch of that epoch."""
    rates = Rates(10, "multi-step", 0, (3, 6), 0.5)

    assert [rates.factor(epoch, 0.9) for epoch in range(8)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]
    assert Rates(10, "multi-step", 2, (3,), 0.1).factor(1, 0.0) == pytest.approx(0.505)


@given(st.integers(1, 30), st.integers(0, 29), st.sampled_from(["constant", "cosine", "multi-step"]))
def test_factors_are_positive_and_at_most_one(epochs: int, warmup: int, scheduler: str) -> None:
    """Every step of every run learns, and none faster than the settings say."""
    rates = Rates(epochs, scheduler, min(warmup, epochs - 1), (epochs // 2,))
    for epoch in range(epochs):
        for part in (0.0, 0.3, 0.999):
            assert 0 < rates.factor(epoch, part) <= 1
