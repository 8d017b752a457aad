"""One question to a store: which images or identities are most like a query."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reid.embed import Embedder
from reid.errors import GalleryError
from reid.gallery.answers import Answer, Probability, by_identity, by_image
from reid.gallery.filters import Where
from reid.gallery.grouping import Found, fetch_identities
from reid.gallery.queries import Rerank, one_query, rerank_top
from reid.gallery.store import MAX_HITS, Store
from reid.records import Floats

Crop = str | os.PathLike[str] | NDArray[Any]
"""A path, pixels (H, W, 3) uint8 RGB, or a vector (D,) of the gallery's model."""

RERANKED = 100
"""Images that are ordered anew at most."""


@dataclass(frozen=True)
class Question:
    """What is wanted of a search.

    Attributes:
        k: hits.
        where: a condition on the images.
        by: whether hits are images, or identities with their best images.
        best_of: images that an identity's score is the mean of.
        rerank: orders the best `RERANKED` images anew.
        threshold: best score below which the answer is "unknown"; None never says so.
        probability: makes probabilities of scores.

    Raises:
        GalleryError: `k` is not from 1 to 10,000.
    """

    k: int = 10
    where: Where = field(default_factory=Where)
    by: Literal["image", "identity"] = "image"
    best_of: int = 1
    rerank: Rerank | None = None
    threshold: float | None = None
    probability: Probability | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.k <= MAX_HITS:
            raise GalleryError(f"the number of hits must be from 1 to {MAX_HITS:,}, got {self.k}")

    def ask(self, store: Store, vector: Floats, own: frozenset[str | int] = frozenset()) -> Answer:
        """The answer of a store.

        Args:
            store: of the images.
            vector: (D,) the query, unit length.
            own: sha256 of contents, and ids of images, that are no answer: the query's own.

        Raises:
            GalleryError: `k` or the vector is wrong.
        """
        best = partial(self._best, store, vector, own)
        if self.by == "image":
            found = self._reranked(store, vector, best(self._least(self.k)))
            return by_image(found, self.k, threshold=self.threshold, probability=self.probability)
        found = fetch_identities(
            lambda count: best(self._least(count)), partial(self._of, best), self.k, m=self.best_of
        )
        return by_identity(
            self._reranked(store, vector, found),
            self.k,
            m=self.best_of,
            as_ordered=self.rerank is not None,
            threshold=self.threshold,
            probability=self.probability,
        )

    def _least(self, count: int) -> int:
        return count if self.rerank is None else max(count, RERANKED)

    def _of(self, best: Any, identity: str) -> Found:
        found: Found = best(self.best_of, where=self.where.but(identities=(identity,)))
        return found

    def _best(
        self, store: Store, vector: Floats, own: frozenset[str | int], count: int, where: Where | None = None
    ) -> Found:
        wanted = min(count + len(own), MAX_HITS)
        found = store.nearest(vector[np.newaxis], wanted, self.where if where is None else where)[0]
        return [(image, score) for image, score in found if image.sha256 not in own and image.id not in own][:count]

    def _reranked(self, store: Store, vector: Floats, found: Found) -> Found:
        if self.rerank is None:
            return found
        top = store.vectors([image.id for image, _ in found[:RERANKED]])
        return rerank_top(vector, found, top, self.rerank)


def contents(crop: Crop) -> frozenset[str | int]:
    """The sha256 of a crop's file, if it is one that can be read."""
    if isinstance(crop, np.ndarray):
        return frozenset()
    try:
        with Path(crop).open("rb") as file:
            return frozenset({hashlib.file_digest(file, "sha256").hexdigest()})
    except OSError:
        return frozenset()


def vectors_of(crops: Sequence[Crop], embedder: Embedder | None, dimension: int) -> Floats:
    """Vectors (Q, D) of crops, of unit length.

    Args:
        crops: Q of them.
        embedder: makes vectors of pictures; None will do where all crops are vectors.
        dimension: D.

    Raises:
        MissingInputError, DataError: a file is not there, or is no image that can be read.
        GalleryError: there is no embedder for a picture, or a vector has another length.
    """
    made = np.zeros((len(crops), dimension), dtype=np.float32)
    pictures: dict[int, NDArray[Any] | Path] = {}
    for place, crop in enumerate(crops):
        if not isinstance(crop, np.ndarray):
            pictures[place] = Path(crop)
        elif crop.ndim != 1:
            pictures[place] = crop
        elif len(crop) != dimension:
            raise GalleryError(f"a vector has {len(crop)} numbers, those of the gallery have {dimension}")
        else:
            made[place] = one_query(crop[np.newaxis])
    if pictures and embedder is None:
        raise GalleryError("pictures can only be searched for with the gallery's model; open it with an embedder")
    if pictures and embedder is not None:
        made[list(pictures)] = embedder.embed(list(pictures.values()))
    return made
