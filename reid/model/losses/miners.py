"""Miners of pytorch-metric-learning: which pairs or triplets of a batch a loss is to see."""

import math
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from reid.config.kinds import NotNegative, Positive


def batch_hard() -> nn.Module:
    """For each anchor its farthest positive and its nearest negative (Hermans et al., 2017)."""
    from pytorch_metric_learning import miners

    return miners.BatchHardMiner()  # type: ignore[no-any-return]


def easy_positive(*, negatives: Literal["semihard", "hard", "easy"] = "semihard") -> nn.Module:
    """For each anchor its nearest positive and one negative (Xuan et al., WACV 2020).

    Args:
        negatives: "semihard": the nearest that is farther than the positive; "hard": the nearest; "easy": the farthest.
    """
    from pytorch_metric_learning import miners

    return miners.BatchEasyHardMiner(pos_strategy="easy", neg_strategy=negatives)  # type: ignore[no-any-return]


def triplet_margin(*, margin: NotNegative = 0.2, triplets: Literal["all", "hard", "semihard"] = "all") -> nn.Module:
    """Triplets whose negative is not farther than the positive by a margin.

    Args:
        margin: by how much, in Euclidean distance.
        triplets: "all" of them, those whose negative is nearer than the positive ("hard"), or the others ("semihard").
    """
    from pytorch_metric_learning import miners

    return miners.TripletMarginMiner(margin=margin, type_of_triplets=triplets)  # type: ignore[no-any-return]


def multi_similarity(*, epsilon: NotNegative = 0.1) -> nn.Module:
    """Pairs that are hard beside the hardest of the other kind (Wang et al., CVPR 2019).

    Args:
        epsilon: margin of cosines.
    """
    from pytorch_metric_learning import miners

    return miners.MultiSimilarityMiner(epsilon=epsilon)  # type: ignore[no-any-return]


def pair_margin(*, positive_margin: NotNegative = 0.2, negative_margin: NotNegative = 0.8) -> nn.Module:
    """Positives farther apart than one distance and negatives nearer than another.

    Args:
        positive_margin: positives at most this far apart are left out.
        negative_margin: negatives at least this far apart are left out.
    """
    from pytorch_metric_learning import miners

    return miners.PairMarginMiner(pos_margin=positive_margin, neg_margin=negative_margin)  # type: ignore[no-any-return]


def distance_weighted(*, smallest: Annotated[float, Field(gt=0, lt=2)] = 0.5, cutoff: Positive = 1.4) -> nn.Module:
    """Triplets with negatives drawn by distance-weighted sampling (Wu et al., ICCV 2017).

    Args:
        smallest: distances are taken as at least this when weights are computed.
        cutoff: negatives farther than this are not drawn.
    """
    from pytorch_metric_learning import miners

    return miners.DistanceWeightedMiner(cutoff=smallest, nonzero_loss_cutoff=cutoff)  # type: ignore[no-any-return]


def angular(*, angle: Annotated[float, Field(ge=0, lt=math.pi / 2)] = 0.35) -> nn.Module:
    """Triplets whose angle at the negative is too wide (Wang et al., ICCV 2017).

    Args:
        angle: in radians.
    """
    from pytorch_metric_learning import miners

    return miners.AngularMiner(angle=math.degrees(angle))  # type: ignore[no-any-return]


def hard_aware(*, share: Annotated[float, Field(gt=0, le=1)] = 0.5) -> nn.Module:
    """The hardest positive and the hardest negative pairs of the batch (Yuan et al., ICCV 2017).

    Args:
        share: how many of each kind.
    """
    from pytorch_metric_learning import miners

    return miners.HDCMiner(filter_percentage=share)  # type: ignore[no-any-return]


MINERS: dict[str, Callable[..., nn.Module]] = {
    "batch-hard": batch_hard,
    "easy-positive": easy_positive,
    "triplet-margin": triplet_margin,
    "multi-similarity": multi_similarity,
    "pair-margin": pair_margin,
    "distance-weighted": distance_weighted,
    "angular": angular,
    "hard-aware": hard_aware,
}
"""Miners by name; a name's own keys are the keyword arguments."""
