"""What is told of a division and of an epoch."""

import numpy as np
import pytest

from reid.train.division import Division
from reid.train.events import Durations, agreement, division_event, epoch_figures
from reid.train.insight import LearnerTally

IDENTITIES = np.array([0, 0, 1, 1, 2, 2, 3, 4])


def test_a_division_is_told() -> None:
    """Sizes, identities, what sits out and which learners have nothing, counted by hand."""
    division = Division(np.array([0, 0, 0, 0, 2, 2, -1, -1]), 3, merged=((1, 0),), retries=4)
    event = division_event(6, division, None, IDENTITIES, Durations(3.0, 2.0))

    assert [int(size) for size in event["sizes"]] == [4, 0, 2]
    assert event["identities"] == [2, 0, 1]
    assert (event["sitting_out"], event["agreement"], event["merged"], event["retries"]) == (2, None, ((1, 0),), 4)
    assert list(event["idle"]) == [1]
    assert (event["epoch"], event["seconds"], event["feature_seconds"]) == (6, 3.0, 2.0)


def test_agreement_counts_images_that_are_in_both() -> None:
    """1 for the same partition under other names, 0 for an unrelated one; images that sit out do not matter."""
    one = Division(np.array([0, 0, 1, 1, -1]), 2)

    assert agreement(one, Division(np.array([1, 1, 0, 0, 0]), 2)) == pytest.approx(1.0)
    assert agreement(one, Division(np.array([0, 1, 0, 1, 1]), 2)) == pytest.approx(0.0)


def test_agreement_needs_as_many_learners() -> None:
    """Of a division into halves there is none: a measure of equal partitions would call it poor, and it follows the
    parents by law."""
    whole, halves = Division(np.zeros(8, dtype=np.int64), 1), Division(np.arange(8) // 4, 2)
    told = [division_event(0, halves, before, IDENTITIES, Durations(1, 1))["agreement"] for before in (whole, halves)]

    assert told == [None, pytest.approx(1.0)]


def test_an_epochs_figures() -> None:
    """The loss is that of the whole epoch, the speed that of this process without division and validation."""
    tally = LearnerTally(2)
    tally.add(0, 1.0, 10)
    tally.add(1, 2.0, 30)
    figures = epoch_figures(tally, 30, Durations(10.0, 2.0), 8.0)

    assert figures == {
        "loss": 1.5,
        "images": 40,
        "images_per_second": 5.0,
        "seconds": 10.0,
        "division_seconds": 2.0,
        "division_share": 0.2,
    }
