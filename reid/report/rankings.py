"""Which queries are shown of a test set, and what was found for them: the rows of rank lists."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid import rng
from reid.data.images import MAX_MEGAPIXELS, read_image
from reid.distances import Distances
from reid.evaluation.per_query import PerQuery
from reid.evaluation.refinement import PLAIN, Refinement
from reid.evaluation.single_shot import trial_gallery
from reid.records import JUNK, NO_CAMERA, Embeddings, Floats, Integers, Records, TestSet
from reid.report.figures import RankRow, Tile

HITS = 10
"""Hits of a rank list."""


class RankLists:
    """What a protocol finds for single queries: no junk, not the query itself, not its identity on its own camera.

    Attributes:
        protocol: whose queries and galleries these are: query-gallery, all-vs-all, or single-shot.
        query: the images that are asked.
        gallery: the images that are found; of all-vs-all the same.

    Args:
        protocol: see above.
        query: see above.
        gallery: see above.
        distances: of the queries to the gallery.
        max_megapixels: larger images are refused.
    """

    def __init__(
        self,
        protocol: str,
        query: Embeddings,
        gallery: Embeddings,
        distances: Distances,
        *,
        max_megapixels: float = MAX_MEGAPIXELS,
    ) -> None:
        self.protocol = protocol
        self.query, self.gallery = query, gallery
        self._distances = distances
        self._max_megapixels = max_megapixels

    def drawn(self, seed: int, number: int) -> list[int]:
        """Queries drawn by chance, so that they are no selection of good ones; in their order."""
        known = np.flatnonzero(self.query.records.identities != JUNK)
        return sorted(rng.generator(seed, "pictures").permutation(known)[:number].tolist())

    def hardest(self, values: PerQuery, number: int) -> list[int]:
        """The queries of lowest average precision."""
        order = np.lexsort((values.rows, -values.first_ranks, values.figures["mAP"]))
        return self._asked(values, order)[:number]

    def median(self, values: PerQuery, number: int) -> list[int]:
        """Those in the middle, by average precision."""
        asked = self._asked(values, np.lexsort((values.rows, values.figures["mAP"])))
        start = max(0, (len(asked) - number) // 2)
        return asked[start : start + number]

    def best(self, values: PerQuery, number: int) -> list[int]:
        """Those of highest average precision; of many equal ones those drawn first from a fixed shuffle."""
        shuffled = rng.generator(0, "best queries").permutation(len(values))
        return self._asked(values, np.lexsort((shuffled, -values.figures["mAP"])))[:number]

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
        distances, columns = self._row(query), np.flatnonzero(self._allowed(query))
        nearest = columns[np.argsort(distances[columns], kind="stable")[:HITS]]
        return nearest, 1 - distances[nearest]

    def first_rank(self, query: int) -> int | None:
        """The rank of a query's first match, from 1, behind others as near as it; None where there is none."""
        distances, allowed = self._row(query), self._allowed(query)
        same = self.gallery.records.identities == self.query.records.identities[query]
        matches, others = distances[allowed & same], distances[allowed & ~same]
        return 1 + int(np.count_nonzero(others <= matches.min())) if len(matches) else None

    def _row(self, query: int) -> Floats:
        distances: Floats = self._distances.rows(query, query + 1)[0]
        return distances

    def _tile(self, records: Records, row: int, score: float | None = None) -> Tile:
        return read_tile(records, row, score, max_megapixels=self._max_megapixels)

    def _asked(self, values: PerQuery, order: Integers) -> list[int]:
        """Queries in this order, those of them that are asked here; a trial does not ask what is its gallery."""
        place = {path: row for row, path in enumerate(self.query.records.paths.tolist())}
        return [place[path] for path in values.paths[order].tolist() if path in place]

    def _allowed(self, query: int) -> NDArray[np.bool_]:
        own, others = self.query.records, self.gallery.records
        allowed: NDArray[np.bool_] = others.identities != JUNK
        if self.protocol == "all-vs-all":
            allowed[query] = False
        elif (
            self.protocol == "query-gallery"
            and own.cameras is not None
            and others.cameras is not None
            and own.cameras[query] != NO_CAMERA
        ):
            same = others.identities == own.identities[query]
            allowed &= ~(same & (others.cameras == own.cameras[query]))
        return allowed


def lists_of(
    test: TestSet,
    embedded: Embeddings,
    protocol: str,
    refinement: Refinement = PLAIN,
    *,
    seed: int = 0,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> RankLists:
    """The rank lists that a protocol scores; of single-shot those of its first trial.

    Args:
        test: the test set.
        embedded: of its images: the queries, if any, then the gallery.
        protocol: its name.
        refinement: what stands between vectors and ranking.
        seed: of the report.
        max_megapixels: larger images are refused.
    """
    if protocol == "single-shot":
        query, gallery, distances = _trial(embedded, seed, refinement)
    else:
        if protocol == "all-vs-all" or test.query is None:
            query = gallery = refinement.without_junk(embedded)
        else:
            query = embedded.select(slice(0, len(test.query)))
            gallery = refinement.without_junk(embedded.select(slice(len(test.query), None)))
        distances = refinement.distances(query.vectors, gallery.vectors)
    return RankLists(protocol, query, gallery, distances, max_megapixels=max_megapixels)


@dataclass(frozen=True)
class _Part:
    """Distances of some images to others, out of those of all to all."""

    whole: Distances
    queries: Integers
    gallery: Integers

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.queries), len(self.gallery)

    def rows(self, start: int, stop: int) -> Floats:
        return np.concatenate(
            [self.whole.rows(row, row + 1)[:, self.gallery] for row in self.queries[start:stop].tolist()]
        )


def _trial(embedded: Embeddings, seed: int, refinement: Refinement) -> tuple[Embeddings, Embeddings, Distances]:
    """The first trial: one image of every identity is searched, all others are asked."""
    images = refinement.without_junk(embedded)
    shown = trial_gallery(images.records, seed=seed, trial=0)
    asked = images.records.identities != JUNK
    asked[shown] = False
    rows = np.flatnonzero(asked)
    query, gallery = images.select(rows), images.select(shown)
    if refinement.expand is not None:  # then distances depend on what is searched
        return query, gallery, refinement.distances(query.vectors, gallery.vectors)
    return query, gallery, _Part(refinement.distances(images.vectors, images.vectors), rows, shown)


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
