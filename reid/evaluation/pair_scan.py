"""All pairs of a set of images by their distance, and the best score of images with each other identity."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.distances import unit_rows
from reid.distances.compiled import compiled
from reid.errors import DataError
from reid.evaluation.blocks import Block, Matched
from reid.evaluation.verification import BINS, PairHistogram
from reid.records import JUNK, NO_CAMERA, Embeddings, Floats, Integers
from reid.text import printable

MOST_PAIRS = 2**28
"""Pairs of different identities that are looked at; of larger sets, those of some images drawn by chance."""

MOST_BEST = 2**23
"""Best scores that are kept."""

_BLOCK = 2**22  # similarities at a time


@dataclass(frozen=True, eq=False)
class PairScan:
    """What the pairs of a set of images say.

    Attributes:
        pairs: matching and other pairs by distance, each pair counted once.
        best: (Q, I - 1) float32, of Q images, the best score with the images of each of the other identities.
        across_cameras: whether matching pairs are of different cameras only.
        identities: I, how many there are.
        images: that have an identity.
    """

    pairs: PairHistogram
    best: Floats
    across_cameras: bool
    identities: int
    images: int


def scan_pairs(
    images: Embeddings, *, seed: int = 0, most_pairs: int = MOST_PAIRS, most_best: int = MOST_BEST
) -> PairScan:
    """Look at all pairs of images: those of one identity, and those of two.

    Matching pairs are of different cameras, or of cameras that are not known; where no identity was seen by two
    cameras, all are taken. Pairs of two identities count whatever their cameras. Junk is left out.

    Args:
        images: N images.
        seed: decides which images are drawn where there are too many pairs.
        most_pairs: pairs of two identities to look at, about; those of at least one image are.
        most_best: best scores to keep, about; those of at least one image are.

    Raises:
        DataError: fewer than two identities, or none with two images.
    """
    known = np.flatnonzero(images.records.identities != JUNK)
    order = known[np.argsort(images.records.identities[known], kind="stable")]
    identities = images.records.identities[order]
    starts = np.flatnonzero(np.diff(identities, prepend=JUNK))
    sizes = np.diff(starts, append=len(order))
    if len(starts) < 2 or sizes.max() < 2:
        raise DataError(
            f"the images of {printable(images.records.root)} hold {len(starts)} identities, "
            f"{np.count_nonzero(sizes > 1)} of them with two images; pairs need two identities, and one with two images"
        )
    vectors = unit_rows(images.vectors[order], "validation")
    cameras = None if images.records.cameras is None else images.records.cameras[order]
    cameras, across = _cameras_that_count(cameras, starts, sizes)
    drawn = rng.generator(seed, "pairs").permutation(len(order))[: max(1, most_pairs // len(order))]
    pairs = PairHistogram(np.ones(len(order), dtype=bool))
    _count_matching(vectors, cameras, starts, sizes, pairs)
    _count_others(vectors, np.repeat(starts, sizes), np.repeat(starts + sizes, sizes), np.sort(drawn), pairs)
    best = _best(vectors, starts, sizes, np.sort(drawn[: max(1, most_best // len(starts))]))
    return PairScan(pairs, best, across, len(starts), len(order))


def _cameras_that_count(cameras: Integers | None, starts: Integers, sizes: Integers) -> tuple[Integers | None, bool]:
    """The cameras, and whether matching pairs must differ in them; None where any pair will do."""
    if cameras is None or (cameras == NO_CAMERA).all():
        return None, False
    first, last = np.minimum.reduceat(cameras, starts), np.maximum.reduceat(cameras, starts)
    usable = (sizes > 1) & ((first != last) | (first == NO_CAMERA))
    return (cameras, True) if usable.any() else (None, False)


def _count_matching(
    vectors: Floats, cameras: Integers | None, starts: Integers, sizes: Integers, pairs: PairHistogram
) -> None:
    for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
        step = max(1, _BLOCK // size)
        for first in range(start, start + size - 1, step):
            rows, columns = np.arange(first, min(first + step, start + size)), np.arange(first, start + size)
            near = 1 - vectors[rows] @ vectors[columns].T
            counts = columns > rows[:, np.newaxis]
            if cameras is not None:
                same = cameras[rows][:, np.newaxis] == cameras[columns]
                counts &= ~same | (cameras[columns] == NO_CAMERA)
            bins = np.clip(near[counts] * np.float32(BINS / pairs.highest), 0, BINS - 1).astype(np.int64)
            pairs.matching += np.bincount(bins, minlength=BINS)


def _count_others(vectors: Floats, begins: Integers, ends: Integers, drawn: Integers, pairs: PairHistogram) -> None:
    """Pairs of an image that was drawn with all of other identities, two that were drawn once."""
    none = np.zeros(0, dtype=np.int64)
    before = np.searchsorted(drawn, begins)
    for rows in _parts(drawn, len(vectors)):
        others = vectors[rows] @ vectors.T
        np.subtract(1, others, out=others)
        for row, image in enumerate(rows.tolist()):
            others[row, begins[image] : ends[image]] = np.inf
            others[row, drawn[: before[image]]] = np.inf
        pairs(Block(0, others, Matched(none, none, none.astype(np.float32))))


def _best(vectors: Floats, starts: Integers, sizes: Integers, drawn: Integers) -> Floats:
    own = np.repeat(np.arange(len(starts)), sizes)
    best = np.empty((len(drawn), len(starts) - 1), dtype=np.float32)
    done = 0
    for rows in _parts(drawn, len(vectors)):
        of_each = np.empty((len(rows), len(starts)), dtype=np.float32)
        _best_of_each(vectors[rows] @ vectors.T, starts, starts + sizes, of_each)
        others: NDArray[np.bool_] = np.arange(len(starts)) != own[rows][:, np.newaxis]
        best[done : done + len(rows)] = of_each[others].reshape(len(rows), -1)
        done += len(rows)
    return best


@compiled
def _best_of_each(scores: Floats, begins: Integers, ends: Integers, best: Floats) -> None:
    for row in range(len(scores)):
        for group in range(len(begins)):
            highest = scores[row, begins[group]]
            for place in range(begins[group] + 1, ends[group]):
                highest = max(highest, scores[row, place])
            best[row, group] = highest


def _parts(rows: Integers, width: int) -> list[Integers]:
    step = max(1, _BLOCK // width)
    return [rows[start : start + step] for start in range(0, len(rows), step)]
