"""Margin loss against slow re-derivations in float64, and its draws against the paper's distribution."""

import math

import numpy as np
import pytest
import torch
from loss_batches import clustered, labels_of
from numpy.typing import NDArray
from scipy.stats import chisquare
from torch import Tensor
from torch.nn.functional import normalize

from reid.model.losses import MarginLoss
from reid.model.losses.pairs import distances


def _chances(vectors: NDArray[np.float64], labels: list[int], anchor: int, cutoff: float = 1.4) -> NDArray[np.float64]:
    """The chance of every image to be the negative of `anchor`, from Wu et al.'s equations, plainly."""
    dimension = vectors.shape[1]
    inverse_density = []
    for other in range(len(vectors)):
        distance = math.sqrt(sum((vectors[anchor] - vectors[other]) ** 2))
        if labels[other] == labels[anchor] or distance >= cutoff:
            inverse_density.append(-math.inf)
            continue
        distance = max(distance, 0.5)
        log_density = (dimension - 2) * math.log(distance) + (dimension - 3) / 2 * math.log(1 - distance**2 / 4)
        inverse_density.append(-log_density)
    largest = max(inverse_density)
    if largest == -math.inf:
        weights = np.array([float(label != labels[anchor]) for label in labels])
    else:
        weights = np.array([math.exp(value - largest) for value in inverse_density])
    return weights / weights.sum()


def _slow_loss(
    vectors: Tensor, labels: list[int], negatives: dict[tuple[int, int], int], beta: float = 1.2
) -> tuple[float, int]:
    """The margin loss of all positive pairs and the negatives given for them, and the number of terms above zero."""
    alpha, terms = 0.2, []
    for (anchor, positive), negative in negatives.items():
        assert labels[negative] != labels[anchor] == labels[positive]
        near = float((vectors[anchor] - vectors[positive]).norm())
        far = float((vectors[anchor] - vectors[negative]).norm())
        terms += [max(0.0, near - beta + alpha), max(0.0, beta - far + alpha)]
    active = sum(term > 0 for term in terms)
    return sum(terms) / max(1, active), active


def _pairs(labels: list[int]) -> list[tuple[int, int]]:
    every = range(len(labels))
    return [(a, p) for a in every for p in every if a != p and labels[a] == labels[p]]


def _drawn(loss: MarginLoss, vectors: Tensor, labels: Tensor, seed: int) -> dict[tuple[int, int], int]:
    """The negatives that `loss` draws for each positive pair with its generator at `seed`."""
    same = labels[:, None] == labels[None, :]
    pairs = _pairs(labels.tolist())
    weights = loss.weights(distances(vectors), same, vectors.shape[1])[[anchor for anchor, _ in pairs]]
    assert loss.generator is not None
    loss.generator.manual_seed(seed)
    return dict(zip(pairs, loss._draw(weights).tolist(), strict=True))


@pytest.mark.parametrize("dimension", [2, 16, 128])
@pytest.mark.parametrize("seed", range(4))
def test_margin_loss_equals_a_double_loop(dimension: int, seed: int) -> None:
    """Given the same negatives, the loss is the mean of the positive terms of a loop over all pairs."""
    vectors, labels = clustered(dimension, seed=seed), labels_of()
    loss = MarginLoss(generator=torch.Generator())
    negatives = _drawn(loss, vectors, labels, seed)
    assert loss.generator is not None
    loss.generator.manual_seed(seed)

    value, active = _slow_loss(vectors, labels.tolist(), negatives)
    assert loss(vectors, labels).item() == pytest.approx(value, abs=1e-6)
    assert loss.active_pairs == active


def test_margin_loss_of_float32_is_that_of_float64() -> None:
    """The rounding of float32 vectors changes the loss by no more than rounding."""
    vectors, labels = clustered(64), labels_of()
    exact = MarginLoss(generator=torch.Generator().manual_seed(3))(vectors, labels)
    rounded = MarginLoss(generator=torch.Generator().manual_seed(3))(vectors.float(), labels)

    assert rounded.dtype == torch.float32
    assert rounded.item() == pytest.approx(exact.item(), abs=1e-5)


