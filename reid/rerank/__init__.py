"""Re-ranking: better distances or vectors from who is near whom, in little memory. No torch."""

from reid.rerank.estimate import Estimate, estimate, product_rate
from reid.rerank.expanded_neighbourhood import expanded_neighbourhood
from reid.rerank.graph import graph_propagation
from reid.rerank.k_reciprocal import KReciprocalDistances, k_reciprocal
from reid.rerank.query_expansion import alpha_query_expansion, average_query_expansion, database_augmentation

__all__ = [
    "Estimate",
    "KReciprocalDistances",
    "alpha_query_expansion",
    "average_query_expansion",
    "database_augmentation",
    "estimate",
    "expanded_neighbourhood",
    "graph_propagation",
    "k_reciprocal",
    "product_rate",
]
