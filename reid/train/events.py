"""What is told of a division and of an epoch: in the log, on the screen and for TensorBoard."""

from typing import Any, NamedTuple

import numpy as np

from reid.evaluation.clustering import normalised_mutual_information
from reid.records import Integers
from reid.train.division import Division
from reid.train.insight import LearnerTally


class Durations(NamedTuple):
    """Seconds that something took, and how many of them one part of it did."""

    whole: float
    part: float


def division_event(
    epoch: int, division: Division, previous: Division | None, identities: Integers, took: Durations
) -> dict[str, Any]:
    """The event "division".

    Args:
        epoch: before which it was made.
        division: of the training set.
        previous: the one before, or None.
        identities: (N,) of the training images.
        took: of the whole round, and of extracting features.

    Returns:
        "event", "epoch"; "sizes" and "identities" of each cluster; "sitting_out", images without another of their
        identity in their cluster; "agreement" (NMI) with the round before, None where there was none of as many learners;
        "merged", "retries" and "idle", see `Division`; "seconds" and "feature_seconds".
    """
    return {
        "event": "division",
        "epoch": epoch,
        "sizes": division.sizes(),
        "identities": [len(np.unique(identities[division.clusters == k])) for k in range(division.learners)],
        "sitting_out": division.sitting_out(),
        "agreement": None
        if previous is None or previous.learners != division.learners
        else agreement(previous, division),
        "merged": division.merged,
        "retries": division.retries,
        "idle": division.idle(),
        "feature_seconds": took.part,
        "seconds": took.whole,
    }


def epoch_figures(tally: LearnerTally, images: int, took: Durations, trained: float) -> dict[str, Any]:
    """What an epoch's event says of loss and speed.

    Args:
        tally: of the epoch, also of what was done before a resume.
        images: trained on since this process began the epoch.
        took: of the whole epoch since then, and of its division.
        trained: seconds until validation began, the division included.
    """
    return {
        "loss": tally.mean_loss(),
        "images": tally.seen(),
        "images_per_second": images / max(1e-9, trained - took.part),
        "seconds": took.whole,
        "division_seconds": took.part,
        "division_share": took.part / max(1e-9, took.whole),
    }


def agreement(previous: Division, now: Division) -> float:
    """Normalised mutual information of two divisions, 0..1, over the images that sit out of neither."""
    both = (previous.clusters >= 0) & (now.clusters >= 0)
    return normalised_mutual_information(previous.clusters[both], now.clusters[both])
