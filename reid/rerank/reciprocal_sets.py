"""Who is among the nearest of those nearest to him, and the sets that grow from that (Zhong et al. 2017, section 3.2)."""

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.distances.threads import share_rows
from reid.records import Integers
from reid.rerank.sparse import Images

Flags = NDArray[np.bool_]


def reciprocal(neighbours: Images, depth: int) -> Flags:
    """Which neighbours are reciprocal.

    Args:
        neighbours: (N, K) int32, nearest first.
        depth: how many of them count.

    Returns:
        (N, min(depth, K)) bool: at [i, p], whether i is among the first `depth` neighbours of its p-th neighbour.
    """
    mutual = np.zeros((len(neighbours), min(depth, neighbours.shape[1])), dtype=np.bool_)

    def work(start: int, stop: int) -> None:
        _mark_reciprocal(neighbours, mutual, start, stop)

    share_rows(work, len(neighbours))
    return mutual


def expanded_sets(neighbours: Images, mutual: Flags, mutual_near: Flags) -> tuple[Integers, Images]:
    """The set R*(i, k1) of every image i, equations 3 and 4.

    It is the set of i's reciprocal neighbours, and the reciprocal neighbours at half the depth of each of those, when
    more than two thirds of these are in i's set.

    Args:
        neighbours: (N, K) int32, nearest first.
        mutual: (N, K1) bool, `reciprocal` to the depth of the sets.
        mutual_near: (N, K2) bool, `reciprocal` to half that depth.

    Returns:
        (N + 1,) int64 where the sets begin in (M,) int32 members, without repetition.
    """
    starts = np.zeros(len(neighbours) + 1, dtype=np.int64)
    nobody = np.zeros(0, dtype=np.int32)

    def count(first: int, last: int) -> None:
        _expand(neighbours, mutual, mutual_near, starts, nobody, first, last)

    share_rows(count, len(neighbours))
    np.cumsum(starts, out=starts)
    members = np.empty(starts[-1], dtype=np.int32)

    def fill(first: int, last: int) -> None:
        _expand(neighbours, mutual, mutual_near, starts, members, first, last)

    share_rows(fill, len(neighbours))
    return starts, members


@compiled
def _mark_reciprocal(neighbours: Images, mutual: Flags, start: int, stop: int) -> None:
    depth = mutual.shape[1]
    for image in range(start, stop):
        for place in range(depth):
            other = neighbours[image, place]
            for back in range(depth):
                if neighbours[other, back] == image:
                    mutual[image, place] = True
                    break


@compiled
def _expand(
    neighbours: Images,
    mutual: Flags,
    mutual_near: Flags,
    starts: Integers,
    members: Images,
    first: int,
    last: int,
) -> None:
    """Fill the sets of some images; without room for members, write their sizes to starts[image + 1]."""
    base = np.full(len(neighbours), -1, dtype=np.int32)  # the last image in whose set one was
    grown = np.full(len(neighbours), -1, dtype=np.int32)  # the last image in whose grown set one was
    found = np.empty(mutual.shape[1] * (1 + mutual_near.shape[1]), dtype=np.int32)
    none = int(np.int64(0))  # a literal 0 has its own type: _gather would be compiled for it too
    for image in range(first, last):
        own = _gather(neighbours, mutual, image, image, base, found, none)
        size = _gather(neighbours, mutual, image, image, grown, found, none)
        for candidate in found[:own].copy():
            theirs = common = 0
            for place in range(mutual_near.shape[1]):
                theirs += mutual_near[candidate, place]
                common += mutual_near[candidate, place] and base[neighbours[candidate, place]] == image
            if 3 * common > 2 * theirs:
                size = _gather(neighbours, mutual_near, int(np.int64(candidate)), image, grown, found, size)
        if len(members):
            for place in range(size):
                members[starts[image] + place] = found[place]
        else:
            starts[image + 1] = size


@compiled
def _gather(neighbours: Images, mutual: Flags, source: int, image: int, marks: Images, found: Images, size: int) -> int:
    """Add the reciprocal neighbours of `source` to the set of `image`, whose `size` members are marked; its new size."""
    for place in range(mutual.shape[1]):
        other = neighbours[source, place]
        if mutual[source, place] and marks[other] != image:
            marks[other] = image
            found[size] = other
            size += 1
    return size
