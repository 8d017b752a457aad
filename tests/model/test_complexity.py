"""Multiply-adds of networks."""

import torch
from torch import nn

from reid.model.complexity import multiply_adds
from reid.model.embedder import Architecture, EmbeddingNetwork


def network(backbone="small-cnn"):
    torch.manual_seed(0)
    return EmbeddingNetwork(Architecture(backbone, 16, 2))


def test_by_hand():
    """The four convolutions of small-cnn at 48 x 48, and its embedding layer, counted from their shapes."""
    convolutions = (5 * 5 * 3 * 32 * 24**2, 9 * 32 * 64 * 12**2, 9 * 64 * 128 * 6**2, 9 * 128 * 256 * 6**2)

    assert multiply_adds(network(), (48, 48)) == sum(convolutions) + 256 * 16


def test_as_published():
    """ResNet-18 at 224 x 224: 1.814 thousand million, of which 512,000 are its classifier's (He et al., CVPR 2016)."""
    assert multiply_adds(network("resnet18"), (224, 224)) == 1_814_073_344 - 512_000 + 512 * 16


def test_groups_and_oblong_pictures():
    """A convolution of three groups has a third of the products; height and width count each for itself."""
    made = network()
    made.backbone = nn.Conv2d(3, 256, 3, stride=2, padding=1, groups=1)
    whole = multiply_adds(made, (64, 32))
    made.backbone = nn.Conv2d(3, 255, 3, stride=2, padding=1, groups=3)
    made.layer = nn.Linear(255, 16)

    assert whole == 32 * 16 * 256 * 27 + 256 * 16
    assert multiply_adds(made, (64, 32)) == 32 * 16 * 255 * 9 + 255 * 16


def test_the_network_stays_as_it_is():
    """Neither statistics nor modes change, also where a part of it is in another mode; no hook is left."""
    made = network().train()
    made.backbone.eval()
    before = {key: value.clone() for key, value in made.state_dict().items()}
    multiply_adds(made, (32, 32))

    assert made.training
    assert not made.backbone.training
    assert all(torch.equal(value, before[key]) for key, value in made.state_dict().items())
    assert not any(module._forward_hooks for module in made.modules())


def test_attention_counts():
    """A transformer's linear layers and the two products of attention, by hand: test_vit at 64 x 32 has 8 patches + 1."""
    made = EmbeddingNetwork(Architecture("test_vit", 16, 2, image_size=(64, 32)))
    tokens, width, blocks = 9, 64, len(made.backbone.blocks)
    hidden = made.backbone.blocks[0].mlp.fc1.out_features
    linear = tokens * (4 * width * width + 2 * width * hidden)
    attention = 2 * tokens * tokens * width

    assert multiply_adds(made, (64, 32)) == 8 * 16 * 16 * 3 * width + blocks * (linear + attention) + width * 16
