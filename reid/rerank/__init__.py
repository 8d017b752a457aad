"""Re-ranking: better distances or vectors from who is near whom, in little memory. No torch."""

from reid.rerank.k_reciprocal import KReciprocalDistances, k_reciprocal

__all__ = ["KReciprocalDistances", "k_reciprocal"]
