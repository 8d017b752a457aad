"""One to one: are two images of the same identity? Receiver operating characteristic over all pairs.

A pair is a query and a gallery image that counts for it; it is accepted where its distance is below a threshold.
The true positive rate (TPR) is the share of matching pairs that are accepted, the false positive rate (FPR) the
share of the other pairs that are.

There are billions of pairs, so they are counted in bins of distance: 2**14 of them from 0 to the largest distance
(for cosine distances 2, so that a bin is 2**-13 wide), the last one closed above. Thresholds are the upper edges of
bins, and 0, which accepts nothing. The threshold of an FPR is the largest one whose FPR is not above it; the TPR
at that FPR is the TPR there, never more than with finer bins. Distances are the quick ones: one that is nearer to an
edge than the rounding error of its product may be counted beyond it, so that the last digits of a rate can depend
on the processor, not on the order of images.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.evaluation.blocks import Block
from reid.records import Floats, Integers

BINS = 2**14
"""Bins of distance."""

RATES: Mapping[str, float] = {"1e-4": 1e-4, "1e-3": 1e-3, "1e-2": 1e-2, "1e-1": 1e-1}
"""False positive rates at which the true positive rate is reported, by their names in JSON."""

_DRAWN_BINS = 1024
_CURVE = 200  # points of the curve at most
_PART = 512  # distances whose bins are found before they are counted: they stay in the fastest cache


@dataclass(frozen=True)
class Verification:
    """How well a threshold on the distance tells matching pairs from others.

    Attributes:
        matching_pairs: pairs of one identity.
        other_pairs: pairs of two.
        tpr: true positive rate by false positive rate (`RATES`); None where there are no matching pairs, or fewer
            other pairs than one over the rate.
        thresholds: distance below which pairs are accepted at that rate; None likewise.
        eer: equal error rate: where the FPR equals the share of matching pairs that are refused, on straight lines
            between thresholds; None where either kind of pair is lacking.
        width: of a bin, the distance between two thresholds.
        curve: (FPR, TPR) pairs, ascending, from (0, 0) to (1, 1), thinned for drawing; empty where undefined.
        matching: share of the matching pairs in each of 1,024 equal ranges of distance, for drawing.
        others: that of the other pairs.
    """

    matching_pairs: int
    other_pairs: int
    tpr: Mapping[str, float | None]
    thresholds: Mapping[str, float | None]
    eer: float | None
    width: float
    curve: tuple[tuple[float, float], ...]
    matching: tuple[float, ...]
    others: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without what is there to be drawn."""
        return {
            "matching_pairs": self.matching_pairs,
            "other_pairs": self.other_pairs,
            "tpr_at_fpr": dict(self.tpr),
            "thresholds": dict(self.thresholds),
            "eer": self.eer,
            "bin_width": self.width,
        }


class PairHistogram:
    """Counts matching and other pairs by distance; to be called with every block of a ranking, in any order.

    Args:
        asked: (Q,) bool, the queries whose pairs count.
        highest: the largest distance; what is above it is counted in the last bin, what is below 0 in the first.
    """

    def __init__(self, asked: NDArray[np.bool_], *, highest: float = 2.0) -> None:
        self.highest = highest
        self.matching = np.zeros(BINS, dtype=np.int64)
        self.others = np.zeros(BINS, dtype=np.int64)
        self._asked = asked
        self._scale = np.float32(BINS / highest)

    def __call__(self, block: Block) -> None:
        """Count the pairs of a block."""
        rows = self._asked[block.start : block.start + len(block.others)]
        near = block.matched.near[rows[block.matched.rows]]
        bins = np.clip(near * self._scale, 0, BINS - 1).astype(np.int64)
        self.matching += np.bincount(bins, minlength=BINS)
        counts = np.zeros(BINS + 1, dtype=np.uint32)
        _count(block.others, rows, self._scale, counts)
        self.others += counts[:BINS]


