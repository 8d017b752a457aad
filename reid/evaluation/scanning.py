"""The loops over all distances: for each match, how many are surely smaller, and which are too near to tell."""

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.records import Floats, Integers

_FEW = 32  # matches of a row up to which comparing all distances with each is quickest
_TILE = 2048  # distances compared at a time: they stay in the innermost cache


@compiled
def _upto(values: Floats, bound: float) -> int:
    number = np.int32(0)
    for place in range(len(values)):
        number = np.int32(number + np.int32(values[place] <= bound))
    return int(number)


@compiled
def _below(values: Floats, bound: float) -> int:
    number = np.int32(0)
    for place in range(len(values)):
        number = np.int32(number + np.int32(values[place] < bound))
    return int(number)


@compiled
def _with_room(pairs: Integers, needed: int) -> Integers:
    while needed > len(pairs):
        before, pairs = pairs, np.empty((2 * len(pairs), 2), dtype=np.int64)
        for place in range(len(before)):
            pairs[place, 0], pairs[place, 1] = before[place, 0], before[place, 1]
    return pairs


@compiled
def _scan_tile(
    tile: Floats,
    at: int,
    matches: tuple[int, int],
    bands: tuple[Floats, Floats],
    counts: tuple[Integers, Integers],
    pairs: Integers,
    used: int,
    room: int,
) -> tuple[Integers, int]:
    """Compare distances of one row, of the columns at, at + 1, ..., with the bands of its matches, which ascend. Compiled.

    `pairs` lists (match, column) within a band, `used` of them so far; none is added once there are `room`. Both are
    returned: the list moves when it grows.
    """
    for match in range(matches[1] - 1, matches[0] - 1, -1):
        lowest, highest = bands[0][match], bands[1][match]
        reached = _upto(tile, highest)
        if reached == 0:
            break  # and none by a nearer match
        under = _below(tile, lowest)
        near = reached - under
        counts[0][match] += under
        counts[1][match] += near
        if near == 0 or used >= room:
            continue
        pairs = _with_room(pairs, used + near)
        for place in range(len(tile)):
            if lowest <= tile[place] <= highest:
                pairs[used, 0], pairs[used, 1] = match, at + place
                used += 1
    return pairs, used


@compiled
def _scan_chosen(
    distances: Floats,
    chosen: NDArray[np.uint32],
    at: int,
    match: int,
    bands: tuple[Floats, Floats],
    counts: tuple[Integers, Integers],
    pairs: Integers,
    used: int,
    room: int,
) -> tuple[Integers, int]:
    """As `_scan_tile`, for one match and only the distances at the places `chosen`, which count as columns at, at + 1, ..."""
    lowest, highest = bands[0][match], bands[1][match]
    reached, under = np.int32(0), np.int32(0)
    for place in range(len(chosen)):
        value = distances[chosen[place]]
        reached = np.int32(reached + np.int32(value <= highest))
        under = np.int32(under + np.int32(value < lowest))
    near = int(reached - under)
    counts[0][match] += under
    counts[1][match] += near
    if near and used < room:
        pairs = _with_room(pairs, used + near)
        for place in range(len(chosen)):
            if lowest <= distances[chosen[place]] <= highest:
                pairs[used, 0], pairs[used, 1] = match, at + place
                used += 1
    return pairs, used


@compiled
def _take_apart(matches: tuple[int, int], counts: tuple[Integers, Integers]) -> None:
    """Of what is below or within a band, leave in `counts[0]` what is not so for the match before."""
    below, within = counts
    for match in range(matches[1] - 1, matches[0], -1):
        below[match] += within[match] - below[match - 1] - within[match - 1]
    below[matches[0]] += within[matches[0]]


@compiled
def _sum_up(matches: tuple[int, int], counts: tuple[Integers, Integers]) -> None:
    """The inverse of `_take_apart`."""
    below, within = counts
    total = 0
    for match in range(matches[0], matches[1]):
        total += below[match]
        below[match] = total - within[match]


