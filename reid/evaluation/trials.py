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
from reid.distances.threads import cores, share_parts
from reid.evaluation.counting import bands, decide
from reid.evaluation.matches import Labels
from reid.evaluation.ranking import MEMORY, MatchRanks, row_blocks, tiles
from reid.evaluation.scanning import scan_trials
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

    share = max(1, memory * len(images) // max(len(images), plan.columns.size))  # the trials of a block share memory
    if isinstance(distances, RoundedDistances):
        width, blocks = tiles(distances.shape, share, threads=cores())
        parts = share_parts(lambda block: _rank_rounded(distances, plan, width, *block), blocks)
    else:
        parts = [_rank_given(distances, plan, *block) for block in row_blocks(distances.shape, share)]
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


@dataclass(frozen=True, eq=False)
class _Asked:
    """The P questions of a block of B rows: one of each row in each trial that asks it.

    Attributes:
        rows: (P,) ascending.
        trials: (P,)
        places: (P,) places of their matches in the trial's gallery.
        first: (B + 1,) first question of each row.
    """

    rows: Integers
    trials: Integers
    places: Integers
    first: Integers

    @classmethod
    def of(cls, plan: _Plan, start: int, stop: int) -> Self:
        rows, trials = np.nonzero(plan.asked[:, start:stop].T)
        first = np.searchsorted(rows, np.arange(stop - start + 1))
        return cls(rows, trials, plan.place[trials, start + rows], first)

    def table(self, trials: int, values: Integers) -> Integers:
        """One value for each row and trial, (B, T), 0 where none asks."""
        whole = np.zeros((len(self.first) - 1, trials), dtype=np.int64)
        whole[self.rows, self.trials] = values
        return whole


def _rank_rounded(
    distances: RoundedDistances, plan: _Plan, width: int, start: int, stop: int
) -> tuple[Integers, Integers]:
    """What is before and tied with the match of each row, (B, T) both."""
    buffer = np.empty((stop - start) * width, dtype=np.float32)  # first: where the one before has been
    asked = _Asked.of(plan, start, stop)
    queries = start + asked.rows
    own = distances.exact_pairs(queries, plan.columns[asked.trials, asked.places])
    limits = bands(own, distances.rounding)
    before, tied, below, within = np.zeros((4, len(own)), dtype=np.int64)
    for first in range(0, distances.shape[1], width):
        tile = buffer[: (stop - start) * min(width, distances.shape[1] - first)].reshape(stop - start, -1)
        distances.fill(start, tile, first)
        match, place = _count(tile, first, plan, asked, limits, (below, within), collect=True).T
        images = plan.columns[asked.trials[match], place]
        before, more = decide(distances, queries, own, before, (match, images))
        tied += more
    return asked.table(len(plan.asked), before + below), asked.table(len(plan.asked), tied)


def _rank_given(distances: Distances, plan: _Plan, start: int, stop: int) -> tuple[Integers, Integers]:
    """As `_rank_rounded`, by distances that are taken as they are."""
    asked = _Asked.of(plan, start, stop)
    block = distances.rows(start, stop)
    near = block[asked.rows, plan.columns[asked.trials, asked.places]]
    below, within = np.zeros((2, len(near)), dtype=np.int64)
    _count(block, 0, plan, asked, (near, near), (below, within), collect=False)
    return asked.table(len(plan.asked), below + within), asked.table(len(plan.asked), within)


def _count(
    tile: Floats,
    first: int,
    plan: _Plan,
    asked: _Asked,
    limits: tuple[Floats, Floats],
    counts: tuple[Integers, Integers],
    *,
    collect: bool,
) -> Integers:
    """Count in a tile whose columns are first, first + 1, ...; questions and places in the gallery within limits."""
    inside = np.stack([np.searchsorted(row, (first, first + tile.shape[1])) for row in plan.columns])
    columns = (plan.columns - first).astype(np.uint32)  # those outside are not looked at
    return scan_trials(tile, (asked.first, asked.trials, asked.places), columns, inside, limits, counts, collect)
