"""Distances between images, exact and in blocks, for everything that ranks: scores, re-ranking, search. No torch."""

from reid.distances.cosine import CosineDistances, unit_rows
from reid.distances.matrix import MatrixDistances
from reid.distances.protocol import EXACT_BITS, Distances, RoundedDistances

__all__ = ["EXACT_BITS", "CosineDistances", "Distances", "MatrixDistances", "RoundedDistances", "unit_rows"]
