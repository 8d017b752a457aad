"""The most similar images of each query, in one order whatever the server does with equal scores."""

from typing import Any

import numpy as np

from reid.gallery.entries import Stored
from reid.gallery.milvus.images import Images
from reid.gallery.milvus.layout import search_params
from reid.gallery.milvus.rows import FIELDS, to_stored
from reid.gallery.milvus.server import Server
from reid.records import Floats

MOST = 16_384
"""Hits of one request that a server gives at most."""

NOISE = 1e-6
"""By how much two scores of the same vector may differ, as the server may add them up in different orders."""

_HITS = 50_000
Found = list[tuple[dict[str, Any], float]]


def nearest(
    server: Server, images: Images, queries: Floats, count: int, condition: str
) -> list[list[tuple[Stored, float]]]:
    """The `count` most similar images of each query, best first, then by id.

    One hit more is asked for than is wanted: where it may score the same as the last one, more are fetched until none
    does, as far as the server goes. Scores that may be the same are computed again here, from the stored vectors.

    Args:
        server: that is asked.
        images: that are searched.
        queries: (Q, D) float32.
        count: of hits, below `MOST`.
        condition: an expression, or "".
    """

    def search(some: Floats, limit: int) -> list[Found]:
        return server.search(images.collection, some, limit, condition, FIELDS, search_params(limit))

    limit = count + 1
    step = max(1, _HITS // limit)
    found: list[Found] = []
    for start in range(0, len(queries), step):
        found += search(queries[start : start + step], limit)
    for place, hits in enumerate(found):
        wider = limit
        while len(found[place]) == wider < MOST and hits[count - 1][1] - found[place][-1][1] <= NOISE:
            wider = min(MOST, 2 * wider + 30)
            found[place] = search(queries[place : place + 1], wider)[0]
    return [
        [(to_stored(row), min(1.0, max(-1.0, score))) for row, score in hits[:count]]
        for hits in _in_order(found, queries, images)
    ]


def _in_order(found: list[Found], queries: Floats, images: Images) -> list[Found]:
    """Best first, then by id, after scores that may be equal were computed again."""
    unsure = [_near_another([score for _, score in hits]) for hits in found]
    ids = {int(hits[place][0]["id"]) for hits, places in zip(found, unsure, strict=True) for place in places}
    vectors = images.vectors(sorted(ids))
    ordered = []
    for hits, places, query in zip(found, unsure, queries, strict=True):
        for place in places:
            row, _ = hits[place]
            if (vector := vectors.get(int(row["id"]))) is not None:  # else it was removed meanwhile
                hits[place] = row, float((vector.astype(np.float64) * query).sum())
        ordered.append(sorted(hits, key=lambda hit: (-hit[1], int(hit[0]["id"]))))
    return ordered


def _near_another(scores: list[float]) -> list[int]:
    """The places of scores, largest first, that may be the same as the one before or after."""
    near = np.flatnonzero(-np.diff(np.asarray(scores, np.float64)) <= NOISE)
    return sorted({*near.tolist(), *(near + 1).tolist()})
