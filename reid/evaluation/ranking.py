"""The rank of every match of every query, found in blocks of query rows."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.distances import Distances, RoundedDistances
from reid.distances.threads import cores, share_parts
from reid.errors import ConfigError, ShapeError
from reid.evaluation.blocks import Block, Matched
from reid.evaluation.counting import EXACT, Counts, RoundedCount, count_given
from reid.evaluation.matches import Labels, Matches, Pairs, Rules
from reid.records import Floats, Integers

MEMORY = 2**30
"""Default memory for scratch, in bytes."""

Watch = Callable[[Block], None]

_BYTES = 100  # scratch per distance in the worst case, when all vectors are equal
_TILE = 2**21  # distances of a tile, 8 MiB: with more, the system takes memory back after each and clears it again
_ROWS = 512  # queries of a tile: fewer, and the product spends its time on packing the gallery


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
        watch: called with every block, in any order but never two at once, for what else there is to count in it.

    Raises:
        ShapeError: labels and distances differ in number, or distances are not finite.
        ConfigError: `memory` is not positive.
    """
    if distances.shape != (len(query), len(gallery)):
        raise ShapeError(
            f"distances of shape {distances.shape} do not fit {len(query)} queries x {len(gallery)} images"
        )
    if memory <= 0:
        raise ConfigError(f"memory must be positive, got {memory}")
    matches = Matches(query, gallery, rules or Rules(), asked)
    if isinstance(distances, RoundedDistances):
        parts = _rank_rounded(distances, matches, memory, watch)
    else:
        parts = _rank_given(distances, matches, memory, watch)
    columns = zip(*parts, strict=True) if parts else [[np.zeros(0, dtype=np.int64)]] * 4
    ranks, counts, taken_out, ties = (np.concatenate(list(column)) for column in columns)
    counted = len(gallery) - len(matches.junk) - taken_out
    return MatchRanks(ranks, counts, matches.asked, counted, taken_out, ties, len(matches.junk))


def row_blocks(shape: tuple[int, int], memory: int, *, threads: int = 1) -> list[tuple[int, int]]:
    """First and last + 1 query of blocks of whole rows, as many rows in each as memory and speed advise.

    Args:
        shape: numbers of queries and gallery images.
        memory: bytes of scratch for all threads together.
        threads: how many blocks are worked on at the same time.
    """
    queries, gallery = shape
    distances = min(_TILE, memory // (_BYTES * threads))
    step = max(1, min(distances // max(1, gallery), -(-queries // threads)))
    return [(start, min(start + step, queries)) for start in range(0, queries, step)]


def tiles(shape: tuple[int, int], memory: int, *, threads: int) -> tuple[int, list[tuple[int, int]]]:
    """Columns of a tile that one thread works on, and first and last + 1 query of the blocks of rows; as `row_blocks`."""
    width = max(1, min(shape[1], _TILE // _ROWS, memory // (_BYTES * threads)))
    return width, row_blocks((shape[0], width), memory, threads=threads)


_Part = tuple[Integers, Integers, Integers, Integers]
"""Ranks of the matches of a block; per query: matches, images taken out, ties."""


def _rank_given(distances: Distances, matches: Matches, memory: int, watch: Sequence[Watch]) -> list[_Part]:
    parts = []
    for start, stop in row_blocks(distances.shape, memory):
        pairs, block = matches.block(start, stop), distances.rows(start, stop)
        rows, columns = pairs.rows[pairs.kept], pairs.columns[pairs.kept]
        matched = Matched(rows, columns, block[rows, columns])
        block[pairs.rows, pairs.columns] = np.inf
        block[:, matches.junk] = np.inf
        for see in watch:
            see(Block(start, block, matched))
        parts.append(_part(pairs, stop - start, count_given(block, matched)))
    return parts


def _rank_rounded(distances: RoundedDistances, matches: Matches, memory: int, watch: Sequence[Watch]) -> list[_Part]:
    one_at_a_time = threading.Lock()
    gallery, exact = distances.shape[1], min(EXACT, memory // (_BYTES * cores()))
    width, blocks = tiles(distances.shape, memory, threads=cores())

    def work(block: tuple[int, int]) -> _Part:
        start, stop = block
        buffer = np.empty((stop - start) * width, dtype=np.float32)  # first: where the one before has been
        pairs = matches.block(start, stop)
        rows, columns = pairs.rows[pairs.kept], pairs.columns[pairs.kept]
        count = RoundedCount(distances, start, stop - start, rows, columns, exact=exact)
        by_column = np.argsort(pairs.columns, kind="stable")
        for first in range(0, gallery, width):
            tile = buffer[: (stop - start) * min(width, gallery - first)].reshape(stop - start, -1)
            distances.fill(start, tile, first)
            at = np.searchsorted(pairs.columns, [first, first + tile.shape[1]], sorter=by_column)
            inside = by_column[slice(*at)]
            matched = _matched(pairs, inside, tile, first) if watch else None
            tile[pairs.rows[inside], pairs.columns[inside] - first] = np.inf
            tile[:, _within(matches.junk, first, tile.shape[1])] = np.inf
            count.add(tile, first)
            if matched is not None:
                with one_at_a_time:
                    for see in watch:
                        see(Block(start, tile, matched, first))
        return _part(pairs, stop - start, count.finish((pairs.rows, pairs.columns), matches.junk))

    return share_parts(work, blocks)


def _matched(pairs: Pairs, inside: Integers, tile: Floats, first: int) -> Matched:
    """The matches among these pairs, which are in a tile that begins at gallery image `first`."""
    kept = np.sort(inside[pairs.kept[inside]])
    rows, columns = pairs.rows[kept], pairs.columns[kept]
    return Matched(rows, columns, tile[rows, columns - first])


def _within(columns: Integers, first: int, number: int) -> Integers:
    """Of ascending columns those in first..first+number-1, counted from there."""
    return columns[slice(*np.searchsorted(columns, [first, first + number]))] - first


def _part(pairs: Pairs, size: int, counts: Counts) -> _Part:
    rows = pairs.rows[pairs.kept]
    number = np.bincount(rows, minlength=size)
    order = np.lexsort((counts.before, rows))
    place = np.arange(len(order)) - np.repeat(np.cumsum(number) - number, number)
    ties = np.zeros(size, dtype=np.int64)
    np.add.at(ties, rows, counts.tied)
    return counts.before[order] + place + 1, number, np.bincount(pairs.rows[~pairs.kept], minlength=size), ties
