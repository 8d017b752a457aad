"""Scoring embeddings: exact ranks, the figures made of them, and the protocols that publish them. No torch."""