@compiled
def _scan_many(
    tile: Floats,
    at: int,
    matches: tuple[int, int],
    bands: tuple[Floats, Floats],
    counts: tuple[Integers, Integers],
    pairs: Integers,
    used: int,
    room: int,
) -> tuple[Integers, int]:
    """As `_scan_tile`, finding the place of each distance among the matches; between `_take_apart` and `_sum_up`."""
    low, high = bands
    for place in range(len(tile)):
        value = tile[place]
        match, beyond = matches
        if value > high[beyond - 1]:
            continue
        beyond -= 1
        while match < beyond:  # the first whose band does not end before
            middle = (match + beyond) // 2
            if high[middle] < value:
                match = middle + 1
            else:
                beyond = middle
        counts[0][match] += 1
        while match < matches[1] and low[match] <= value:
            counts[1][match] += 1
            if used < room:
                pairs = _with_room(pairs, used + 1)
                pairs[used, 0], pairs[used, 1] = match, at + place
                used += 1
            match += 1
    return pairs, used


@compiled
def scan_rows(
    block: Floats,
    rows: tuple[int, int],
    first: Integers,
    bands: tuple[Floats, Floats],
    counts: tuple[Integers, Integers],
    dense: int,
) -> Integers:
    """Count, for each match of some rows, the distances below its band and within it. Compiled.

    Args:
        block: (B, G) distances.
        rows: first and last + 1 row to look at.
        first: (B + 1,) first match of each row; the matches of a row ascend.
        bands: (P,) lowest and highest distance that may equal that of each match.
        counts: (P,) distances below the band and within it, which are added to.
        dense: of a row of which, a match, more than one `dense`-th is within bands, none are listed; 0 lists none at all.

    Returns:
        (L, 2) match and column of the distances within bands.
    """
    pairs = np.empty((1024, 2), dtype=np.int64)
    used = int(np.int64(0))  # the literal 0 is of a type of its own, and all would be compiled for it as well
    columns = block.shape[1]
    for row in range(rows[0], rows[1]):
        matches = first[row], first[row + 1]
        number = matches[1] - matches[0]
        if number == 0:
            continue
        if number > _FEW:
            _take_apart(matches, counts)
        listed = used
        room = used + max(64, number * columns // dense) if dense else used
        for at in range(0, columns, _TILE):
            tile = block[row, at : min(columns, at + _TILE)]
            if number <= _FEW:
                pairs, used = _scan_tile(tile, at, matches, bands, counts, pairs, used, room)
            elif _upto(tile, bands[1][matches[1] - 1]):
                pairs, used = _scan_many(tile, at, matches, bands, counts, pairs, used, room)
        if number > _FEW:
            _sum_up(matches, counts)
        used = listed if used >= room else used
    return pairs[:used]


@compiled
def scan_trials(
    tile: Floats,
    asked: tuple[Integers, Integers, Integers],
    columns: NDArray[np.uint32],
    inside: Integers,
    bands: tuple[Floats, Floats],
    counts: tuple[Integers, Integers],
    collect: bool,
) -> Integers:
    """Count, for each question of each row, the distances of its trial's gallery below its band and within it. Compiled.

    Args:
        tile: (B, C) distances; written in, and left as they were.
        asked: (B + 1,) first question of each row; (P,) trials and (P,) places in the trial's gallery of the matches,
            which do not count themselves.
        columns: (T, I) column, in the tile, of each place in each trial's gallery, ascending.
        inside: (T, 2) first and last + 1 place that is in the tile.
        bands: (P,) lowest and highest distance that may equal that of each match.
        counts: (P,) distances below the band and within it, which are added to.
        collect: list those within.

    Returns:
        (L, 2) question, and place in the trial's gallery, of the distances within bands.
    """
    first, trials, places = asked
    pairs = np.empty((1024, 2), dtype=np.int64)
    used = int(np.int64(0))  # no literal, for which all would be compiled once more
    for row in range(len(tile)):
        distances = tile[row]
        for match in range(first[row], first[row + 1]):
            trial, place = trials[match], places[match]
            begin, end = inside[trial, 0], inside[trial, 1]
            chosen = columns[trial, begin:end]
            own = columns[trial, place] if begin <= place < end else np.uint32(0)
            near = distances[own]
            if begin <= place < end:
                distances[own] = np.inf
            room = used + len(chosen) if collect else used
            if len(chosen) < len(distances):
                pairs, used = _scan_chosen(distances, chosen, begin, match, bands, counts, pairs, used, room)
            else:  # one trial, or all galleries are the same: ascending columns are all columns
                pairs, used = _scan_tile(distances, begin, (match, match + 1), bands, counts, pairs, used, room)
            distances[own] = near
    return pairs[:used]
