"""Losses on unit vectors, all called as `loss(embeddings, labels)` -> scalar, chosen by name or brought along.

A loss with learned vectors for the classes also has `through(embeddings, labels, view)`, which sees these vectors as a
learner of divide and conquer sees the embeddings.
"""

from reid.model.losses.base import ClassVectorLoss, PairLoss, View
from reid.model.losses.building import build_loss, check_loss
from reid.model.losses.library import LibraryLoss
from reid.model.losses.margin import MarginLoss
from reid.model.losses.names import LOSSES
from reid.model.losses.pairs import distances, has_pairs
from reid.model.losses.weighted import WeightedSum, active_pairs

__all__ = [
    "LOSSES",
    "ClassVectorLoss",
    "LibraryLoss",
    "MarginLoss",
    "PairLoss",
    "View",
    "WeightedSum",
    "active_pairs",
    "build_loss",
    "check_loss",
    "distances",
    "has_pairs",
]
