"""The ranks of several trials that ask the same images against different choices of them, from one product.

Whatever a trial's gallery is, the distance of two images stays: they are made once for all images that are in any
gallery, and every trial reads the columns of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reid.distances import CosineDistances, Distances, RoundedDistances
from reid.distances.compiled import compiled
from reid.distances.threads import cores, share_parts
from reid.evaluation.counting import bands, decide
from reid.evaluation.matches import Labels
from reid.evaluation.ranking import MEMORY, MatchRanks, row_blocks
from reid.evaluation.scanning import scan_tile
from reid.records import JUNK, Floats, Integers


def rank_trials(
    distances: Distances, labels: Labels, galleries: Sequence[Integers], *, memory: int = MEMORY
) -> list[MatchRanks]:
    """Rank the one match of every image that is not in the gallery, for each gallery.

    Args:
        distances: of all N images to all N images.
        labels: theirs; junk is not asked.
        galleries: (I,) rows of each trial's gallery: one image of every identity.
        memory: bytes of scratch, beyond the vectors.

    Returns:
        For each trial what `rank_matches` gives for all N images against its gallery. An image that is in the
        gallery, and junk, is not asked.
    """
    used = np.unique(np.concatenate(galleries))
    if isinstance(distances, CosineDistances):
        distances, images = distances.select_gallery(used), used
    else:
        images = np.arange(len(labels))
    plan = _Plan.of(labels, galleries, images)

    def rank_block(block: tuple[int, int]) -> tuple[Integers, Integers]:
        return _rank_block(distances, plan, *block)

    share = max(1, memory * len(images) // max(len(images), plan.columns.size))  # the trials of a block share memory
    if isinstance(distances, RoundedDistances):
        parts = share_parts(rank_block, row_blocks(distances.shape, share, threads=cores()))
    else:
        parts = [rank_block(block) for block in row_blocks(distances.shape, share)]
    before, tied = (np.concatenate(list(column)) for column in zip(*parts, strict=True))
    return [plan.ranks(trial, before[:, trial], tied[:, trial]) for trial in range(len(galleries))]


@dataclass(frozen=True, eq=False)
class _Plan:
    """Which columns the trials read.

    Attributes:
        columns: (T, I) columns of each trial's gallery.
        place: (T, N) place, in its trial's gallery, of each image's match.
        asked: (T, N) bool.
    """

    columns: Integers
    place: Integers
    asked: NDArray[np.bool_]

    @classmethod
    def of(cls, labels: Labels, galleries: Sequence[Integers], images: Integers) -> Self:
        column = np.zeros(len(labels), dtype=np.int64)
        column[images] = np.arange(len(images))
        gallery = np.sort(np.stack(list(galleries)), axis=1)
        place = np.zeros((len(galleries), len(labels)), dtype=np.int64)
        asked = np.repeat((labels.identities != JUNK)[np.newaxis], len(galleries), axis=0)
        for trial, rows in enumerate(gallery):
            of_identity = np.zeros(labels.identities.max() + 1, dtype=np.int64)
            of_identity[labels.identities[rows]] = np.arange(len(rows))
            place[trial] = of_identity[labels.identities]
            asked[trial, rows] = False
        return cls(column[gallery], place, asked)

    def ranks(self, trial: int, before: Integers, tied: Integers) -> MatchRanks:
        asked = self.asked[trial]
        images = self.columns.shape[1]
        return MatchRanks(
            ranks=before[asked] + 1,
            matches=asked.astype(np.int64),
            asked=asked,
            counted=np.full(len(asked), images),
            taken_out=np.zeros(len(asked), dtype=np.int64),
            ties=np.where(asked, tied, 0),
            junk=0,
        )


def _rank_block(distances: Distances, plan: _Plan, start: int, stop: int) -> tuple[Integers, Integers]:
    """What is before and tied with the match of each row, (B, T) both."""
    place, asked = plan.place[:, start:stop].T, plan.asked[:, start:stop].T
    rows, trials = np.nonzero(asked)
    places = place[rows, trials]
    columns = plan.columns[trials, places]
    block = distances.rows(start, stop)
    first = np.searchsorted(rows, np.arange(len(block) + 1))
    where = (plan.columns, trials, places)
    below, within = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    if isinstance(distances, RoundedDistances):
        own = distances.exact_pairs(start + rows, columns)
        pairs = _scan(block, first, where, bands(own, distances.rounding), (below, within), True)
        match = pairs[:, 0]
        images = plan.columns[trials[match], pairs[:, 1]]
        before, tied = decide(distances, start + rows, own, below, (match, images))
    else:
        near = block[rows, columns]
        _scan(block, first, where, (near, near), (below, within), False)
        before, tied = below + within, within
    whole = np.zeros((2, *asked.shape), dtype=np.int64)
    whole[:, rows, trials] = before, tied
    return whole[0], whole[1]


@compiled
def _scan(
    block: Floats,
    first: Integers,
    where: tuple[Integers, Integers, Integers],
    bands: tuple[Floats, Floats],
    counts: tuple[Integers, Integers],
    collect: bool,
) -> Integers:
    columns, trials, places = where
    pairs = np.empty((1024, 2), dtype=np.int64)
    at = used = int(np.int64(0))  # no literals, for which all would be compiled once more
    tile = np.empty(columns.shape[1], dtype=np.float32)
    for row in range(len(block)):
        distances = block[row]
        for match in range(first[row], first[row + 1]):
            chosen, own = columns[trials[match]], places[match]
            if len(chosen) < len(distances):
                for place in range(len(chosen)):
                    tile[place] = distances[chosen[place]]
            else:  # one trial, or all galleries are the same: ascending columns are all columns
                tile = distances
            near, tile[own] = tile[own], np.inf
            room = used + len(tile) if collect else used
            pairs, used = scan_tile(tile, at, (match, match + 1), bands, counts, pairs, used, room)
            tile[own] = near
    return pairs[:used]