def verify(pairs: PairHistogram) -> Verification:
    """The rates of all thresholds, from the counted pairs."""
    accepted, alarms = _accepted(pairs.matching), _accepted(pairs.others)
    matching, others = int(accepted[-1]), int(alarms[-1])
    width = pairs.highest / BINS
    defined = {name: matching > 0 and others > 0 and 1 / others <= rate for name, rate in RATES.items()}
    edges = {name: _last_edge(alarms, rate) for name, rate in RATES.items() if defined[name]}
    tpr, fpr = accepted / max(1, matching), alarms / max(1, others)
    both = matching > 0 and others > 0
    return Verification(
        matching_pairs=matching,
        other_pairs=others,
        tpr={name: float(tpr[edges[name]]) if name in edges else None for name in RATES},
        thresholds={name: float(edges[name] * width) if name in edges else None for name in RATES},
        eer=_equal_error(fpr, tpr) if both else None,
        width=width,
        curve=_thinned(fpr, tpr) if both else (),
        matching=_coarse(pairs.matching),
        others=_coarse(pairs.others),
    )


def _accepted(counts: Integers) -> Integers:
    """Pairs below each threshold, (BINS + 1,); none below the first, 0."""
    return np.concatenate([[0], np.cumsum(counts)])


def _last_edge(alarms: Integers, rate: float) -> int:
    return int(np.flatnonzero(alarms / alarms[-1] <= rate)[-1])


def _equal_error(fpr: NDArray[np.float64], tpr: NDArray[np.float64]) -> float:
    """Where the line through two neighbouring thresholds has as many false alarms as refusals, in share."""
    refused = 1 - tpr
    after = int(np.argmax(fpr >= refused))  # never the first: nothing is accepted there
    before = after - 1
    gap, next_gap = refused[before] - fpr[before], refused[after] - fpr[after]
    part = gap / (gap - next_gap)
    return float(fpr[before] + part * (fpr[after] - fpr[before]))


def _thinned(fpr: NDArray[np.float64], tpr: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    """Both ends, and thresholds spread evenly over the logarithm of the FPR and over the TPR."""
    moved = np.flatnonzero((np.diff(fpr) > 0) | (np.diff(tpr) > 0)) + 1  # neither ever falls
    points = np.stack([fpr, tpr], axis=1)[np.append(0, moved)]
    half = _CURVE // 2 - 1
    lowest = points[points[:, 0] > 0, 0][0]
    by_rate = np.searchsorted(points[:, 0], np.geomspace(lowest, 1, half))
    by_hits = np.searchsorted(points[:, 1], np.linspace(0, 1, half))
    kept = np.unique(np.concatenate([[0], by_rate, by_hits, [len(points) - 1]]))
    return tuple((float(x), float(y)) for x, y in points[np.minimum(kept, len(points) - 1)])


def _coarse(counts: Integers) -> tuple[float, ...]:
    ranges = counts.reshape(_DRAWN_BINS, -1).sum(axis=1)
    return tuple((ranges / max(1, ranges.sum())).tolist())


@compiled
def _count(block: Floats, asked: NDArray[np.bool_], scale: np.float32, counts: NDArray[np.uint32]) -> None:
    """Add the distances of the rows that are asked to counts[:BINS], infinite ones to counts[BINS]."""
    lowest, last, infinite = np.float32(0), np.float32(BINS - 1), np.float32(np.inf)
    bins = np.empty(_PART, dtype=np.uint32)
    for row in range(len(block)):
        if not asked[row]:
            continue
        for start in range(0, block.shape[1], _PART):
            part = block[row, start : start + _PART]
            for place in range(len(part)):
                at = part[place] * scale
                inside = min(max(at, lowest), last)
                bins[place] = np.int32(BINS) if at == infinite else np.int32(inside)
            for place in range(len(part)):
                counts[bins[place]] += 1
