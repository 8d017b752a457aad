"""How many non-matches rank before each match, counted without sorting anything but the matches.

A first pass over a row counts, for each of its matches, the distances that are surely smaller and those too near to
tell, which it lists. The latter are compared exactly. Rows where almost everything is too near to tell, as those of
a collapsed model, are compared exactly as a whole.
"""

from dataclasses import dataclass

import numpy as np

from reid.distances import EXACT_BITS, Distances, RoundedDistances
from reid.distances.threads import share_rows
from reid.evaluation.blocks import Matched
from reid.evaluation.scanning import scan_rows
from reid.records import Floats, Integers

_EXACT = 2**20  # exact distances held at a time
_DENSE = 16  # a row is compared as a whole when more than a sixteenth of it, a match, is too near to tell


@dataclass(frozen=True, eq=False)
class Counts:
    """What ranks before each of P matches.

    Attributes:
        before: (P,) int64 non-matches at a smaller or equal distance.
        tied: (P,) int64 those of them at an equal distance.
    """

    before: Integers
    tied: Integers


def count_before(distances: Distances, start: int, block: Floats, matched: Matched) -> Counts:
    """Count the non-matches before each match; at equal distance the non-match is before.

    Args:
        distances: where the block comes from.
        start: the query of its first row.
        block: (B, G) distances of the non-matches, infinity for all else.
        matched: the matches of its queries.
    """
    order = np.lexsort((matched.near, matched.rows))
    near = matched.near[order]
    first = np.searchsorted(matched.rows, np.arange(len(block) + 1))
    rounded = distances if isinstance(distances, RoundedDistances) else None
    low, high = band(near, 0.0 if rounded is None else 2 * rounded.rounding)
    below, within, pairs = _scan_all(block, first, low, high, collect=rounded is not None)
    if rounded is None:
        return Counts(*_undo(order, below + within, within))
    ordered = Matched(matched.rows[order], matched.columns[order], near)
    before, tied = decide(rounded, start, ordered, below, pairs)
    whole = np.flatnonzero((within > 0) & ~np.isin(ordered.rows, ordered.rows[pairs[0]]))
    if len(whole):
        rows = np.isin(ordered.rows, ordered.rows[whole])
        part = Matched(ordered.rows[rows], ordered.columns[rows], near[rows])
        before[rows], tied[rows] = _compare_all(rounded, start, block, part)
    return Counts(*_undo(order, before, tied))


def band(near: Floats, width: float) -> tuple[Floats, Floats]:
    """Lowest and highest float32 distance that may in truth equal `near`, given the width of the doubt.

    Args:
        near: (P,) distances.
        width: 0, or how far apart two rounded distances may be whose true ones are equal.
    """
    if width == 0:
        return near, near
    lowest, highest = (near - np.float64(width)).astype(np.float32), (near + np.float64(width)).astype(np.float32)
    return np.nextafter(lowest, np.float32(-np.inf)), np.nextafter(highest, np.float32(np.inf))


def _undo(order: Integers, *columns: Integers) -> tuple[Integers, ...]:
    """Columns in `order` as they were before."""
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return tuple(column[back] for column in columns)


def _scan_all(
    block: Floats, first: Integers, low: Floats, high: Floats, *, collect: bool
) -> tuple[Integers, Integers, tuple[Integers, Integers]]:
    """Distances surely below and too near to tell, for each match, and the latter as pairs of match and column.

    Rows with too many of them have none listed.
    """
    below, within = np.zeros(len(low), dtype=np.int64), np.zeros(len(low), dtype=np.int64)
    found: dict[int, Integers] = {}

    def work(start: int, stop: int) -> None:
        found[start] = scan_rows(block, (start, stop), first, (low, high), (below, within), _DENSE if collect else 0)

    share_rows(work, len(block))
    listed = np.concatenate([found[start] for start in sorted(found)], axis=0) if found else np.zeros((0, 2), np.int64)
    return below, within, (listed[:, 0], listed[:, 1])


def decide(
    distances: RoundedDistances, start: int, matched: Matched, below: Integers, pairs: tuple[Integers, Integers]
) -> tuple[Integers, Integers]:
    """What is before and tied with each match, comparing exactly what is too near to tell.

    Args:
        distances: where they come from.
        start: the query of row 0.
        matched: the P matches.
        below: (P,) how many are surely nearer.
        pairs: matches and columns to be compared, (L,) each.
    """
    match, column = pairs
    unsure, place = np.unique(match, return_inverse=True)
    own = distances.exact_pairs(start + matched.rows[unsure], matched.columns[unsure])[place]
    other = distances.exact_pairs(start + matched.rows[match], column)
    before = below + np.bincount(match[other <= own], minlength=len(below))
    return before, np.bincount(match[other == own], minlength=len(below))


def _compare_all(distances: RoundedDistances, start: int, block: Floats, matched: Matched) -> tuple[Integers, Integers]:
    """What is before and tied, from exact distances of whole rows."""
    before, tied = np.zeros(len(matched.rows), dtype=np.int64), np.zeros(len(matched.rows), dtype=np.int64)
    images = np.arange(block.shape[1])
    step = max(1, _EXACT // len(images))
    asked, place = np.unique(matched.rows, return_inverse=True)
    for at in range(0, len(asked), step):
        rows = asked[at : at + step]
        table = distances.exact(start + rows, images)
        part = np.flatnonzero((place >= at) & (place < at + step))
        own = table[place[part] - at, matched.columns[part]]
        table[np.isinf(block[rows])] = 2**EXACT_BITS
        for match, row, distance in zip(part, place[part] - at, own, strict=True):
            before[match] = np.count_nonzero(table[row] <= distance)
            tied[match] = np.count_nonzero(table[row] == distance)
    return before, tied
