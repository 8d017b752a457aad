"""Is the identity in the gallery at all, and if so, is it found? Open-set identification.

Queries whose identity the gallery lacks are the *non-mated* searches, those with a match the *mated* ones. A search
raises an alarm where the nearest gallery image that counts is below a threshold. The false alarm rate (FAR) is the
share of non-mated searches with an alarm; the detection and identification rate (DIR, at rank 1) is the share of
mated searches with an alarm whose nearest image is the right one (Phillips, Grother and Micheals, "Evaluation
Methods in Face Recognition", Handbook of Face Recognition, 2011; the true positive identification rate of ISO/IEC
19795-1). Distances are compared exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.distances import Distances, RoundedDistances
from reid.evaluation import metrics
from reid.evaluation.blocks import Block
from reid.evaluation.matches import Labels
from reid.evaluation.ranking import MatchRanks
from reid.records import JUNK, Floats, Integers

RATES: Mapping[str, float] = {"1e-2": 1e-2, "1e-1": 1e-1}
"""False alarm rates at which the detection and identification rate is reported, by their names in JSON."""

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class OpenSet:
    """Detection and identification in a gallery that lacks some of the queries' identities.

    Attributes:
        mated: queries with a match.
        non_mated: queries whose identity the gallery lacks.
        left_out: queries that are neither, as their identity is in the gallery on their own camera only.
        dir: detection and identification rate by false alarm rate (`RATES`); None without mated queries, or without
            non-mated ones.
        thresholds: distance at which the first false alarm too many would be raised: alarms are raised below it;
            None where there is none, or `dir` is None. Known to the precision of float32.
    """

    mated: int
    non_mated: int
    left_out: int
    dir: Mapping[str, float | None]
    thresholds: Mapping[str, float | None] = field(compare=False)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "mated": self.mated,
            "non_mated": self.non_mated,
            "left_out": self.left_out,
            "dir_at_far": dict(self.dir),
            "thresholds": dict(self.thresholds),
        }


class Nearest:
    """Collects how near the nearest image is: of mated queries the nearest match, of non-mated ones any that counts.

    To be called with every block of a ranking, in any order.

    Args:
        distances: that are ranked.
        non_mated: (Q,) bool.
    """

    def __init__(self, distances: Distances, non_mated: NDArray[np.bool_]) -> None:
        self.non_mated = non_mated
        self.quick = np.full(len(non_mated), np.inf, dtype=np.float32)
        """(Q,) float32 quick distances; infinity where there is no such image."""
        self._exact = distances if isinstance(distances, RoundedDistances) else None
        self._order = np.full(len(non_mated), _NEVER)

    def __call__(self, block: Block) -> None:
        """Look at a block."""
        np.minimum.at(self.quick, block.start + block.matched.rows, block.matched.near)
        rows = np.flatnonzero(self.non_mated[block.start : block.start + len(block.others)])
        others, queries = block.others[rows], block.start + rows
        self.quick[queries] = np.minimum(self.quick[queries], others.min(axis=1, initial=np.inf))
        if self._exact is not None:
            self._compare_matches(self._exact, block)
            self._compare_others(self._exact, queries, others, block.first)

    def order(self) -> NDArray[np.int64] | NDArray[np.float32]:
        """(Q,) numbers in the true order of the distances."""
        return self.quick if self._exact is None else self._order

    def _compare_matches(self, exact: RoundedDistances, block: Block) -> None:
        queries = block.start + block.matched.rows
        close = block.matched.near <= _within(self.quick[queries], exact)
        queries, columns = queries[close], block.matched.columns[close]
        np.minimum.at(self._order, queries, exact.exact_pairs(queries, columns))

    def _compare_others(self, exact: RoundedDistances, queries: Integers, others: Floats, first: int) -> None:
        near = others <= _within(self.quick[queries], exact)[:, np.newaxis]
        columns = np.flatnonzero(near.any(axis=0))
        table = exact.exact(queries, first + columns)
        table[np.isinf(others[:, columns])] = _NEVER
        self._order[queries] = np.minimum(self._order[queries], table.min(axis=1, initial=_NEVER))


def non_mated(query: Labels, gallery: Labels) -> NDArray[np.bool_]:
    """(Q,) bool, which queries have an identity that the gallery lacks; junk is none of them."""
    strangers: NDArray[np.bool_] = np.isin(query.identities, [JUNK, *gallery.identities], invert=True)
    return strangers


def open_set(nearest: Nearest, found: MatchRanks) -> OpenSet:
    """The rates, once a ranking has shown all its blocks to `nearest`.

    Args:
        nearest: what it collected.
        found: the ranks.
    """
    mated = np.flatnonzero(found.matches > 0)
    right = mated[metrics.first_ranks(found) == 1]
    order, strangers = nearest.order(), np.flatnonzero(nearest.non_mated)
    strangers = strangers[np.argsort(order[strangers], kind="stable")]
    rates: dict[str, float | None] = dict.fromkeys(RATES)
    thresholds: dict[str, float | None] = dict.fromkeys(RATES)
    for name, rate in RATES.items():
        if not len(mated) or not len(strangers):
            continue
        allowed = np.count_nonzero(np.arange(1, len(strangers) + 1) / len(strangers) <= rate)
        first = strangers[allowed]  # there is one, as rates are below 1
        rates[name] = float(np.count_nonzero(order[right] < order[first]) / len(mated))
        thresholds[name] = float(nearest.quick[first]) if np.isfinite(nearest.quick[first]) else None
    neither = found.asked & (found.matches == 0) & ~nearest.non_mated
    return OpenSet(len(mated), len(strangers), int(np.count_nonzero(neither)), rates, thresholds)


def _within(quick: Floats, exact: RoundedDistances) -> Floats:
    """The largest quick distance whose true one may be as small as that of `quick`, rounded up."""
    bounds = (quick + np.float64(2 * exact.rounding)).astype(np.float32)
    return np.nextafter(bounds, np.float32(np.inf))
