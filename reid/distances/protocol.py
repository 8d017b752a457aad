"""What can be scored: distances that are handed out in blocks of query rows, so that no Q x G matrix ever exists."""

from typing import Protocol, runtime_checkable

from reid.records import Floats, Integers

EXACT_BITS = 54
"""Exact distances are integers in 0..2**54-1."""


class Distances(Protocol):
    """Distances of Q queries to G gallery images, smaller is more similar."""

    @property
    def shape(self) -> tuple[int, int]:
        """Q and G."""
        ...

    def rows(self, start: int, stop: int) -> Floats:
        """Distances of the queries start..stop-1 as a new (stop - start, G) float32 array, finite; the caller may write in it."""
        ...


@runtime_checkable
class RoundedDistances(Distances, Protocol):
    """Distances whose `rows` are rounded, and that can say which of two is really smaller."""

    @property
    def rounding(self) -> float:
        """Upper bound of the difference between an element of `rows` and the true distance."""
        ...

    def fill(self, start: int, block: Floats, first: int = 0) -> None:
        """Write rounded distances of the queries start, ... to the gallery images first, ... into a (B, C) float32 array.

        Filling the same memory again is much faster than new memory for each block. May run in several threads.
        """
        ...

    def exact(self, queries: Integers, gallery: Integers) -> Integers:
        """True distances of these A queries to these C gallery images, as (A, C) int64 in 0..2**54-1.

        They are in steps of 2**-52, shifted by 2**52 so that none is negative. Their order and equality are exact.
        """
        ...

    def exact_pairs(self, queries: Integers, gallery: Integers) -> Integers:
        """True distances of P pairs of a query and a gallery image, (P,) int64, as `exact` has them."""
        ...


@runtime_checkable
class TiledDistances(RoundedDistances, Protocol):
    """Rounded distances that also hand out rectangles of similarities, less precise than `rows` and faster."""

    @property
    def symmetric(self) -> bool:
        """Whether queries and gallery are the same images in the same order, so that d(i, j) = d(j, i) exactly."""
        ...

    @property
    def tile_rounding(self) -> float:
        """Upper bound of the difference between an element of `tile` and 1 - the true distance."""
        ...

    def tile(self, queries: slice, gallery: slice) -> Floats:
        """Similarities, 1 - distance, of some queries and some gallery images as a new float32 array, finite."""
        ...
