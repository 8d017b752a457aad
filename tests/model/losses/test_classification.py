"""Losses with class vectors against the library and against their formulas, term by term."""

import math

import loss_batches
import pytest
import torch
from pytorch_metric_learning import losses
from torch.nn.functional import cross_entropy, normalize

from reid.model.losses.classification import (
    ArcFaceLoss,
    CosFaceLoss,
    ProxyNCALoss,
    SoftmaxLoss,
    SoftTripleLoss,
    SphereFaceLoss,
    SubcenterArcFaceLoss,
)

SIZES = {"classes": 9, "dimension": 8}
THEIRS = {"num_classes": 9, "embedding_size": 8}
CASES = {
    "softmax": (SoftmaxLoss(**SIZES, scale=16.0), losses.NormalizedSoftmaxLoss(**THEIRS, temperature=1 / 16)),
    "arcface": (ArcFaceLoss(**SIZES, margin=0.4), losses.ArcFaceLoss(**THEIRS, margin=math.degrees(0.4))),
    "wide arcface": (ArcFaceLoss(**SIZES, margin=1.5), losses.ArcFaceLoss(**THEIRS, margin=math.degrees(1.5))),
    "cosface": (CosFaceLoss(**SIZES, scale=30.0), losses.CosFaceLoss(**THEIRS, scale=30)),
    "proxy-nca": (ProxyNCALoss(**SIZES, scale=4.0), losses.ProxyNCALoss(**THEIRS, softmax_scale=4)),
    "subcenter-arcface": (
        SubcenterArcFaceLoss(**SIZES, centres=2),
        losses.SubCenterArcFaceLoss(**THEIRS, sub_centers=2, margin=math.degrees(0.5)),
    ),
    "soft-triple": (
        SoftTripleLoss(**SIZES, centres=4, scale=10.0, gamma=0.2, margin=0.05),
        losses.SoftTripleLoss(**THEIRS, centers_per_class=4, la=10, gamma=0.2, margin=0.05),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_losses_equal_the_library(name):
    """Value and gradients, also of the class vectors, which it keeps class by class in columns or rows."""
    ours, theirs = (loss.double() for loss in CASES[name])
    vectors, labels = loss_batches.uneven()
    vectors[:2] = torch.stack([-ours.vectors.data[label] for label in labels[:2]])  # beyond any margin
    (parameter,) = theirs.parameters()
    by_class = ours.vectors.data.unflatten(0, (ours.centres, 9)).transpose(0, 1).flatten(0, 1)
    in_columns = parameter.shape[0] == 8
    parameter.data = by_class.T if in_columns else by_class
    found = loss_batches.value_and_gradients(ours, vectors, labels, ours.vectors)
    wanted = loss_batches.value_and_gradients(theirs, vectors, labels, parameter)
    gradient = wanted[2].T if in_columns else wanted[2]
    wanted[2] = gradient.unflatten(0, (9, ours.centres)).transpose(0, 1).flatten(0, 1)

    assert loss_batches.agree(found, wanted, 1e-7)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("margin", [1, 2, 3, 4])
def test_sphereface_equals_the_library(margin):
    """Value and gradients, also of the class vectors, at angles of all sizes."""
    torch.manual_seed(0)
    ours = SphereFaceLoss(**SIZES, margin=margin, scale=12.0).double()
    theirs = losses.SphereFaceLoss(**THEIRS, margin=margin, scale=12.0).double()
    theirs.W.data = ours.vectors.data.T.clone()
    vectors, labels = loss_batches.uneven()
    vectors[:6] += torch.tensor([0.9, 0.6, 0.3, -0.3, -0.6, -0.9])[:, None] * ours.vectors.data[labels[:6]]
    found = loss_batches.value_and_gradients(ours, vectors, labels, ours.vectors)
    wanted = loss_batches.value_and_gradients(theirs, vectors, labels, theirs.W)

    assert loss_batches.agree(found, [*wanted[:2], wanted[2].T], 1e-7)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_softmax_equals_its_formula(smoothing):
    """Minus the logarithm of the softmax, for each image, with the target spread by label smoothing."""
    vectors, labels = loss_batches.uneven()
    loss = SoftmaxLoss(**SIZES, label_smoothing=smoothing).double()
    total = 0.0
    for image, label in zip(vectors, labels.tolist(), strict=True):
        exponents = [20.0 * float(image @ one / one.norm()) for one in loss.vectors.data]
        normaliser = math.log(sum(math.exp(exponent) for exponent in exponents))
        for number, exponent in enumerate(exponents):
            target = smoothing / 9 + (1 - smoothing) * (number == label)
            total += target * (normaliser - exponent)

    assert loss(vectors, labels).item() == pytest.approx(total / len(labels), abs=1e-9)


def test_an_image_on_its_class_vector_gives_a_finite_gradient():
    """Where the angle's slope is infinite; likewise where a slice has a single column, so that all cosines are 1 or -1."""
    for centres, loss in ((1, ArcFaceLoss(**SIZES)), (3, SubcenterArcFaceLoss(**SIZES))):
        images = normalize(loss.vectors.data[:6].clone(), dim=1).requires_grad_()
        loss(images, torch.arange(6)).backward()
        flat = torch.ones(6, 1, requires_grad=True)
        loss.through(flat, torch.arange(6), lambda vectors: vectors[:, :1]).backward()

        assert len(loss.vectors) == 9 * centres
        for found in (images.grad, flat.grad, loss.vectors.grad):
            assert found.isfinite().all()


def test_margins_only_make_it_harder():
    """With a margin of 0 these losses are the softmax of their scale, and more margin is more loss."""
    vectors, labels = loss_batches.uneven()
    for kind in (ArcFaceLoss, CosFaceLoss):
        torch.manual_seed(0)
        plain = SoftmaxLoss(**SIZES, scale=8.0)
        values = []
        for margin in (0.0, 0.2, 0.4):
            torch.manual_seed(0)
            values.append(kind(**SIZES, margin=margin, scale=8.0)(vectors.float(), labels).item())

        assert values[0] == pytest.approx(plain(vectors.float(), labels).item(), abs=1e-5)
        assert values[0] < values[1] < values[2]


def test_the_nearest_vector_of_a_class_counts():
    """In sub-center ArcFace; the others get no gradient."""
    loss = SubcenterArcFaceLoss(classes=2, dimension=2, centres=2, margin=0.0, scale=1.0)
    loss.vectors.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    image = normalize(torch.tensor([[3.0, 1.0]]), dim=1)
    value = loss(image, torch.tensor([0]))
    value.backward()

    assert value.item() == pytest.approx(cross_entropy(image, torch.tensor([0])).item())
    assert loss.vectors.grad[2:].abs().sum() == 0
