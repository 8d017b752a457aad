"""Scans of codes: which rows may belong to the best of a query.

A shortlist keeps every row whose highest possible product reaches the lowest possible products of `count` rows, so that
it holds the best `count` rows for certain. When it is full of such rows the scan stops, to go on when they are settled.
"""

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.gallery.index.codes import Query
from reid.gallery.index.instructions import bit_count, product_of_rows
from reid.gallery.index.sketches import SketchedQuery
from reid.gallery.index.table import Ranked, Shortlist, Table, Visible
from reid.records import Floats

_BLOCK = 512  # rows whose sketches are compared before the first of them is looked at


_ROUNDING = 1e-5  # of products with centres, which matters where rows stand at their centre

_product = product_of_rows()
_ones = bit_count()


@compiled
def scan(
    table: Table,
    chosen: NDArray[np.int64],
    begin: int,
    end: int,
    query: Query,
    visible: Visible,
    listed: Shortlist,
) -> int:
    """List rows that may belong to the best: of those at positions begin..end-1, or at chosen[begin:end] if any are.

    Returns:
        `end`, or where to go on when what is listed was settled.
    """
    numbers, scales, residuals = table.codes  # looked up once: in the loop it costs more than the product
    multiplied, per, length, slack = query
    filtered, everything, limit = len(visible.allowed) > 0, len(chosen) == 0, _limit(listed)
    for place in range(begin, end):
        position = place if everything else chosen[place]
        if filtered and not _is_visible(_slot(table, position), visible):
            continue
        scale = np.float64(scales[position])
        value = scale * per * np.float64(_product(numbers, position, multiplied))
        bound = length * np.float64(residuals[position]) + slack * scale
        if value + bound >= limit:
            slot = _slot(table, position)
            if _is_visible(slot, visible):
                if not _add(listed, slot, value, bound):
                    return place
                limit = _limit(listed)
    return end


@compiled
def probe(
    table: Table,
    ranked: Ranked,
    query: Query,
    sketched: SketchedQuery,
    near: float,
    reach: float,
    visible: Visible,
    listed: Shortlist,
) -> bool:
    """List rows of the likely lists, and of those in no list, that are likely to belong to the best.

    Lists are left when a rank is less by more than `near` than that of the list with which `count` rows were seen, or less
    by more than `reach` than what the best are at least.

    Returns:
        Whether there was room for all.
    """
    scratch = np.empty((2, _BLOCK), dtype=np.int32)
    seen, reference = 0, -np.inf
    for number in ranked.order:
        begin, end, rank = table.starts[number], table.starts[number + 1], ranked.ranks[number]
        limit = _limit(listed)
        if limit > -np.inf and (rank < reference - near or rank < limit - reach):
            break
        if not _probe_list(table, begin, end, ranked.products[number], query, sketched, visible, listed, scratch):
            return False
        seen += end - begin
        if seen >= len(listed.best) and reference == -np.inf:
            reference = rank
    begin = len(table.slots)
    end = begin + max(0, visible.rows - len(table.places))
    return _probe_list(table, begin, end, np.float32(0), query, sketched, visible, listed, scratch)


@compiled
def cut(listed: Shortlist) -> None:
    """Remove from the list what cannot belong to the best any more."""
    limit, kept = _limit(listed), 0
    for place in range(listed.sizes[1]):
        if listed.upper[place] >= limit:
            listed.slots[kept], listed.upper[kept] = listed.slots[place], listed.upper[place]
            kept += 1
    listed.sizes[1] = kept


