"""Which queries are shown of a test set, and what was found for them: the rows of rank lists."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.data.images import MAX_MEGAPIXELS, read_image
from reid.evaluation.per_query import PerQuery, hardest_queries
from reid.evaluation.refinement import PLAIN, Refinement
from reid.records import JUNK, NO_CAMERA, Embeddings, Floats, Integers, Records, TestSet
from reid.report.figures import RankRow, Tile

HITS = 10
"""Hits of a rank list."""


class RankLists:
    """What the protocols find for single queries: no junk, not the query itself, not its identity on its own camera.

    Attributes:
        query: the images that are asked.
        gallery: the images that are found.

    Args:
        test: the test set.
        embedded: of its images: the queries, if any, then the gallery.
        refinement: what stands between vectors and ranking; the lists are those of its distances.
        max_megapixels: larger images are refused.
    """

    def __init__(
        self,
        test: TestSet,
        embedded: Embeddings,
        refinement: Refinement = PLAIN,
        *,
        max_megapixels: float = MAX_MEGAPIXELS,
    ) -> None:
        self._apart = test.query is not None
        if test.query is None:
            self.query = self.gallery = refinement.without_junk(embedded)
        else:
            self.query = embedded.select(slice(0, len(test.query)))
            self.gallery = refinement.without_junk(embedded.select(slice(len(test.query), None)))
        self._distances = refinement.distances(self.query.vectors, self.gallery.vectors)
        self._max_megapixels = max_megapixels

    @property
    def protocol(self) -> str:
        """The protocol whose queries and galleries these are."""
        return "query-gallery" if self._apart else "all-vs-all"

    def drawn(self, seed: int, number: int) -> list[int]:
        """Queries drawn by chance, so that they are no selection of good ones; in their order."""
        known = np.flatnonzero(self.query.records.identities != JUNK)
        return sorted(rng.generator(seed, "pictures").permutation(known)[:number].tolist())

    def hardest(self, values: PerQuery, number: int) -> list[int]:
        """The queries of lowest average precision."""
        place = {path: row for row, path in enumerate(self.query.records.paths.tolist())}
        return [place[query.path] for query in hardest_queries(values, number)]

    def median(self, values: PerQuery, number: int) -> list[int]:
        """Those in the middle, by average precision."""
        order = np.lexsort((values.rows, values.figures["mAP"]))
        start = max(0, (len(order) - number) // 2)
        return self._rows_of(values, order[start : start + number])

    def best(self, values: PerQuery, number: int) -> list[int]:
        """Those of highest average precision; of many equal ones those drawn first from a fixed shuffle."""
        shuffled = rng.generator(0, "best queries").permutation(len(values))
        order = np.lexsort((shuffled, -values.figures["mAP"]))
        return self._rows_of(values, order[:number])

    def rows(self, queries: Sequence[int]) -> Iterator[RankRow]:
        """The first hits of these queries.

        Raises:
            DataError: an image cannot be read.
        """
        for query in queries:
            nearest, scores = self.hits(query)
            hits = tuple(
                self._tile(self.gallery.records, image, score)
                for image, score in zip(nearest.tolist(), scores.tolist(), strict=True)
            )
            yield RankRow(self._tile(self.query.records, query), hits)

    def hits(self, query: int) -> tuple[Integers, Floats]:
        """The nearest gallery images of a query, at most ten, and their similarities, best first."""
        distances = self._distances.rows(query, query + 1)[0]
        columns = np.flatnonzero(self._allowed(query))
        nearest = columns[np.argsort(distances[columns], kind="stable")[:HITS]]
        return nearest, 1 - distances[nearest]

    def _tile(self, records: Records, row: int, score: float | None = None) -> Tile:
        return read_tile(records, row, score, max_megapixels=self._max_megapixels)

    def _rows_of(self, values: PerQuery, places: Integers) -> list[int]:
        place = {path: row for row, path in enumerate(self.query.records.paths.tolist())}
        return [place[path] for path in values.paths[places].tolist()]

    def _allowed(self, query: int) -> NDArray[np.bool_]:
        own, others = self.query.records, self.gallery.records
        allowed: NDArray[np.bool_] = others.identities != JUNK
        if not self._apart:
            allowed[query] = False
        elif own.cameras is not None and others.cameras is not None and own.cameras[query] != NO_CAMERA:
            same = others.identities == own.identities[query]
            allowed &= ~(same & (others.cameras == own.cameras[query]))
        return allowed


def read_tile(
    records: Records, row: int, score: float | None = None, *, max_megapixels: float = MAX_MEGAPIXELS
) -> Tile:
    """An image with what is known of it.

    Args:
        records: the images.
        row: which of them.
        score: its similarity to a query.
        max_megapixels: larger ones are refused.

    Raises:
        DataError: it cannot be read.
    """
    code, camera = int(records.identities[row]), NO_CAMERA if records.cameras is None else int(records.cameras[row])
    return Tile(
        read_image(records.root / records.paths[row], max_megapixels=max_megapixels),
        None if code == JUNK else records.identity_names[code],
        None if camera == NO_CAMERA else camera,
        score,
    )