@pytest.mark.parametrize("dimension", [4, 32])
def test_gradient_of_margin_loss_is_that_of_finite_differences(dimension: int) -> None:
    """The gradient with respect to the vectors and to beta, by central differences in float64."""
    vectors, labels = clustered(dimension, 4, 2).requires_grad_(), labels_of(4, 2)

    def value(vectors: Tensor, beta: Tensor) -> Tensor:
        loss = MarginLoss(generator=torch.Generator().manual_seed(1))
        del loss.beta
        loss.beta = beta  # type: ignore[assignment]
        return loss(vectors, labels)  # type: ignore[no-any-return]

    beta = torch.tensor(1.2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(value, (vectors, beta), eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("dimension", [16, 128, 512])
def test_negatives_are_drawn_by_distance(dimension: int) -> None:
    """Chi-square of 100,000 drawn negatives of each anchor against the exact weights for the active dimension."""
    # So alike that the distribution is spread over many images: with few it would be one image in high dimensions.
    random, labels = torch.Generator().manual_seed(0), labels_of()
    common = (2.5 / dimension**0.5) ** 0.5 * normalize(torch.randn(1, dimension, generator=random), dim=1)
    vectors = normalize(common + torch.randn(len(labels), dimension, generator=random) / dimension**0.5, dim=1)
    loss = MarginLoss(generator=torch.Generator().manual_seed(0))
    weights = loss.weights(distances(vectors), labels[:, None] == labels[None, :], dimension)
    draws = 100_000
    for anchor in range(0, len(labels), 4):
        chances = _chances(vectors.double().numpy(), labels.tolist(), anchor)
        assert (chances > 0.0001).sum() >= 8
        seen = np.bincount(loss._draw(weights[anchor].expand(draws, -1)).numpy(), minlength=len(labels))

        assert seen[chances == 0].sum() == 0
        often = chances * draws >= 5
        observed = np.array([*seen[often], seen[~often].sum() + 1])  # one more, lest a rest of nothing is divided by
        expected = np.array([*chances[often] * draws, chances[~often].sum() * draws + 1])
        assert chisquare(observed, expected).pvalue > 1e-4


@pytest.mark.parametrize("dimension", [2, 3, 16, 512])
def test_weights_are_those_of_the_paper(dimension: int) -> None:
    """Weights of float32 distances, each row scaled to sum 1, equal the formula in float64 to a thousandth."""
    vectors, labels = clustered(dimension).float(), labels_of()
    weights = MarginLoss().weights(distances(vectors), labels[:, None] == labels[None, :], dimension).double()
    for anchor in range(len(labels)):
        expected = _chances(vectors.double().numpy(), labels.tolist(), anchor)

        assert (weights[anchor] / weights[anchor].sum()).numpy() == pytest.approx(expected, rel=2e-3, abs=1e-9)


def test_the_dimension_is_that_of_the_vectors_seen() -> None:
    """The distribution belongs to the active dimension: the same distances in more columns give other weights."""
    vectors, labels = clustered(8), labels_of()
    loss, asked = MarginLoss(), []
    inner = loss.weights
    loss.weights = lambda distance, same, dimension: asked.append(dimension) or inner(distance, same, dimension)  # type: ignore[func-returns-value]
    loss(vectors, labels)
    loss(torch.cat([vectors, torch.zeros(len(vectors), 8)], dim=1), labels)

    assert asked == [8, 16]


def test_anchor_whose_negatives_are_all_far_still_draws() -> None:
    """Beyond the cutoff for all negatives: drawn uniformly among other identities, never the own one."""
    vectors, labels = torch.eye(12, dtype=torch.float32), torch.arange(4).repeat_interleave(3)
    loss = MarginLoss(generator=torch.Generator().manual_seed(0))
    weights = loss.weights(distances(vectors), labels[:, None] == labels[None, :], 12)
    seen = np.bincount(loss._draw(weights[0].expand(30_000, -1)).numpy(), minlength=12)

    assert seen[:3].sum() == 0
    assert chisquare(seen[3:]).pvalue > 1e-4


@pytest.mark.parametrize("dimension", [2, 16, 128, 512])
def test_a_negative_is_never_of_the_same_identity(dimension: int) -> None:
    """Not even where the own identity is nearest, vectors are equal, or only the first or last image is a negative."""
    loss = MarginLoss(generator=torch.Generator().manual_seed(0))
    for labels in (labels_of(), torch.tensor([0] + [1] * 17), torch.tensor([1] * 17 + [0])):
        for vectors in (clustered(dimension).float(), torch.ones(18, dimension) / dimension**0.5):
            for seed in range(5):
                for (anchor, _), negative in _drawn(loss, vectors, labels, seed).items():
                    assert labels[anchor] != labels[negative]


def test_one_identity_alone_gives_zero_and_no_gradient() -> None:
    """Nothing to compare with: the loss is 0 and so are all gradients; likewise with no two images of one identity."""
    for labels in (torch.zeros(6, dtype=torch.long), torch.arange(6), torch.zeros(1, dtype=torch.long)):
        vectors = clustered(8, 2)[: len(labels)].clone().requires_grad_()
        loss = MarginLoss()
        value = loss(vectors, labels)
        value.backward()

        assert value.item() == 0.0
        assert vectors.grad is not None
        assert not vectors.grad.any()
        assert float(loss.beta.grad) == 0.0


def test_identical_images_give_no_nan() -> None:
    """All vectors equal, or equal pairs: loss and gradients are finite."""
    equal = torch.ones(18, 16) / 4.0
    paired = normalize(torch.randn(9, 16, generator=torch.Generator().manual_seed(0)), dim=1).repeat_interleave(
        2, dim=0
    )
    for images, labels in ((equal, labels_of()), (paired, torch.arange(9).repeat_interleave(2))):
        raw = images.clone().requires_grad_()
        value = MarginLoss()(normalize(raw, dim=1), labels)
        value.backward()

        assert value.isfinite()
        assert raw.grad is not None
        assert raw.grad.isfinite().all()
        assert raw.grad.abs().max() < 100


def test_beta_learns() -> None:
    """Beta is a parameter, gets a gradient, and is minus the mean sign of the active terms: positives push it up."""
    vectors, labels = clustered(16), labels_of()
    loss = MarginLoss(beta=0.3)
    loss(vectors, labels).backward()

    assert [name for name, _ in loss.named_parameters()] == ["beta"]
    assert float(loss.beta.grad) < 0


def test_margin_loss_does_not_change_under_autocast() -> None:
    """Called inside somebody's autocast region, distances are still measured in float32."""
    vectors, labels = clustered(64).float(), labels_of()
    plain = MarginLoss(generator=torch.Generator().manual_seed(0))(vectors, labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = MarginLoss(generator=torch.Generator().manual_seed(0))(vectors, labels)

    assert mixed.item() == plain.item()
