"""What every store refuses before it works."""

from collections.abc import Sequence

import numpy as np

from reid.errors import GalleryError
from reid.gallery.entries import Entry
from reid.gallery.store import MAX_HITS, About
from reid.records import Floats
from reid.text import printable

_UNIT = 1e-2


def check_model(about: About, model: str) -> None:
    """Refuse a model whose vectors cannot be compared with the gallery's.

    Raises:
        GalleryError: it is another one; both are named.
    """
    if model != about.model:
        raise GalleryError(
            f"the gallery's vectors are those of model {about.model[:12] or 'unknown'}, and the model that was named is "
            f"{model[:12] or 'unknown'}: they cannot be compared; take that model, or embed the gallery again with "
            "reid-gallery migrate"
        )


def check_vectors(entries: Sequence[Entry], vectors: Floats, dimension: int) -> None:
    """Refuse vectors that cannot be searched.

    Raises:
        GalleryError: another number than of entries, another length than the gallery's, or one that is NaN, infinite,
            zero or not of unit length; its image is named.
    """
    if vectors.ndim != 2 or len(vectors) != len(entries):
        raise GalleryError(f"{len(entries)} images came with vectors of shape {vectors.shape}")
    if vectors.shape[1] != dimension:
        raise GalleryError(f"the vectors have {vectors.shape[1]} numbers, those of the gallery {dimension}")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    bad = np.flatnonzero(~(np.abs(lengths - 1) <= _UNIT))
    if len(bad):
        row = int(bad[0])
        found = "NaN or infinity" if not np.isfinite(lengths[row]) else f"the length {lengths[row]:.3g} instead of 1"
        more = f", and {len(bad) - 1} other vectors are as wrong" if len(bad) > 1 else ""
        raise GalleryError(f"the vector of {printable(entries[row].path)} has {found}{more}; nothing was added")


def check_queries(queries: Floats, count: int, dimension: int) -> None:
    """Refuse what cannot be searched for.

    Raises:
        GalleryError: queries of another length, NaN or infinite, or a number of hits outside 1..`MAX_HITS`.
    """
    if not 1 <= count <= MAX_HITS:
        raise GalleryError(f"the number of hits must be from 1 to {MAX_HITS:,}, got {count}")
    if queries.ndim != 2 or queries.shape[1] != dimension:
        raise GalleryError(f"queries have shape {queries.shape}, the gallery's vectors {dimension} numbers")
    if not np.isfinite(queries).all():
        raise GalleryError("a query vector holds NaN or infinity")


def new_places(entries: Sequence[Entry], there: set[str]) -> list[int]:
    """The places of entries whose content is not there, nor before them."""
    new = []
    for place, entry in enumerate(entries):
        if entry.sha256 not in there:
            new.append(place)
            there |= {entry.sha256} - {""}
    return new
