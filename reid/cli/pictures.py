"""Pictures of an evaluation: rank lists of a few queries, and CMC curves."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.data.images import read_image
from reid.evaluation.reports import Report
from reid.gallery.search import Hit, search
from reid.records import JUNK, Embeddings, TestSet
from reid.report.figures import RankRow, Tile, cmc_curves, rank_lists

QUERIES = 8
HITS = 10


def draw_pictures(
    tests: Mapping[str, TestSet],
    embeddings: Mapping[str, Embeddings],
    results: Mapping[str, Mapping[str, Report]],
    folder: Path,
    *,
    seed: int,
    refined: str = "",
) -> list[Path]:
    """Draw `cmc.png`, and `ranks-<test set>.png` for each test set, into a folder; returns what was drawn.

    The queries of a rank list are drawn by chance, from the seed, so that they are not a selection of good ones.
    What is found for them is what the vectors find; where the figures are `refined`, the title says so.

    Raises:
        DataError: an image cannot be read.
        OutputError: a picture cannot be written.
    """
    drawn = []
    before = " by the vectors alone" if refined else ""
    curves = {f"{name} {protocol}": found.curve for name, by in results.items() for protocol, found in by.items()}
    if any(len(curve) for curve in curves.values()):
        cmc_curves(curves, folder / "cmc.png")
        drawn.append(folder / "cmc.png")
    for name, test in tests.items():
        path = folder / f"ranks-{name}.png"
        rank_lists(
            _rows(test, embeddings[name], seed),
            path,
            title=f"{name}: queries drawn by chance and what was found for them{before}",
        )
        drawn.append(path)
    return drawn


def _rows(test: TestSet, embedded: Embeddings, seed: int) -> list[RankRow]:
    first = 0 if test.query is None else len(test.query)
    gallery = embedded.select(slice(first, None))
    known = np.flatnonzero(embedded.records.identities[: first or None] != JUNK)
    chosen = np.sort(rng.generator(seed, "pictures").permutation(known)[:QUERIES])
    queries = embedded.select(chosen)
    mask = np.stack(
        [_allowed(queries, place, gallery, chosen[place] if not first else None) for place in range(len(chosen))]
    )
    found = search(queries.vectors, gallery, count=HITS, allowed=mask)
    names = queries.records.names()
    cameras = queries.records.cameras
    rows = []
    for place, (path, hits) in enumerate(zip(queries.records.files(), found, strict=True)):
        tile = Tile(read_image(path), names[place], None if cameras is None else int(cameras[place]))
        rows.append(RankRow(tile, tuple(_tile(hit) for hit in hits)))
    return rows


def _allowed(queries: Embeddings, place: int, gallery: Embeddings, itself: int | None) -> NDArray[np.bool_]:
    """What the protocols rank: no junk, not the query itself, not its identity on its own camera."""
    allowed: NDArray[np.bool_] = gallery.records.identities != JUNK
    if itself is not None:
        allowed[itself] = False
    elif queries.records.cameras is not None and gallery.records.cameras is not None:
        same_identity = gallery.records.identities == queries.records.identities[place]
        camera = queries.records.cameras[place]
        allowed &= ~(same_identity & (gallery.records.cameras == camera) & (camera >= 0))
    return allowed


def _tile(hit: Hit) -> Tile:
    return Tile(read_image(hit.path), hit.identity, hit.camera, hit.score)
