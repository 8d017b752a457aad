"""Losses that are taken from pytorch-metric-learning, with our names for their keys."""

import math
from typing import Annotated

from pydantic import Field
from torch import nn

from reid.config.kinds import NotNegative, Positive
from reid.model.losses.library import LibraryLoss


def contrastive(
    *, positive_margin: NotNegative = 0.0, negative_margin: NotNegative = 1.0, miner: nn.Module | None = None
) -> nn.Module:
    """Contrastive loss: positives together, negatives apart by a margin (Hadsell et al., CVPR 2006).

    Args:
        positive_margin: Euclidean distance within which positives are left alone.
        negative_margin: Euclidean distance beyond which negatives are left alone.
        miner: which pairs count; None takes all.
    """
    from pytorch_metric_learning import losses

    return LibraryLoss(
        losses.ContrastiveLoss(pos_margin=positive_margin, neg_margin=negative_margin), miner, counts=True
    )


def n_pairs(*, miner: nn.Module | None = None) -> nn.Module:
    """N-pairs loss: one positive pair of each identity against the positives of all others (Sohn, NIPS 2016).

    Args:
        miner: which pairs are chosen from; None takes the first two images of each identity.
    """
    from pytorch_metric_learning import losses

    return LibraryLoss(losses.NPairsLoss(), miner)


def generalised_lifted_structure(
    *, negative_margin: NotNegative = 1.0, positive_margin: NotNegative = 0.0, miner: nn.Module | None = None
) -> nn.Module:
    """Lifted structure loss over all positives of an anchor at once (Hermans et al., 2017).

    Args:
        negative_margin: Euclidean distance that negatives are to keep.
        positive_margin: Euclidean distance within which positives are left alone.
        miner: which pairs count; None takes all.
    """
    from pytorch_metric_learning import losses

    loss = losses.GeneralizedLiftedStructureLoss(neg_margin=negative_margin, pos_margin=positive_margin)
    return LibraryLoss(loss, miner)


def angular(*, alpha: Annotated[float, Field(gt=0, lt=math.pi / 2)] = 0.7, miner: nn.Module | None = None) -> nn.Module:
    """Angular loss: a bound on the angle at the negative of a triplet (Wang et al., ICCV 2017).

    Args:
        alpha: the bound, in radians (the paper has 36 to 55 degrees).
        miner: which positive pairs count; None takes all.
    """
    from pytorch_metric_learning import losses

    return LibraryLoss(losses.AngularLoss(alpha=math.degrees(alpha)), miner)


def circle(*, margin: NotNegative = 0.25, gamma: Positive = 128.0, miner: nn.Module | None = None) -> nn.Module:
    """Circle loss: every pair weighed by how far it is from where it should be (Sun et al., CVPR 2020).

    Args:
        margin: relaxation of both similarities; the paper has 0.25 for persons and 0.4 for fine-grained retrieval.
        gamma: scale; the paper has 128 for persons and 80 for fine-grained retrieval.
        miner: which pairs count; None takes all.
    """
    from pytorch_metric_learning import losses

    return LibraryLoss(losses.CircleLoss(m=margin, gamma=gamma), miner)


def supcon(*, temperature: Positive = 0.1, miner: nn.Module | None = None) -> nn.Module:
    """Supervised contrastive loss: all positives of an anchor against all other images (Khosla et al., NeurIPS 2020).

    Args:
        temperature: the lower, the more the nearest images count.
        miner: which pairs count; None takes all.
    """
    from pytorch_metric_learning import losses

    return LibraryLoss(losses.SupConLoss(temperature=temperature), miner)


def intra_pair_variance(
    *, positive_epsilon: NotNegative = 0.01, negative_epsilon: NotNegative = 0.01, miner: nn.Module | None = None
) -> nn.Module:
    """Intra-pair variance: pairs of one kind are to be equally similar, beside another loss (Yu and Tao, ICCV 2019).

    Args:
        positive_epsilon: share of the mean by which positives may be less similar.
        negative_epsilon: share of the mean by which negatives may be more similar.
        miner: which pairs count; None takes all.
    """
    from pytorch_metric_learning import losses

    return LibraryLoss(
        losses.IntraPairVarianceLoss(pos_eps=positive_epsilon, neg_eps=negative_epsilon), miner, counts=True
    )


def ranked_list(
    *,
    margin: NotNegative = 0.4,
    alpha: Positive = 1.2,
    positive_temperature: Annotated[float, Field(ge=0, le=5)] = 0.0,
    negative_temperature: Annotated[float, Field(ge=0, le=5)] = 5.0,
    imbalance: Annotated[float, Field(ge=0, le=1)] = 0.5,
) -> nn.Module:
    """Ranked list loss: positives within one distance, negatives beyond another (Wang et al., CVPR 2019).

    Args:
        margin: between the two distances.
        alpha: Euclidean distance that negatives are to keep.
        positive_temperature: how much more far positives count.
        negative_temperature: how much more near negatives count.
        imbalance: share of the negatives in the loss.
    """
    from pytorch_metric_learning import losses

    temperatures = {"Tp": positive_temperature, "Tn": negative_temperature}
    return LibraryLoss(losses.RankedListLoss(margin=margin, alpha=alpha, imbalance=imbalance, **temperatures))


def fast_ap(*, bins: Annotated[int, Field(ge=2)] = 10) -> nn.Module:
    """FastAP: average precision, made smooth by a histogram of distances (Cakir et al., CVPR 2019).

    Args:
        bins: of the histogram.
    """
    from pytorch_metric_learning import losses

    return LibraryLoss(losses.FastAPLoss(num_bins=bins))
