"""The index of a gallery's vectors: a small copy of them in memory that finds the most similar ones.

Codes of one byte a number bound every similarity, so that a scan of them with exact scores for the few rows that
may matter gives the exact result. For large galleries the codes stand in lists of similar rows, and sketches of one
bit a number tell which rows of which lists are worth a look at their codes.
"""

from reid.gallery.index.clusters import Clusters
from reid.gallery.index.vector_index import VectorIndex

__all__ = ["Clusters", "VectorIndex"]
