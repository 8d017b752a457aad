"""How many non-matches rank before each match, counted without sorting anything but the matches.

Rounded distances of a row say, for each of its matches, how many images are surely nearer and which are too near to
tell. The latter are compared exactly. Rows where almost everything is too near to tell, as those of a collapsed
model, are compared exactly as a whole.
"""

from dataclasses import dataclass

import numpy as np

from reid.distances import EXACT_BITS, RoundedDistances
from reid.distances.threads import share_rows
from reid.evaluation.blocks import Matched
from reid.evaluation.scanning import scan_rows
from reid.records import Floats, Integers

EXACT = 2**20
"""Exact distances held at a time, unless there is less memory."""

_DENSE = 16  # a row is compared as a whole when more than a sixteenth of a tile, a match, is too near to tell


@dataclass(frozen=True, eq=False)
class Counts:
    """What ranks before each of P matches.

    Attributes:
        before: (P,) int64 non-matches at a smaller or equal distance.
        tied: (P,) int64 those of them at an equal distance.
    """

    before: Integers
    tied: Integers


def count_given(block: Floats, matched: Matched) -> Counts:
    """Count by distances that are taken as they are; at equal distance the non-match is before.

    Args:
        block: (B, G) distances of the non-matches, infinity for all else.
        matched: the matches of its queries.
    """
    order = np.lexsort((matched.near, matched.rows))
    near, first = matched.near[order], np.searchsorted(matched.rows, np.arange(len(block) + 1))
    below, within = np.zeros(len(near), dtype=np.int64), np.zeros(len(near), dtype=np.int64)

    def work(start: int, stop: int) -> None:
        scan_rows(block, (start, stop), first, (near, near), (below, within), 0)

    share_rows(work, len(block))
    return _in_order(order, below + within, within)


class RoundedCount:
    """Counts in a block of queries by rounded distances, tile by tile, and exactly where these cannot tell.

    Args:
        distances: where the tiles come from.
        start: the query of row 0.
        size: number of rows.
        rows: (P,) int64 rows of the matches, ascending.
        columns: (P,) int64 their gallery images.
        exact: exact distances held at a time, at least a row.
    """

    def __init__(
        self,
        distances: RoundedDistances,
        start: int,
        size: int,
        rows: Integers,
        columns: Integers,
        *,
        exact: int = EXACT,
    ) -> None:
        own = distances.exact_pairs(start + rows, columns)
        self._order = np.lexsort((own, rows))
        self._distances, self._start, self._exact = distances, start, exact
        self._rows, self._columns, self._own = rows, columns[self._order], own[self._order]
        self._first = np.searchsorted(rows, np.arange(size + 1))
        self._bands = bands(self._own, distances.rounding)
        self._counts = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
        self._pairs: list[Integers] = []

    def add(self, tile: Floats, first: int) -> None:
        """Count in a (B, C) tile whose columns are the gallery images first, ...; infinity for all but non-matches."""
        pairs = scan_rows(tile, (0, len(tile)), self._first, self._bands, self._counts, _DENSE)
        pairs[:, 1] += first
        self._pairs.append(pairs)

    def finish(self, same: tuple[Integers, Integers], junk: Integers) -> Counts:
        """The counts of all tiles.

        Args:
            same: rows, ascending, and columns of all images of a query's identity, which are no non-matches.
            junk: columns that are not either, in any row.
        """
        pairs = np.concatenate(self._pairs) if self._pairs else np.zeros((0, 2), dtype=np.int64)
        below, within = self._counts
        listed = np.bincount(pairs[:, 0], minlength=len(below))
        dense = np.isin(self._rows, self._rows[listed < within])
        pairs = pairs[~dense[pairs[:, 0]]]
        queries = self._start + self._rows
        before, tied = decide(self._distances, queries, self._own, below, (pairs[:, 0], pairs[:, 1]))
        if dense.any():
            before[dense], tied[dense] = self._compare_all(np.flatnonzero(dense), same, junk)
        return _in_order(self._order, before, tied)

    def _compare_all(
        self, matches: Integers, same: tuple[Integers, Integers], junk: Integers
    ) -> tuple[Integers, Integers]:
        """What is before and tied, from exact distances of whole rows."""
        before, tied = np.zeros(len(matches), dtype=np.int64), np.zeros(len(matches), dtype=np.int64)
        gallery = np.arange(self._distances.shape[1])
        asked, place = np.unique(self._rows[matches], return_inverse=True)
        step = max(1, self._exact // len(gallery))
        for start in range(0, len(asked), step):
            some = asked[start : start + step]
            table = self._distances.exact(self._start + some, gallery)
            for exact, row, first in zip(table, some, range(start, start + step), strict=False):
                exact[same[1][slice(*np.searchsorted(same[0], [row, row + 1]))]] = 2**EXACT_BITS
                exact[junk] = 2**EXACT_BITS
                for match in np.flatnonzero(place == first):
                    before[match] = np.count_nonzero(exact <= self._own[matches[match]])
                    tied[match] = np.count_nonzero(exact == self._own[matches[match]])
        return before, tied


def bands(own: Integers, rounding: float) -> tuple[Floats, Floats]:
    """Lowest and highest rounded distance, (P,) float32, whose true one may equal a match's.

    Args:
        own: (P,) exact distances of the matches.
        rounding: largest difference of a rounded from the true distance.
    """
    near = (own - 2**52) / 2.0**52
    low, high = (near - rounding).astype(np.float32), (near + rounding).astype(np.float32)
    return np.nextafter(low, np.float32(-np.inf)), np.nextafter(high, np.float32(np.inf))


def decide(
    distances: RoundedDistances, queries: Integers, own: Integers, below: Integers, pairs: tuple[Integers, Integers]
) -> tuple[Integers, Integers]:
    """What is before and tied with each match, comparing exactly what is too near to tell.

    Args:
        distances: where they come from.
        queries: (P,) the query of each match.
        own: (P,) its exact distance.
        below: (P,) how many non-matches are surely nearer.
        pairs: matches and gallery images to be compared, (L,) each.
    """
    match, column = pairs
    other = distances.exact_pairs(queries[match], column)
    before = below + np.bincount(match[other <= own[match]], minlength=len(below))
    return before, np.bincount(match[other == own[match]], minlength=len(below))


def _in_order(order: Integers, before: Integers, tied: Integers) -> Counts:
    """The counts of matches that were put in this order, as they stood before."""
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return Counts(before[back], tied[back])
