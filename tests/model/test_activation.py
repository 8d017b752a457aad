"""Activation maps: contributions add up to the similarity, and lie on the patch that the match is made of."""

import dataclasses

import numpy as np
import pytest
import torch
from small_runs import network
from timm.models.vision_transformer import VisionTransformer

from reid.errors import ConfigError
from reid.model.activation import activation_maps
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.head import CLASS_TOKEN, POOLING
from reid.model.layout import Layout


def pictures(number: int, size: int = 32, seed: int = 0) -> torch.Tensor:
    """Noise, (number, size, size, 3) uint8."""
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (number, size, size, 3), dtype=np.uint8))


@pytest.mark.parametrize("pooling", ["average", "max", "generalised-mean"])
@pytest.mark.parametrize("learner", [None, 0, 1])
def test_contributions_add_up_to_the_similarity(pooling, learner):
    """Together with what the layer's bias adds they are the cosine, of the whole or of a slice; no gradient stays behind."""
    made = network(learners=2, pooling=pooling).eval()
    with torch.no_grad():
        made.layer.bias.normal_(0, 0.02)
        images = pictures(6)
        vectors, raw = made(images), made.raw(images)
    towards = vectors.roll(1, dims=0)
    maps = activation_maps(made, images, towards, learner=learner)
    part = slice(None) if learner is None else slice(8 * learner, 8 * learner + 8)
    factor = vectors / raw
    bias = (made.layer.bias * factor * towards)[:, part].sum(dim=1)

    assert maps.shape == (6, 4, 4)
    similarity = (vectors * towards)[:, part].sum(dim=1)
    torch.testing.assert_close(maps.sum(dim=(1, 2)) + bias, similarity, atol=2e-4, rtol=0)
    assert all(parameter.grad is None for parameter in made.parameters())
    assert not made.backbone._forward_hooks


COLOURS = np.eye(3)[:2]


def scene(place: tuple[int, int], colour: int, seed: int) -> np.ndarray:
    """Grey noise of 32 x 32 with a patch of 8 x 8 in one of two colours, or without any: then neither can be told by what is absent."""
    picture = np.random.default_rng(seed).normal(120, 25, (32, 32, 1)).repeat(3, axis=2)
    top, left = place
    if colour < len(COLOURS):
        picture[top : top + 8, left : left + 8] = COLOURS[colour] * 180 + 40
    return picture.clip(0, 255).astype(np.uint8)


def train(made: EmbeddingNetwork, steps: int, rate: float) -> None:
    """Until scenes with a patch of one colour are alike and others are not."""
    draw = np.random.default_rng(0)
    optimiser = torch.optim.Adam(made.parameters(), lr=rate)
    made.train()
    for _ in range(steps):
        labels = torch.arange(24) % 3
        images = [scene(tuple(8 * draw.integers(0, 4, 2)), int(k), int(draw.integers(2**31))) for k in labels]
        vectors = made(torch.from_numpy(np.stack(images)))
        same = labels[:, None] == labels[None, :]
        scores = vectors @ vectors.T
        loss = torch.where(same, 1 - scores, (scores + 0.4).clamp(min=0)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    made.eval()


@pytest.mark.parametrize(("kind", "steps", "share"), [("maps", 30, 0.15), ("tokens", 100, 0.6)])
def test_the_map_lies_on_the_patch_that_makes_the_match(kind, steps, share, monkeypatch):
    """A CNN and a transformer that learned to tell patches: the strongest place is the patch, a sixteenth of the picture."""
    torch.manual_seed(0)
    made = EmbeddingNetwork(Architecture("small-cnn", 8, 1)) if kind == "maps" else transformer()
    train(made, steps, 3e-3)
    places = [(n // 4, n % 4) for n in range(16)]
    images = torch.from_numpy(np.stack([scene((8 * y, 8 * x), n % 2, 1000 + n) for n, (y, x) in enumerate(places)]))
    with torch.no_grad():
        vectors = made(images)
    towards = vectors.roll(2, dims=0)  # another picture of the same colour
    maps = activation_maps(made, images, towards)
    positive = maps.clamp(min=0).numpy()

    assert float((vectors * towards).sum(dim=1).min()) > 0.9
    assert maps.shape == (16, 4, 4)
    found = [np.unravel_index(one.argmax(), one.shape) for one in positive]
    assert np.mean([at == place for at, place in zip(found, places, strict=True)]) > 0.9
    assert np.mean([one[place] / one.sum() for one, place in zip(positive, places, strict=True)]) > share
    if kind == "tokens":
        monkeypatch.setattr("reid.model.activation._STEPS", 100)
        exact = activation_maps(made, images, towards).sum(dim=(1, 2))
        gained = (vectors * towards).sum(dim=1) - (nowhere(made, images) * towards).sum(dim=1)
        torch.testing.assert_close(exact, gained, atol=0.01, rtol=0)


def nowhere(made: EmbeddingNetwork, images: torch.Tensor) -> torch.Tensor:
    """Vectors of pictures all of whose patches are their mean."""
    hook = made.backbone.patch_embed.register_forward_hook(
        lambda _module, _inputs, patches: patches.mean(dim=1, keepdim=True).expand_as(patches)
    )
    with torch.no_grad():
        vectors = made(images)
    hook.remove()
    return vectors


def test_a_transformer_without_patches_is_refused():
    """Says which."""
    made = transformer()
    made.backbone = torch.nn.Identity()
    with pytest.raises(ConfigError, match="cannot be shown of small-cnn"):
        activation_maps(made, pictures(1), torch.zeros(1, 8))


def transformer() -> EmbeddingNetwork:
    """A transformer of two blocks on patches of 8 x 8, whose class token is pooled."""
    made = EmbeddingNetwork(Architecture("small-cnn", 8, 1))
    made.architecture = dataclasses.replace(made.architecture, pooling=CLASS_TOKEN)
    made.backbone = VisionTransformer(
        img_size=32, patch_size=8, embed_dim=32, depth=2, num_heads=2, num_classes=0, global_pool=""
    )
    made.layout, made.pool, made.layer = Layout("tokens", 32, 1, (4, 4)), POOLING[CLASS_TOKEN](), torch.nn.Linear(32, 8)
    return made
