"""What may stand between the vectors and their ranking: other vectors, other distances."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reid.distances import CosineDistances, Distances
from reid.records import JUNK, Embeddings, Floats


@dataclass(frozen=True)
class Refinement:
    """How distances come from vectors.

    Attributes:
        expand: makes better vectors of (Q, D) query and (G, D) gallery vectors before they are compared, as query
            expansion does; the very same object given twice means all images against all. None leaves them.
        rerank: makes the distances, as `reid.rerank.k_reciprocal` does; None means those of the angle.
        compare: makes the distances of the angle; those of `reid.acceleration` are the same, on faster hardware.
    """

    expand: Callable[[Floats, Floats], tuple[Floats, Floats]] | None = None
    rerank: Callable[[Floats, Floats], Distances] | None = None
    compare: Callable[[Floats, Floats], Distances] = CosineDistances

    @property
    def plain(self) -> bool:
        """Whether vectors are compared as they are, each pair by itself."""
        return self.expand is None and self.rerank is None

    def distances(self, query: Floats, gallery: Floats) -> Distances:
        """Distances of the queries to the gallery.

        Raises:
            ShapeError: the vectors do not fit each other, or hold NaN or infinity.
            ConfigError: a setting of the methods is out of its range.
        """
        if self.expand is not None:
            query, gallery = self.expand(query, gallery)
        return self.compare(query, gallery) if self.rerank is None else self.rerank(query, gallery)

    def without_junk(self, images: Embeddings) -> Embeddings:
        """The images that may stand in a neighbourhood: where neighbours matter, junk must not be among them."""
        known = images.records.identities != JUNK
        return images if self.plain or known.all() else images.select(np.flatnonzero(known))


PLAIN = Refinement()
"""Cosine distances of the vectors."""
