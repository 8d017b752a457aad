"""Exact search: the most similar gallery images of each query."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.errors import GalleryError, ShapeError
from reid.records import JUNK, NO_CAMERA, Embeddings

_BLOCK = 64 * 2**20
"""Similarities held at once: 256 MiB of float32."""


@dataclass(frozen=True)
class Hit:
    """One image found.

    Attributes:
        rank: from 1, best first.
        identity: its name in the gallery; None where it is not known.
        score: cosine similarity with the query, -1..1.
        path: of the image file.
        camera: number; None where it is not known.
    """

    rank: int
    identity: str | None
    score: float
    path: Path
    camera: int | None

    def to_dict(self) -> dict[str, object]:
        """The hit as plain values for JSON."""
        return {
            "rank": self.rank,
            "identity": self.identity,
            "score": self.score,
            "path": str(self.path),
            "camera": self.camera,
        }


def search(
    queries: NDArray[np.float32], gallery: Embeddings, *, count: int, allowed: NDArray[np.bool_] | None = None
) -> list[list[Hit]]:
    """The `count` most similar gallery images of each query, best first; equal scores in the gallery's order.

    Args:
        queries: (Q, D) float32, unit length, of the gallery's model.
        gallery: N images.
        count: hits per query; fewer where fewer are allowed.
        allowed: (N,) or (Q, N) bool, images that may be found; None is all.

    Raises:
        ShapeError: the dimensions differ, or a query holds NaN or infinity.
        GalleryError: `count` is less than 1.
    """
    if count < 1:
        raise GalleryError(f"the number of hits must be at least 1, got {count}")
    if queries.ndim != 2 or queries.shape[1] != gallery.vectors.shape[1]:
        raise ShapeError(
            f"queries have shape {queries.shape}, the gallery's vectors {gallery.vectors.shape[1]} columns"
        )
    if not np.isfinite(queries).all():
        raise ShapeError("a query vector holds NaN or infinity")
    step = max(1, _BLOCK // max(1, len(gallery.vectors)))
    hits: list[list[Hit]] = []
    for start in range(0, len(queries), step):
        scores = queries[start : start + step] @ gallery.vectors.T
        if allowed is not None:
            rows = allowed if allowed.ndim == 1 else allowed[start : start + step]
            scores = np.where(rows, scores, -np.inf)
        hits.extend(_best(row, gallery, count) for row in scores)
    return hits


def camera_filter(gallery: Embeddings, *, only: Sequence[int] = (), without: Sequence[int] = ()) -> NDArray[np.bool_]:
    """(N,) bool: images of the cameras in `only` (all, if empty) and of none in `without`.

    Raises:
        GalleryError: a filter is given and the gallery knows no cameras.
    """
    allowed = np.ones(len(gallery.vectors), dtype=bool)
    if not only and not without:
        return allowed
    if gallery.records.cameras is None:
        raise GalleryError("the gallery's images have no camera numbers, so they cannot be filtered by camera")
    if only:
        allowed &= np.isin(gallery.records.cameras, only)
    return allowed & ~np.isin(gallery.records.cameras, without)


def _best(scores: NDArray[np.float32], gallery: Embeddings, count: int) -> list[Hit]:
    count = min(count, int(np.isfinite(scores).sum()))
    if not count:
        return []
    least = np.partition(scores, -count)[-count]
    candidates = np.flatnonzero(scores >= least)
    order = candidates[np.argsort(-scores[candidates], kind="stable")][:count]
    return [_hit(rank, row, float(scores[row]), gallery) for rank, row in enumerate(order.tolist(), 1)]


def _hit(rank: int, row: int, score: float, gallery: Embeddings) -> Hit:
    found = gallery.records
    code = int(found.identities[row])
    camera = NO_CAMERA if found.cameras is None else int(found.cameras[row])
    return Hit(
        rank,
        None if code == JUNK else found.identity_names[code],
        min(1.0, max(-1.0, score)),
        found.root / found.paths[row],
        None if camera == NO_CAMERA else camera,
    )
