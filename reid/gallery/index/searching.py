"""Searches of one query, or a few, in one state of an index."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.distances.threads import share_rows
from reid.gallery.index.codes import Query, coded, quantise_query
from reid.gallery.index.instructions import product_of_rows
from reid.gallery.index.refining import NOTHING, Found, Read, best, settle
from reid.gallery.index.scanning import probe, scan
from reid.gallery.index.sketches import Rotation, rotate, sketch_query
from reid.gallery.index.table import Centres, Ranked, Table, Visible, shortlist
from reid.records import Floats

_WORTH_A_THREAD = 2**24
"""Numbers of codes that one thread scans in about the time that threads take to start, ten times over."""
_ALONE = 10  # rows wanted at most for which the lists near the nearest one are enough
_product = product_of_rows()
_ALL: NDArray[np.int64] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Lists:
    """What searches of lists need.

    Attributes:
        centroids: (L, D) float32.
        centres: the same, as ranking needs them.
        turned: (L + 1, B) float32, the same turned, and a row of 0 for rows in no list.
        near: see `Clusters`.
        reach: see `Clusters`.
        trained: see `Clusters`.
    """

    centroids: Floats
    centres: Centres
    turned: Floats
    near: float
    reach: float
    trained: int


def prepared(centroids: Floats, near: float, reach: float, trained: int, turning: Rotation) -> Lists:
    """Lists as searches need them; see `Clusters`."""
    halves = (centroids.astype(np.float64) ** 2).sum(axis=1) / 2
    centres = Centres(coded(centroids), halves.astype(np.float32))
    turned = np.zeros((len(centroids) + 1, len(turning.signs)), dtype=np.float32)
    turned[:-1] = rotate(centroids, turning)
    return Lists(centroids, centres, turned, near, reach, trained)


def search_exactly(
    table: Table, read: Read, query: Floats, count: int, visible: Visible, chosen: NDArray[np.int64] | None = None
) -> Found:
    """The best `count` visible rows by their scores, those at the positions `chosen` (P,) or all.

    Args:
        table: rows.
        read: the stored vectors.
        query: (D,) float32.
        count: at least 1.
        visible: what may be found.
        chosen: positions in the table.
    """
    places = _ALL if chosen is None else chosen
    rows = len(table.slots) + max(0, visible.rows - len(table.places)) if chosen is None else len(chosen)
    coded = quantise_query(query)

    def work(start: int, stop: int) -> None:
        parts.append(_scan(table, read, query, coded, count, visible, places, start, stop))

    parts: list[Found] = []
    if rows * len(query) < _WORTH_A_THREAD:
        work(0, rows)
    else:
        share_rows(work, rows)
    if len(parts) == 1:
        return parts[0]
    slots, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    return best(slots, scores, count)


def search_lists(
    table: Table,
    lists: Lists,
    turning: Rotation,
    read: Read,
    query: Floats,
    count: int,
    visible: Visible,
) -> Found | None:
    """The likely best `count` visible rows by their exact scores; None where too many are too much alike to tell."""
    alone = count <= _ALONE and not len(visible.allowed)
    coded, sketched = quantise_query(query), sketch_query(query, turning)
    length = coded.length  # ranks and margins are those of the query at unit length, times this
    near, reach = (lists.near * length, np.inf) if alone else (np.inf, lists.reach * length)
    ranked = _ranked(table, lists.centres, coded, count, near)
    while True:
        listed = shortlist(count)
        if not probe(table, ranked, coded, sketched, near, reach, visible, listed):
            return None
        if listed.sizes[0] == count or len(ranked.order) == len(ranked.ranks):
            return settle(read, query, listed, NOTHING)
        ranked = _ranked(table, lists.centres, coded, count, np.inf)  # most rows of the near lists were removed


def _scan(
    table: Table,
    read: Read,
    query: Floats,
    coded: Query,
    count: int,
    visible: Visible,
    chosen: NDArray[np.int64],
    start: int,
    stop: int,
) -> Found:
    listed, found = shortlist(count), NOTHING
    while start < stop:
        start = scan(table, chosen, start, stop, coded, visible, listed)
        found = settle(read, query, listed, found)
    return found


def _ranked(table: Table, centres: Centres, query: Query, count: int, near: float) -> Ranked:
    """The lists that are near enough, if the nearest has `count` rows; else all."""
    ranks = np.empty(len(centres.halves), dtype=np.float32)
    products = np.empty(len(ranks), dtype=np.float32)
    nearest = _rank(centres, query, products, ranks)
    if near < np.inf and table.starts[nearest + 1] - table.starts[nearest] >= count:
        some = np.flatnonzero(ranks >= ranks[nearest] - near)
        return Ranked(products, ranks, some[np.argsort(-ranks[some])])
    return Ranked(products, ranks, np.argsort(-ranks))


@compiled
def _rank(centres: Centres, query: Query, products: Floats, ranks: Floats) -> int:
    """Fills in products and ranks; the highest one's list."""
    numbers, scales, _ = centres.codes
    multiplied, per, length, _ = query
    best = 0
    for place in range(len(ranks)):
        product = per * np.float64(scales[place]) * np.float64(_product(numbers, place, multiplied))
        products[place] = np.float32(product)
        ranks[place] = np.float32(product - length * np.float64(centres.halves[place]))
        if ranks[place] > ranks[best]:
            best = place
    return best
