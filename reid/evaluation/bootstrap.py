"""How far a figure could have come out otherwise, had other identities been photographed.

Pictures of one identity succeed or fail together, so identities are resampled, not queries: with replacement, as
many as there are, each with all its queries (the cluster bootstrap). The figure of a resample is the sum over its
queries divided by their number; the interval holds the middle 95 % of them (Efron and Tibshirani, "An Introduction
to the Bootstrap", 1993, sections 8 and 13). Gallery and vectors stay as they are: the interval says nothing about
another training run.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from reid import rng
from reid.evaluation.metrics import Values
from reid.evaluation.per_query import PerQuery
from reid.records import Integers

RESAMPLES = 1000
"""Default number of resamples."""

Interval = tuple[float, float] | None
"""Lower and upper end; None where it is undefined."""

_SHARE = 95.0  # percent of the resamples between the ends
_CHUNK = 2**19  # draws made at a time


def intervals(values: PerQuery, *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Interval]:
    """The 95 % interval of every figure, the same resamples for all.

    Args:
        values: of every scored query.
        resamples: how many; they come from `rng.generator(seed, "bootstrap")`. 0 gives no intervals at all.
        seed: of the resamples.

    Returns:
        Intervals by figure; None where fewer than two identities have a scored query.
    """
    if not resamples:
        return {}
    sums = values.by_identity()
    if len(sums.names) < 2:
        return dict.fromkeys(values.figures)
    return ends(resample(sums.weights, sums.figures, resamples=resamples, seed=seed))


def curve_intervals(
    values: PerQuery, longest: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> list[tuple[float, float]]:
    """The 95 % interval of the CMC curve at ranks 1, 2, ..., `longest`.

    Args:
        values: of every scored query.
        longest: last rank of the curve.
        resamples: how many; those of `intervals`.
        seed: of the resamples.

    Returns:
        One interval per rank; [] where there are none: no resamples, fewer than two identities, or several trials, of
        which the ranks are not kept.
    """
    if not resamples or (values.trials > 1).any():
        return []
    hits = {str(rank): (values.first_ranks <= rank).astype(np.float64) for rank in range(1, longest + 1)}
    found = intervals(replace(values, figures=hits), resamples=resamples, seed=seed)
    return [ends for ends in found.values() if ends is not None]


def resample(
    weights: Values, figures: Mapping[str, Values], *, resamples: int, seed: int, chunk: int = _CHUNK
) -> dict[str, Values]:
    """What every figure is in each resample, (resamples,) by name.

    Args:
        weights: (I,) queries of each identity, positive.
        figures: (I,) sums of their values, by name.
        resamples: how many.
        seed: of the resamples.
        chunk: draws made at a time; bounds memory and changes nothing else.
    """
    table = np.stack([weights, *figures.values()], axis=1)
    generator = rng.generator(seed, "bootstrap")
    step = max(1, chunk // len(weights))
    parts = [
        _times(generator, min(step, resamples - start), len(weights)) @ table for start in range(0, resamples, step)
    ]
    totals = np.concatenate(parts)
    return {name: totals[:, place] / totals[:, 0] for place, name in enumerate(figures, start=1)}


def ends(resampled: Mapping[str, Values]) -> dict[str, Interval]:
    """The interval of each figure, from its resamples."""
    tail = (100 - _SHARE) / 2
    return {
        name: (float(low), float(high))
        for name, values in resampled.items()
        for low, high in [np.percentile(values, [tail, 100 - tail])]
    }


def _times(generator: np.random.Generator, resamples: int, identities: int) -> Values:
    """How often each identity is drawn in each resample, (resamples, identities); every row adds up to `identities`."""
    drawn: Integers = generator.integers(identities, size=(resamples, identities))
    drawn += identities * np.arange(resamples)[:, np.newaxis]
    counts = np.bincount(drawn.reshape(-1), minlength=resamples * identities)
    return counts.reshape(resamples, identities).astype(np.float64)
