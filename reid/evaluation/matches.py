"""Which gallery images count for a query: as a match, not at all, or as one of another identity."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reid.errors import ShapeError
from reid.records import JUNK, NO_CAMERA, Integers, Records


@dataclass(frozen=True, eq=False)
class Labels:
    """What a ranking knows of N images.

    Attributes:
        identities: (N,) int64 codes, -1 junk.
        cameras: (N,) int64, -1 unknown; None where no camera is known.
    """

    identities: Integers
    cameras: Integers | None = None

    @classmethod
    def of(cls, records: Records) -> Self:
        """The labels of `records`."""
        return cls(records.identities, records.cameras)

    def __len__(self) -> int:
        return len(self.identities)


@dataclass(frozen=True, eq=False)
class Rules:
    """Which images of a query's own identity are taken out of its ranking.

    Attributes:
        same_camera: take out those of the query's camera, where both cameras are known.
        same_image: gallery image i is query i, which must not find itself.
        itself: (Q,) int64 gallery image that is the query's very file, which it must not find either; -1 where there
            is none. None means no query is in the gallery.
    """

    same_camera: bool = False
    same_image: bool = False
    itself: Integers | None = None

    def among(self, images: Integers) -> Self:
        """These rules for a gallery of these images only, in ascending order."""
        if self.itself is None:
            return self
        at = np.minimum(np.searchsorted(images, self.itself), max(0, len(images) - 1))
        there = images[at] == self.itself if len(images) else np.zeros(len(at), dtype=bool)
        return replace(self, itself=np.where(there, at, -1))


@dataclass(frozen=True, eq=False)
class Pairs:
    """The P pairs of a query and a gallery image of its identity, in a block of queries.

    Attributes:
        rows: (P,) int64 rows of the block, ascending.
        columns: (P,) int64 gallery images.
        kept: (P,) bool: a match; otherwise taken out by a rule.
    """

    rows: Integers
    columns: Integers
    kept: NDArray[np.bool_]


class Matches:
    """Finds the gallery images of each query's identity without looking at all Q x G pairs.

    Args:
        query: labels of the Q queries.
        gallery: labels of the G gallery images.
        rules: what is taken out.
        asked: (Q,) bool, which queries take part; None means all. Junk never takes part.

    Raises:
        ShapeError: `asked` or, under `same_image`, the gallery is not as long as the queries.
    """

    def __init__(self, query: Labels, gallery: Labels, rules: Rules, asked: NDArray[np.bool_] | None = None) -> None:
        if asked is not None and asked.shape != (len(query),):
            raise ShapeError(f"asked has shape {asked.shape}, but there are {len(query)} queries")
        if rules.same_image and len(query) != len(gallery):
            raise ShapeError(f"{len(query)} queries cannot be the {len(gallery)} gallery images themselves")
        self._query, self._gallery, self._rules = query, gallery, rules
        self.asked = (query.identities != JUNK) & (True if asked is None else asked)
        self.junk = np.flatnonzero(gallery.identities == JUNK)
        self._order = np.argsort(gallery.identities, kind="stable")
        ordered = gallery.identities[self._order]
        self._first = np.searchsorted(ordered, query.identities, side="left")
        same = np.searchsorted(ordered, query.identities, side="right") - self._first
        self._same = np.where(self.asked, same, 0)

    def block(self, start: int, stop: int) -> Pairs:
        """The pairs of the queries start..stop-1."""
        same = self._same[start:stop]
        rows = np.repeat(np.arange(len(same)), same)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(same) - same, same)
        columns = self._order[self._first[start:stop][rows] + within]
        return Pairs(rows, columns, ~self._taken_out(start + rows, columns))

    def _taken_out(self, queries: Integers, images: Integers) -> NDArray[np.bool_]:
        out = np.zeros(len(queries), dtype=bool)
        if self._rules.same_image:
            out |= queries == images
        if self._rules.itself is not None:
            out |= self._rules.itself[queries] == images
        if self._rules.same_camera and self._query.cameras is not None and self._gallery.cameras is not None:
            cameras = self._query.cameras[queries]
            out |= (cameras == self._gallery.cameras[images]) & (cameras != NO_CAMERA)
        return out
