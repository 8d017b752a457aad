"""A block of query rows on its way to what counts or collects in it."""

from dataclasses import dataclass

from reid.records import Floats, Integers


@dataclass(frozen=True, eq=False)
class Matched:
    """P matches of a block of queries.

    Attributes:
        rows: (P,) int64 rows of the block, ascending.
        columns: (P,) int64 gallery images.
        near: (P,) float32 their distances.
    """

    rows: Integers
    columns: Integers
    near: Floats


@dataclass(frozen=True, eq=False)
class Block:
    """Distances of the queries start..start+B-1 to the gallery images first..first+C-1, which may be all of them.

    Attributes:
        start: the query of the first row.
        others: (B, C) float32 distances of the non-matches, infinity for all else; only to be read.
        matched: the matches of these queries among these images.
        first: the gallery image of the first column.
    """

    start: int
    others: Floats
    matched: Matched
    first: int = 0
