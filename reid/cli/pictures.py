"""Pictures of an evaluation: rank lists of a few queries, by chance and the hardest, and CMC curves."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.data.images import read_image
from reid.evaluation.per_query import hardest_queries
from reid.evaluation.refinement import PLAIN, Refinement
from reid.evaluation.reports import Report
from reid.records import JUNK, NO_CAMERA, Embeddings, Floats, Records, TestSet
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
    refinement: Refinement = PLAIN,
    refined: str = "",
) -> list[Path]:
    """Draw `cmc.png`, and for each test set `ranks-<name>.png` and `hardest-<name>.png`, into a folder.

    The queries of the first rank list are drawn by chance, from the seed, so that they are not a selection of good
    ones; those of the second are the ones of lowest average precision.

    Args:
        tests: the test sets.
        embeddings: theirs.
        results: reports by test set and protocol.
        folder: where the pictures go.
        seed: of the drawn queries.
        refinement: what stood between vectors and ranking; the lists are those of its distances.
        refined: that in words, for the titles.

    Returns:
        What was drawn.

    Raises:
        DataError: an image cannot be read.
        OutputError: a picture cannot be written.
    """
    drawn = []
    curves = {f"{name} {protocol}": found.curve for name, by in results.items() for protocol, found in by.items()}
    if any(len(curve) for curve in curves.values()):
        cmc_curves(curves, folder / "cmc.png")
        drawn.append(folder / "cmc.png")
    for name, test in tests.items():
        lists = _RankLists(test, embeddings[name], refinement)
        chosen = {"ranks": ("drawn by chance", lists.drawn(seed)), "hardest": ("hardest", lists.hardest(results[name]))}
        for kind, (what, queries) in chosen.items():
            if len(queries):
                title = f"{name}: queries {what} and what was found for them{refined}"
                rank_lists(list(lists.rows(queries)), folder / f"{kind}-{name}.png", title=title)
                drawn.append(folder / f"{kind}-{name}.png")
    return drawn


class _RankLists:
    """What the protocols find for single queries: no junk, not the query itself, not its identity on its own camera."""

    def __init__(self, test: TestSet, embedded: Embeddings, refinement: Refinement) -> None:
        self._apart = test.query is not None
        if test.query is None:
            self._query = self._gallery = refinement.without_junk(embedded)
        else:
            self._query = embedded.select(slice(0, len(test.query)))
            self._gallery = refinement.without_junk(embedded.select(slice(len(test.query), None)))
        self._distances = refinement.distances(self._query.vectors, self._gallery.vectors)

    def drawn(self, seed: int) -> list[int]:
        """Queries drawn by chance, in their order."""
        known = np.flatnonzero(self._query.records.identities != JUNK)
        return sorted(rng.generator(seed, "pictures").permutation(known)[:QUERIES].tolist())

    def hardest(self, reports: Mapping[str, Report]) -> list[int]:
        """The queries of lowest average precision, where such lists were scored."""
        report = reports.get("query-gallery" if self._apart else "all-vs-all")
        if report is None or report.per_query is None:
            return []
        place = {path: row for row, path in enumerate(self._query.records.paths.tolist())}
        return [place[query.path] for query in hardest_queries(report.per_query, QUERIES)]

    def rows(self, queries: Sequence[int]) -> Iterator[RankRow]:
        """The first hits of these queries."""
        for query in queries:
            distances = self._distances.rows(query, query + 1)[0]
            columns = np.flatnonzero(self._allowed(query))
            nearest = columns[np.argsort(distances[columns], kind="stable")[:HITS]]
            hits = tuple(_tile(self._gallery.records, image, distances) for image in nearest.tolist())
            yield RankRow(_tile(self._query.records, query), hits)

    def _allowed(self, query: int) -> NDArray[np.bool_]:
        own, others = self._query.records, self._gallery.records
        allowed: NDArray[np.bool_] = others.identities != JUNK
        if not self._apart:
            allowed[query] = False
        elif own.cameras is not None and others.cameras is not None and own.cameras[query] != NO_CAMERA:
            same = others.identities == own.identities[query]
            allowed &= ~(same & (others.cameras == own.cameras[query]))
        return allowed


def _tile(records: Records, row: int, distances: Floats | None = None) -> Tile:
    code, camera = int(records.identities[row]), NO_CAMERA if records.cameras is None else int(records.cameras[row])
    return Tile(
        read_image(records.root / records.paths[row]),
        None if code == JUNK else records.identity_names[code],
        None if camera == NO_CAMERA else camera,
        None if distances is None else float(1 - distances[row]),
    )
