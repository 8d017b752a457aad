"""Every loss that has a name."""

from collections.abc import Callable

from torch import nn

from reid.model.losses import classification, exponential, from_library
from reid.model.losses.margin import MarginLoss
from reid.model.losses.proxy_anchor import ProxyAnchorLoss
from reid.model.losses.signal_to_noise import SignalToNoiseLoss
from reid.model.losses.triplet import SemihardTripletLoss, TripletLoss

LOSSES: dict[str, Callable[..., nn.Module]] = {
    "margin": MarginLoss,
    "triplet": TripletLoss,
    "semihard-triplet": SemihardTripletLoss,
    "contrastive": from_library.contrastive,
    "signal-to-noise": SignalToNoiseLoss,
    "multi-similarity": exponential.MultiSimilarityLoss,
    "n-pairs": from_library.n_pairs,
    "lifted-structure": exponential.LiftedStructureLoss,
    "generalised-lifted-structure": from_library.generalised_lifted_structure,
    "angular": from_library.angular,
    "circle": from_library.circle,
    "supcon": from_library.supcon,
    "ntxent": exponential.NTXentLoss,
    "tuplet-margin": exponential.TupletMarginLoss,
    "intra-pair-variance": from_library.intra_pair_variance,
    "ranked-list": from_library.ranked_list,
    "fast-ap": from_library.fast_ap,
    "softmax": classification.SoftmaxLoss,
    "arcface": classification.ArcFaceLoss,
    "subcenter-arcface": classification.SubcenterArcFaceLoss,
    "cosface": classification.CosFaceLoss,
    "sphereface": classification.SphereFaceLoss,
    "proxy-nca": classification.ProxyNCALoss,
    "proxy-anchor": ProxyAnchorLoss,
    "soft-triple": classification.SoftTripleLoss,
}
"""Losses by name; a name's own keys are the keyword arguments that have a default."""
