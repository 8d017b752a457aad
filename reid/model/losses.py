"""Losses on unit vectors, all called as `loss(embeddings, labels)` -> scalar.

Anything with that call shape can be used; those here are chosen by name. Margin loss with distance-weighted sampling
(Wu et al., "Sampling matters in deep embedding learning", ICCV 2017) is the default of both divide-and-conquer papers.
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from reid.errors import ConfigError
from reid.text import did_you_mean, printable


class MarginLoss(nn.Module):
    """Margin loss over all positive pairs, each with one negative drawn by distance-weighted sampling.

    For an anchor a, a positive p and a negative n at Euclidean distances D:
    `relu(D_ap - beta + alpha) + relu(beta - D_an + alpha)`, summed and divided by the number of terms above zero.
    Every anchor is used: one whose negatives all lie beyond `cutoff` draws among them uniformly.

    Args:
        alpha: half the width of the margin between positive and negative distances.
        beta: boundary between them; learned, so hand `parameters()` to the optimiser.
        smallest: distances are taken as at least this when weights are computed.
        cutoff: negatives farther than this are not drawn while there are nearer ones: their loss is zero.
        generator: source of the draws; None is torch's default generator.

    Raises:
        ConfigError: `smallest` is no distance between unit vectors.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.2,
        beta: float = 1.2,
        smallest: float = 0.5,
        cutoff: float = 1.4,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if not 0.0 < smallest < 2.0:
            raise ConfigError(
                f"loss.smallest: got {smallest}, wanted a distance between unit vectors, above 0 and below 2"
            )
        self.alpha, self.smallest, self.cutoff, self.generator = alpha, smallest, cutoff, generator
        self.beta = nn.Parameter(torch.tensor(float(beta)))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch; 0 with a gradient of 0 where no pair is above zero.

        Args:
            embeddings: (B, d') unit vectors, of the dimension that is being trained.
            labels: (B,) integer identities.
        """
        same = labels[:, None] == labels[None, :]
        positive = same.clone().fill_diagonal_(fill_value=False)
        positive &= ~same.all(dim=1, keepdim=True)  # no negatives, nothing to compare with
        anchors, positives = positive.nonzero(as_tuple=True)
        distance = distances(embeddings)
        with torch.no_grad():
            weights = self.weights(distance, same, embeddings.shape[1])
            negatives = self._draw(weights[anchors])
        near, far = distance[anchors, positives], distance[anchors, negatives]
        terms = torch.cat([near - self.beta, self.beta - far]).add(self.alpha).relu()
        self.active_pairs = torch.count_nonzero(terms.detach())
        return terms.sum() / self.active_pairs.clamp(min=1)

    def weights(self, distance: Tensor, same: Tensor, dimension: int) -> Tensor:
        """Unnormalised chance of each image to be drawn as the negative of each anchor (Wu et al. 2017, section 3.2).

        The inverse of the density of distances between random points on the unit sphere in `dimension` dimensions,
        log q(d) = (n - 2) log d + (n - 3) / 2 log(1 - d^2 / 4), evaluated at distances of at least `smallest`.

        Args:
            distance: (B, B) Euclidean distances.
            same: (B, B) bool, whether two images show the same identity.
            dimension: n, of the vectors the distances were measured between.

        Returns:
            (B, B), each row scaled so that its largest entry is 1; 0 for the same identity.
        """
        clamped = distance.clamp(min=self.smallest)
        log_weight = (2.0 - dimension) * clamped.log() - (dimension - 3.0) / 2.0 * (1.0 - clamped.square() / 4.0).clamp(
            min=1e-8
        ).log()
        near = ~same & (distance < self.cutoff)
        log_weight = log_weight.masked_fill(~near, -torch.inf)
        scaled = (log_weight - log_weight.amax(dim=1, keepdim=True)).exp()
        return torch.where(near.any(dim=1, keepdim=True), scaled, (~same).float())

    def _draw(self, weights: Tensor) -> Tensor:
        cumulative = weights.double().cumsum(dim=1)
        chance = torch.rand(len(weights), 1, dtype=torch.float64, device=weights.device, generator=self.generator)
        # `right` steps over images of weight zero, which own no part of the interval.
        found = torch.searchsorted(cumulative, chance * cumulative[:, -1:], right=True).squeeze(1)
        return found.clamp(max=weights.shape[1] - 1)


class WeightedSum(nn.Module):
    """A sum of losses, each with a weight."""

    def __init__(self, terms: Sequence[tuple[float, nn.Module]]) -> None:
        super().__init__()
        self.factors = [factor for factor, _ in terms]
        self.losses = nn.ModuleList(loss for _, loss in terms)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The weighted sum for (B, d') unit vectors and (B,) identities."""
        terms = [factor * loss(embeddings, labels) for factor, loss in zip(self.factors, self.losses, strict=True)]
        return torch.stack(terms).sum()


def distances(embeddings: Tensor) -> Tensor:
    """(B, B) Euclidean distances between unit vectors (B, d), in at least float32 also under autocast.

    None is less than 1e-6: the square root has no slope at zero, and equal images would give NaN gradients.
    """
    with torch.autocast(embeddings.device.type, enabled=False):
        vectors = embeddings.to(torch.promote_types(embeddings.dtype, torch.float32))
        return (2.0 - 2.0 * vectors @ vectors.T).clamp(min=1e-12).sqrt()


def triplet(*, margin: float = 0.2) -> nn.Module:
    """Triplet loss on all triplets that violate the margin (Weinberger and Saul, JMLR 2009)."""
    from pytorch_metric_learning import losses

    return losses.TripletMarginLoss(margin=margin)  # type: ignore[no-any-return]


def contrastive(*, positive_margin: float = 0.0, negative_margin: float = 1.0) -> nn.Module:
    """Contrastive loss on all pairs (Hadsell et al., CVPR 2006)."""
    from pytorch_metric_learning import losses

    return losses.ContrastiveLoss(pos_margin=positive_margin, neg_margin=negative_margin)  # type: ignore[no-any-return]


def multi_similarity(*, alpha: float = 2.0, beta: float = 50.0, base: float = 0.5) -> nn.Module:
    """Multi-similarity loss (Wang et al., CVPR 2019)."""
    from pytorch_metric_learning import losses

    return losses.MultiSimilarityLoss(alpha=alpha, beta=beta, base=base)  # type: ignore[no-any-return]


LOSSES: dict[str, Callable[..., nn.Module]] = {
    "margin": MarginLoss,
    "triplet": triplet,
    "contrastive": contrastive,
    "multi-similarity": multi_similarity,
}
"""Losses by name; a name's own keys are the keyword arguments."""


def active_pairs(loss: object) -> Tensor | None:
    """Number of pairs with a loss above zero in the last batch; None where the loss does not count them."""
    return getattr(loss, "active_pairs", None)


def check_loss(settings: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    """Refuse settings of a loss that cannot be built.

    Raises:
        ConfigError: as `build_loss`.
    """
    build_loss(settings)


def build_loss(
    settings: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    *,
    classes: int = 2,  # noqa: ARG001
    dimension: int = 128,  # noqa: ARG001
) -> nn.Module:
    """The loss that the `loss` section of a configuration describes.

    Args:
        settings: {"name": ..., own keys...}, or a list of such, each with an optional "weight".

    Raises:
        ConfigError: no such loss, a key that it does not have, or a value that is not a number.
    """
    if isinstance(settings, Mapping):
        return _build_one(settings, "loss")
    if not settings:
        raise ConfigError("loss: the list is empty; give at least one loss such as {name: margin}")
    terms = []
    for place, item in enumerate(settings):
        if not isinstance(item, Mapping):
            raise ConfigError(f"loss.{place}: got {printable(repr(item))}, wanted a mapping such as {{name: margin}}")
        own = {key: value for key, value in item.items() if key != "weight"}
        terms.append((_number(item.get("weight", 1.0), f"loss.{place}.weight"), _build_one(own, f"loss.{place}")))
    return WeightedSum(terms)


def _build_one(settings: Mapping[str, Any], where: str) -> nn.Module:
    name = settings.get("name")
    if not isinstance(name, str) or name not in LOSSES:
        hint = did_you_mean(str(name), LOSSES)
        raise ConfigError(f"{where}.name: no loss {printable(name)!r}{hint} Known: {', '.join(LOSSES)}")
    parameters = inspect.signature(LOSSES[name]).parameters
    known = [key for key, parameter in parameters.items() if isinstance(parameter.default, float)]
    own = {}
    for key, value in settings.items():
        if key in known:
            own[key] = _number(value, f"{where}.{key}")
        elif key != "name":
            raise ConfigError(
                f"{where}.{printable(key)}: {name} has no such key{did_you_mean(str(key), known)} It has: {', '.join(known)}"
            )
    return LOSSES[name](**own)


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ConfigError(f"{where}: got {printable(repr(value))}, wanted a number")
    return float(value)