@compiled
def _probe_list(
    table: Table,
    begin: int,
    end: int,
    product: np.float32,
    query: Query,
    sketched: SketchedQuery,
    visible: Visible,
    listed: Shortlist,
    scratch: NDArray[np.int32],
) -> bool:
    distances, picked, filtered = scratch[0], scratch[1], len(visible.allowed) > 0
    numbers, scales, residuals = table.codes
    multiplied, per, length, slack = query
    top, step, limit = np.float32(sketched.top), np.float32(sketched.step), _limit(listed)
    for first in range(begin, end, _BLOCK):
        last = min(first + _BLOCK, end)
        _measure(table.sketches.words, first, last, sketched.planes, distances)
        factors = table.sketches.factors[first:last]
        lowest = _lowest(limit, product)
        if not _reaches(factors, distances, top, step, lowest):
            continue
        size = 0
        for place in range(last - first):  # without a jump, so that codes are fetched ahead
            picked[size] = place
            size += int(factors[place] * (top - step * np.float32(distances[place])) >= lowest)
        for place in picked[:size]:
            if factors[place] * (top - step * np.float32(distances[place])) < lowest:
                continue
            position = first + place
            if filtered and not _is_visible(_slot(table, position), visible):
                continue
            scale = np.float64(scales[position])
            value = scale * per * np.float64(_product(numbers, position, multiplied))
            bound = length * np.float64(residuals[position]) + slack * scale
            if value + bound >= limit:
                slot = _slot(table, position)
                if _is_visible(slot, visible):
                    if not _add(listed, slot, value, bound):
                        return False
                    limit = _limit(listed)
                    lowest = _lowest(limit, product)
    return True


@compiled
def _measure(
    words: NDArray[np.uint64], first: int, last: int, planes: NDArray[np.uint64], distances: NDArray[np.int32]
) -> None:
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    for word in range(words.shape[0]):
        rows = words[word, first:last]
        zeroth, single, double, triple = planes[0, word], planes[1, word], planes[2, word], planes[3, word]
        for row in range(len(rows)):
            bits = rows[row]
            total = _ones(bits ^ zeroth) + (_ones(bits ^ single) << one)
            total += (_ones(bits ^ double) << two) + (_ones(bits ^ triple) << three)
            distances[row] = np.int32(total) + (distances[row] if word else np.int32(0))


@compiled
def _lowest(limit: float, product: np.float32) -> np.float32:
    """The estimate of a row's product beside that of its centre from which on the row is of interest."""
    return np.float32(limit - product - _ROUNDING * (abs(limit) + abs(product)))


@compiled
def _reaches(
    factors: Floats, distances: NDArray[np.int32], top: np.float32, step: np.float32, lowest: np.float32
) -> np.bool_:
    """Whether any row's estimate does."""
    hits = np.int32(0)
    for row in range(len(factors)):
        hits = np.int32(hits + np.int32(factors[row] * (top - step * np.float32(distances[row])) >= lowest))
    return hits > 0


@compiled
def _slot(table: Table, position: int) -> int:
    if position < len(table.slots):
        return int(table.slots[position])
    return position - len(table.slots) + len(table.places)


@compiled
def _is_visible(slot: int, visible: Visible) -> bool:
    word, bit = slot >> 6, np.uint64(slot & 63)
    if slot < 0 or slot >= visible.rows or (visible.removed[word] >> bit) & np.uint64(1):
        return False
    return len(visible.allowed) == 0 or bool((visible.allowed[word] >> bit) & np.uint64(1))


@compiled
def _limit(listed: Shortlist) -> float:
    return listed.best[0] if listed.sizes[0] == len(listed.best) else -np.inf


@compiled
def _add(listed: Shortlist, slot: int, value: float, bound: float) -> bool:
    """Whether there was room."""
    if listed.sizes[1] == len(listed.slots):
        cut(listed)
        if listed.sizes[1] > len(listed.slots) // 2:
            return False
    listed.slots[listed.sizes[1]] = slot
    listed.upper[listed.sizes[1]] = value + bound
    listed.sizes[1] += 1
    best, size = listed.best, listed.sizes[0]
    if size < len(best):
        best[size] = value - bound
        listed.sizes[0] += 1
        while size and best[(size - 1) // 2] > best[size]:
            parent = (size - 1) // 2
            best[parent], best[size] = best[size], best[parent]
            size = parent
    elif value - bound > best[0]:
        best[0] = value - bound
        _sink_lowest(best)
    return True


@compiled
def _sink_lowest(best: NDArray[np.float64]) -> None:
    place = 0
    while 2 * place + 1 < len(best):
        child = 2 * place + 1
        if child + 1 < len(best) and best[child + 1] < best[child]:
            child += 1
        if best[place] <= best[child]:
            break
        best[place], best[child] = best[child], best[place]
        place = child
