"""Which pixels drive a match: what every place of a picture contributes to its similarity with another one.

The similarity of two unit vectors is an inner product. With one of them, and the length of the other before it is
normalised, held fixed, it is a function of the feature map A of the other picture, and place (y, x) contributes
sum_c A[c, y, x] * d similarity / d A[c, y, x]: the gradient times the features, place by place, as in HiResCAM (Draelos and
Carin, "Use HiResCAM instead of Grad-CAM", 2020). After average, generalised-mean or maximum pooling and a linear layer the
contributions add up to the similarity, less what the bias of the layer adds (Euler's theorem: these poolings are
homogeneous of degree 1); with average pooling they are those of Stylianou, Souvenir and Pless, "Visualizing Deep Similarity
Networks" (WACV 2019), and of Grad-CAM before its average over places, which is constant there.

In a transformer on tokens what a patch shows has long moved on to other tokens by the end. There the embedded patches are
looked at, before the first block, by integrated gradients (Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep
Networks", ICML 2017), from a picture all of whose patches are their mean, which shows nothing anywhere, to the picture
itself: contributions add up to what the similarity gains on that way, up to the error of 32 steps.
"""

import torch
from torch import Tensor, nn

from reid.errors import ConfigError
from reid.model.embedder import EmbeddingNetwork
from reid.model.subspaces import NORMALISE

_STEPS = 32  # of integrated gradients


def activation_maps(
    network: EmbeddingNetwork, pictures: Tensor, towards: Tensor, *, learner: int | None = None
) -> Tensor:
    """What every place of a picture's feature map contributes to its similarity with another vector.

    Args:
        network: in evaluation mode.
        pictures: (B, H, W, 3) uint8 RGB on the network's device.
        towards: (B, d) float32, for each picture the unit vector of what it is compared with.
        learner: only its slice of the embedding; None is the whole.

    Returns:
        (B, h, w) float32, as large as the feature map; positive where a place raises the similarity.

    Raises:
        ConfigError: it is a transformer whose embedded patches cannot be looked at.
    """
    if network.layout.kind == "tokens":
        return _integrated(network, pictures, towards.detach(), learner)
    kept: list[Tensor] = []
    handle = network.backbone.register_forward_hook(lambda _module, _inputs, made: _keep(made, kept))
    try:
        with torch.enable_grad():
            raw = network.raw(pictures)
    finally:
        handle.remove()
    weights = _only(towards.detach() * _lengths(network, raw.detach()), learner, network.architecture.learners)
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad((raw * weights).sum(), kept[0])
    places: Tensor = network.layout.maps((gradient * kept[0].detach()).float()).sum(dim=1)
    return places


def _keep(made: Tensor, kept: list[Tensor]) -> Tensor:
    """The same, known to gradients: what is below it needs none."""
    kept.append(made.detach().requires_grad_())
    return kept[0]


def _integrated(network: EmbeddingNetwork, pictures: Tensor, towards: Tensor, learner: int | None) -> Tensor:
    embed = getattr(network.backbone, "patch_embed", None)
    if not isinstance(embed, nn.Module):
        name = network.architecture.backbone
        raise ConfigError(
            f"what drives a match cannot be shown of {name}: it is a transformer without embedded patches"
        )
    with torch.no_grad():
        patches: Tensor = embed(network.normalised(pictures))
    flat = patches.flatten(1, -2)
    nothing = flat.mean(dim=1, keepdim=True).expand_as(flat)
    towards = _only(towards, learner, network.architecture.learners)
    total = torch.zeros(flat.shape[:2], device=flat.device)
    for step in range(_STEPS):
        between = torch.lerp(nothing, flat, (step + 0.5) / _STEPS).requires_grad_()
        handle = embed.register_forward_hook(lambda _module, _inputs, made, now=between: now.reshape(made.shape))
        try:
            with torch.enable_grad():
                (gradient,) = torch.autograd.grad((network(pictures) * towards).sum(), between)
        finally:
            handle.remove()
        total += (gradient * (flat - nothing)).sum(dim=2).float() / _STEPS
    front = total.new_zeros(len(total), network.layout.prefix)
    places: Tensor = network.layout.maps(torch.cat([front, total], dim=1).unsqueeze(2)).sum(dim=1)
    return places


def _lengths(network: EmbeddingNetwork, raw: Tensor) -> Tensor:
    """(B, d) by which the raw vector is multiplied to be of unit length."""
    learners = network.architecture.learners
    unit = NORMALISE[network.architecture.normalise](raw, learners)
    shape = len(raw), learners, -1
    long, short = (vectors.reshape(shape).norm(dim=2, keepdim=True) for vectors in (raw, unit))
    factors: Tensor = short / long.clamp(min=torch.finfo(raw.dtype).tiny)
    return factors.expand(*shape[:2], raw.shape[1] // learners).reshape(raw.shape)


def _only(weights: Tensor, learner: int | None, learners: int) -> Tensor:
    """The same in the slice of one learner, zero elsewhere; None leaves all."""
    if learner is None:
        return weights
    slices = torch.zeros_like(weights).reshape(len(weights), learners, -1)
    slices[:, learner] = weights.reshape(slices.shape)[:, learner]
    return slices.reshape(weights.shape)
