"""From which score on the best image of a gallery is an answer, so that strangers to it come out as unknown.

A stranger is a query whose identity the gallery lacks; it raises a false alarm where its best score reaches a
threshold. Its best score is the best of many, and grows with the gallery, so that a threshold for single pairs lets
far too many through. With s(q, j) the best score of query q with the images of another identity j, of J others, three
ways lead to the threshold of a false alarm rate for a gallery of N identities:

- "measured", N up to J: the share of false alarms over all galleries of N of the others, each with all its images:
  of the s(q, .) in falling order, the k-th is the best of C(J - k, N - 1) of the C(J, N) galleries.
- "bound", above: were all s(q, j) independent, the rate would be 1 - (1 - F)**N, F being the share of all s(q, j) that
  reach the threshold. Some queries resemble many identities and others few, and then the true rate is lower (Jensen's
  inequality). Taken as far as at least 10 of the s(q, j) reach the threshold.
- "extrapolated", above that: 1 - score falls as a power of N, as it does for the best of many scores that end at 1
  (the Weibull case of extreme values), with the power of the last tenfold growth.

Thresholds never fall with N. All hold for identities with about as many images as these have, and for images like
these; the scores are those of distances in the bins of `reid.evaluation.verification`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from reid.errors import ConfigError
from reid.evaluation.verification import BINS
from reid.records import Floats

RATES: Mapping[str, float] = {"1e-1": 1e-1, "1e-2": 1e-2, "1e-3": 1e-3}
"""False alarm rates with a threshold, where so many of the queries are at least three."""

HOW = ("measured", "bound", "extrapolated")
"""Ways to a threshold."""

_USUAL = 1e-2
_WIDTH = 2.0 / BINS
_ALARMS = 3  # queries that raise one at a rate that is told; fewer are too few identities
_LEAST = 10  # scores above a threshold for the bound
_PLACES = (1, 2, 5)


@dataclass(frozen=True)
class Threshold:
    """From which best score on a query is taken to be in the gallery.

    Attributes:
        identities: in the gallery.
        rate: share of strangers whose best score reaches `score`.
        score: cosine similarity; above 1 where no score is high enough.
        how: "measured", "bound" or "extrapolated".
    """

    identities: int
    rate: float
    score: float
    how: str


def stranger_thresholds(best: Floats) -> tuple[Threshold, ...]:
    """Thresholds for galleries of 1, 2, 5, 10, ... identities, as far as the scores reach.

    Args:
        best: (Q, J) the best score of Q queries with each of J other identities, in any order.

    Returns:
        By rate, the highest first, then by size; none for rates that Q queries cannot tell.
    """
    queries, others = best.shape
    bins = np.clip((1 - best) * np.float32(1 / _WIDTH), 0, BINS - 1).astype(np.int32)
    bins.sort(axis=1)
    rates = [rate for rate in RATES.values() if queries * rate >= _ALARMS]
    found: dict[float, list[Threshold]] = {rate: [] for rate in rates}
    for size in [*_sizes(1, others - 1), others]:
        alarms = _alarms(bins, size)
        for rate in rates:
            _add(found[rate], size, rate, _score(alarms, rate), "measured")
    alarms = _alarms(bins, 1)
    for rate in rates:
        for size in _sizes(others + 1, 10**12):
            of_one = -math.expm1(math.log1p(-rate) / size)
            if of_one * queries * others < _LEAST:
                break
            _add(found[rate], size, rate, _score(alarms, of_one), "bound")
    return tuple(one for rate in rates for one in found[rate])


def unknown_below(thresholds: Sequence[Threshold], identities: int, rate: float | None) -> Threshold:
    """The threshold for a gallery, that of the next larger size for which there is one.

    Args:
        thresholds: of `stranger_thresholds`.
        identities: in the gallery, at least 1; images whose identity is not known count as one each.
        rate: wanted share of strangers that are not found out, above 0; where it has no threshold, the next lower rate
            that has one is kept instead. None is 1e-2, or the lowest there is above it.

    Raises:
        ConfigError: no rate is as low, there is none at all, or the number is below 1.
    """
    if identities < 1:
        raise ConfigError(f"a gallery with a threshold has at least one identity, got {identities}")
    lowest = min((one.rate for one in thresholds), default=math.inf)
    if math.isinf(lowest):
        raise ConfigError(
            "the validation images are too few to tell any false alarm rate; hold out more identities (data.validation), "
            "or give a threshold"
        )
    rate = max(_USUAL, lowest) if rate is None else rate
    low = {one.rate for one in thresholds if one.rate <= rate * (1 + 1e-9)}
    if not low:
        raise ConfigError(
            f"a false alarm rate of {rate:g} is lower than the validation images can tell, which is {lowest:g}; "
            "ask for a higher one, or hold out more identities (data.validation)"
        )
    rows = sorted((one for one in thresholds if one.rate == max(low)), key=lambda one: one.identities)
    return next((one for one in rows if one.identities >= identities), None) or _beyond(rows, identities)


def just_above(score: float) -> float:
    """The next float32 above a score: reached by what lies above it, and not by what equals it."""
    return float(np.nextafter(np.float32(score), np.float32(2)))


def _beyond(rows: Sequence[Threshold], identities: int) -> Threshold:
    last = rows[-1]
    before = [one for one in rows if one.identities * 10 <= last.identities][-1:] or rows[:1]
    score = last.score
    if before[0].identities < last.identities and score < 1:
        fallen = math.log((1 - score) / (1 - before[0].score)) / math.log(last.identities / before[0].identities)
        score = 1 - (1 - score) * (identities / last.identities) ** fallen
    return Threshold(identities, last.rate, score, "extrapolated")


def _sizes(least: int, most: int) -> list[int]:
    sizes = (place * 10**power for power in range(len(str(max(1, most)))) for place in _PLACES)
    return [size for size in sizes if least <= size <= most]


def _alarms(bins: NDArray[np.int32], size: int) -> NDArray[np.float64]:
    """(BINS + 1,) false alarm rate of each edge of a bin as threshold, for galleries of `size` of the identities."""
    queries, others = bins.shape
    k = np.arange(1, others - size + 2)
    ways = gammaln(others - k + 1) - gammaln(size) - gammaln(others - k - size + 2)
    weights = np.exp(ways - (gammaln(others + 1) - gammaln(size + 1) - gammaln(others - size + 1)))
    used = int(np.searchsorted(np.cumsum(weights), 1 - 1e-12)) + 1
    weights = weights[:used] / weights[:used].sum()
    chosen = bins[:, : len(weights)]
    counts = np.bincount(chosen.reshape(-1), np.broadcast_to(weights / queries, chosen.shape).reshape(-1), BINS)
    return np.concatenate([[0.0], np.cumsum(counts)])


def _score(alarms: NDArray[np.float64], rate: float) -> float:
    """The lowest score that is reached at no more than a rate; the edges of bins lie below, and are not reached."""
    edge = int(np.flatnonzero(alarms <= rate * (1 + 1e-9))[-1])
    return just_above(1 - edge * _WIDTH)


def _add(found: list[Threshold], size: int, rate: float, score: float, how: str) -> None:
    found.append(Threshold(size, rate, max(score, found[-1].score) if found else score, how))
