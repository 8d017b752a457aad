"""The rank of every match of every query, found in blocks of query rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.distances import Distances, FilledDistances
from reid.errors import ConfigError, ShapeError
from reid.evaluation.blocks import Block, Matched
from reid.evaluation.counting import count_before
from reid.evaluation.matches import Labels, Matches, Rules
from reid.records import Floats, Integers

MEMORY = 2**30
"""Default memory for scratch, in bytes."""

Watch = Callable[[Block], None]

_BYTES = 100  # scratch per distance in the worst case, when all vectors are equal
_BLOCK = 2**22  # distances in a block, 16 MiB: with more, the system takes memory back after each and clears it again


@dataclass(frozen=True, eq=False)
class MatchRanks:
    """Where the matches of Q queries rank among the gallery images that count for them.

    Attributes:
        ranks: (M,) int64 ranks from 1, those of one query after the other, each query's ascending.
        matches: (Q,) int64 how many of them each query has.
        asked: (Q,) bool, the queries that took part.
        counted: (Q,) int64 gallery images that count for each query: neither junk nor taken out by a rule.
        taken_out: (Q,) int64 images of the query's identity that a rule took out.
        ties: (Q,) int64 pairs of a match and a non-match at the same distance.
        junk: junk images in the gallery.
    """

    ranks: Integers
    matches: Integers
    asked: NDArray[np.bool_]
    counted: Integers
    taken_out: Integers
    ties: Integers
    junk: int


def rank_matches(
    distances: Distances,
    query: Labels,
    gallery: Labels,
    *,
    rules: Rules | None = None,
    asked: NDArray[np.bool_] | None = None,
    memory: int = MEMORY,
    watch: Sequence[Watch] = (),
) -> MatchRanks:
    """Rank the matches of every query. At equal distance a non-match ranks before a match.

    Args:
        distances: of Q queries to G gallery images.
        query: labels of the queries; junk queries do not take part.
        gallery: labels of the gallery; junk images are removed.
        rules: which images of the query's own identity are taken out; None takes out none.
        asked: (Q,) bool, the queries that take part; None means all.
        memory: bytes of scratch, beyond the vectors; at least one row of distances is always made.
        watch: called with every block, from the first query to the last, for what else there is to count in it.

    Raises:
        ShapeError: labels and distances differ in number, or distances are not finite.
        ConfigError: `memory` is not positive.
    """
    if distances.shape != (len(query), len(gallery)):
        raise ShapeError(
            f"distances of shape {distances.shape} do not fit {len(query)} queries x {len(gallery)} images"
        )
    matches = Matches(query, gallery, rules or Rules(), asked)
    parts = []
    for start, block in blocks(distances, memory):
        ranked, seen = _rank_block(distances, matches, start, block)
        for see in watch:
            see(seen)
        parts.append(ranked)
    columns = zip(*parts, strict=True) if parts else [[np.zeros(0, dtype=np.int64)]] * 4
    ranks, counts, taken_out, ties = (np.concatenate(list(column)) for column in columns)
    counted = len(gallery) - len(matches.junk) - taken_out
    return MatchRanks(ranks, counts, matches.asked, counted, taken_out, ties, len(matches.junk))


def blocks(distances: Distances, memory: int) -> Iterator[tuple[int, Floats]]:
    """The first query and the distances of one block of queries after the other; a block stands until the next.

    Raises:
        ConfigError: `memory`, in bytes, is not positive.
        ShapeError: distances are not finite.
    """
    if memory <= 0:
        raise ConfigError(f"memory must be positive, got {memory}")
    queries, gallery = distances.shape
    step = min(queries, max(1, min(_BLOCK, memory // _BYTES) // max(1, gallery)))
    filled = isinstance(distances, FilledDistances)
    buffer: Floats = np.empty((step if filled else 0, gallery), dtype=np.float32)
    for start in range(0, queries, max(1, step)):
        stop = min(start + step, queries)
        if isinstance(distances, FilledDistances):
            distances.fill(start, buffer[: stop - start])
            yield start, buffer[: stop - start]
        else:
            yield start, distances.rows(start, stop)


def _rank_block(
    distances: Distances, matches: Matches, start: int, block: Floats
) -> tuple[tuple[Integers, Integers, Integers, Integers], Block]:
    """Ranks of the matches; per query: matches, images taken out, ties. And the block as watchers see it."""
    size = len(block)
    pairs = matches.block(start, start + size)
    kept = pairs.kept
    matched = Matched(pairs.rows[kept], pairs.columns[kept], block[pairs.rows[kept], pairs.columns[kept]])
    block[pairs.rows, pairs.columns] = np.inf
    block[:, matches.junk] = np.inf
    counts = count_before(distances, start, block, matched)
    number = np.bincount(matched.rows, minlength=size)
    order = np.lexsort((counts.before, matched.rows))
    place = np.arange(len(order)) - np.repeat(np.cumsum(number) - number, number)
    ranks = counts.before[order] + place + 1
    ties = np.zeros(size, dtype=np.int64)
    np.add.at(ties, matched.rows, counts.tied)
    taken_out = np.bincount(pairs.rows[~kept], minlength=size)
    return (ranks, number, taken_out, ties), Block(start, block, matched)
