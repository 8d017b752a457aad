"""The figures of retrieval, each a pure function of the ranks at which matches stand.

Every function gives one value per *scored* query, a query with at least one match; a query without any has no
value, and how many there are is reported beside the means. n is the number of a query's matches, r_k the rank of
its k-th match among the gallery images that count for it, from 1.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from reid.evaluation.ranking import MatchRanks
from reid.records import Integers

Values = NDArray[np.float64]


def first_ranks(ranks: MatchRanks) -> Integers:
    """r_1, (S,) int64."""
    return ranks.ranks[_starts(ranks)]


def hits(ranks: MatchRanks, at: int) -> Values:
    """1 where at least one match is among the first `at`, else 0, (S,).

    Its mean is the CMC curve at rank `at`, and the recall at `at` of metric learning. Where fewer than `at` images
    count, it stays at its last value.
    """
    return (first_ranks(ranks) <= at).astype(np.float64)


def step_precision(ranks: MatchRanks) -> Values:
    """Average precision by steps: mean over k of k / r_k, (S,); of torchreid, fast-reid, TransReID."""
    return _mean(_places(ranks) / ranks.ranks, ranks)


def trapezoid_precision(ranks: MatchRanks) -> Values:
    """Average precision by trapezoids, (S,), as the MATLAB code of Market-1501 does (Zheng et al., ICCV 2015).

    Mean over k of half the sum of the precision at r_k, which is k / r_k, and the one just before it,
    (k - 1) / (r_k - 1), taken as 1 at rank 1.
    """
    place, rank = _places(ranks), ranks.ranks
    before = np.where(rank > 1, (place - 1) / np.maximum(rank - 1, 1), 1.0)
    return _mean((place / rank + before) / 2, ranks)


AVERAGE_PRECISIONS: Mapping[str, Callable[[MatchRanks], Values]] = MappingProxyType(
    {"step": step_precision, "trapezoid": trapezoid_precision}
)
"""The two definitions in use; they differ by up to 5 points of mAP."""


def inverse_negative_penalty(ranks: MatchRanks) -> Values:
    """n / r_n: how early the hardest match comes, (S,). Its mean is mINP (Ye et al., "Deep Learning for Person
    Re-Identification", PAMI 2021).
    """
    scored = ranks.matches[ranks.matches > 0]
    return np.asarray(scored / ranks.ranks[_starts(ranks) + scored - 1], dtype=np.float64)


def r_precision(ranks: MatchRanks) -> Values:
    """Share of matches among the first n, (S,)."""
    return _mean((ranks.ranks <= _matches(ranks)).astype(np.float64), ranks)


def map_at_r(ranks: MatchRanks) -> Values:
    """Average precision within the first n, (S,): 1/n of the sum of k / r_k over all r_k <= n.

    MAP@R of Musgrave, Belongie and Lim, "A Metric Learning Reality Check", ECCV 2020.
    """
    within = ranks.ranks <= _matches(ranks)
    return _mean(np.where(within, _places(ranks) / ranks.ranks, 0.0), ranks)


def precision_at_recall(ranks: MatchRanks) -> Values:
    """Mean interpolated precision at recalls of 0, 1 %, ..., 100 %, (101,): the curve of precision and recall.

    The precision of a query at a recall is the highest at that recall or a later one (Manning, Raghavan and Schuetze,
    "Introduction to Information Retrieval", 2008, section 8.4); every query counts the same. Empty where no query is
    scored.
    """
    scored = ranks.matches[ranks.matches > 0]
    if not len(scored):
        return np.zeros(0)
    precision = _places(ranks) / ranks.ranks
    # From the last match to the first the largest so far; a step of 2 for each query keeps them apart.
    apart = 2.0 * np.repeat(np.arange(len(scored))[::-1], scored)
    best = (np.maximum.accumulate((precision + apart)[::-1]))[::-1] - apart
    starts, levels = _starts(ranks), np.arange(101)
    needed = [np.maximum(1, -(-level * scored // 100)) for level in levels]
    return np.array([math.fsum(best[starts + place - 1]) / len(scored) for place in needed])


def mean(values: Values) -> float | None:
    """The mean over queries, whose order does not matter to the last bit; None, undefined, where no query is scored."""
    return math.fsum(values) / len(values) if len(values) else None


def _starts(ranks: MatchRanks) -> Integers:
    scored = ranks.matches[ranks.matches > 0]
    return np.cumsum(scored) - scored


def _matches(ranks: MatchRanks) -> Integers:
    """n of the query that each match belongs to, (M,)."""
    return np.repeat(ranks.matches, ranks.matches)


def _places(ranks: MatchRanks) -> Integers:
    """k of each match, (M,)."""
    first = np.cumsum(ranks.matches) - ranks.matches
    return np.arange(1, len(ranks.ranks) + 1) - np.repeat(first, ranks.matches)


def _mean(values: Values, ranks: MatchRanks) -> Values:
    if not len(values):
        return np.zeros(0)
    return np.add.reduceat(values, _starts(ranks)) / ranks.matches[ranks.matches > 0]
