"""Searches of one query, or a few, in one state of an index."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.distances.compiled import compiled
from reid.distances.threads import share_rows
from reid.gallery.index.codes import Query, quantise_query
from reid.gallery.index.refining import NOTHING, Found, Read, best, settle
from reid.gallery.index.scanning import probe, scan
from reid.gallery.index.sketches import Rotation, rotate, sketch_query
from reid.gallery.index.table import Centres, Ranked, Table, Visible, shortlist
from reid.records import Floats

_WORTH_A_THREAD = 2**24
"""Numbers of codes that one thread scans in about the time that threads take to start, ten times over."""
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
    centres = Centres(np.ascontiguousarray(centroids.T), halves.astype(np.float32))
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
    products, ranks = _rank(lists.centres, query)
    ranked = Ranked(products, ranks, np.argsort(-ranks))
    alone = count <= 10 and not len(visible.allowed)
    near, reach = (lists.near, np.inf) if alone else (np.inf, lists.reach)
    listed = shortlist(count)
    coded, sketched = quantise_query(query), sketch_query(query, turning)
    if not probe(table, ranked, coded, sketched, near, reach, visible, listed):
        return None
    return settle(read, query, listed, NOTHING)


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


def _rank(centres: Centres, query: Floats) -> tuple[Floats, Floats]:
    """(L,) the products of the query with the centres, and the ranks."""
    products = np.zeros(len(centres.halves), dtype=np.float32)
    _multiply(centres.columns, query, products)
    return products, products - centres.halves


@compiled
def _multiply(columns: Floats, query: Floats, products: Floats) -> None:
    for row in range(len(query)):
        factor, column = query[row], columns[row]
        for place in range(len(products)):
            products[place] += factor * column[place]
