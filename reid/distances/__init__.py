"""Distances between images, exact and in blocks, for everything that ranks: scores, re-ranking, search. No torch."""

from reid.distances.cosine import CosineDistances, unit_rows
from reid.distances.matrix import MatrixDistances
from reid.distances.nearest import Neighbours, nearest
from reid.distances.protocol import EXACT_BITS, Distances, RoundedDistances, TiledDistances

__all__ = [
    "EXACT_BITS",
    "CosineDistances",
    "Distances",
    "MatrixDistances",
    "Neighbours",
    "RoundedDistances",
    "TiledDistances",
    "nearest",
    "unit_rows",
]
