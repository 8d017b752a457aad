"""What must hold of every loss that has a name."""

import loss_batches
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from reid.model.losses import LOSSES, build_loss
from reid.model.losses.keys import takes_given

WITH_CLASSES = [name for name, build in LOSSES.items() if takes_given(build)]
CLASSES, DIMENSION = 18, 16
LABELS = {
    "mixed": torch.arange(6).repeat_interleave(3),
    "one identity": torch.zeros(18, dtype=torch.long),
    "all different": torch.arange(18),
    "one against all": torch.tensor([0] * 17 + [1]),
    "no pairs but one": torch.tensor([0, 0, 1]),
    "a single image": torch.tensor([4]),
}


def built(name: str, classes: int = CLASSES, dimension: int = DIMENSION) -> nn.Module:
    """A loss with its defaults, always the same."""
    torch.manual_seed(0)
    return build_loss({"name": name}, classes=classes, dimension=dimension)


def vectors_like(kind: str, images: int) -> Tensor:
    """(images, DIMENSION) vectors before they are normalised."""
    if kind == "all equal":
        return torch.ones(images, DIMENSION)
    drawn = torch.randn(images, DIMENSION, generator=torch.Generator().manual_seed(3))
    return drawn[torch.arange(images) // 2] if kind == "equal in pairs" else drawn


def test_losses_of_the_field_have_their_names():
    """Those a recipe may be written with."""
    wanted = """margin triplet semihard-triplet contrastive multi-similarity n-pairs lifted-structure angular circle supcon
    ntxent proxy-nca proxy-anchor softmax arcface cosface soft-triple"""

    assert set(wanted.split()) <= set(LOSSES)
    assert len(WITH_CLASSES) == 8


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_finite(name):
    """Whatever a batch is made of: one identity, only different ones, images that are alike, a single image."""
    loss = built(name)
    for labels in LABELS.values():
        for kind in ("random", "equal in pairs", "all equal"):
            raw = vectors_like(kind, len(labels))
            found = loss_batches.value_and_gradients(loss, raw, labels, *loss.parameters())

            assert found[0].shape == ()
            assert all(one.isfinite().all() for one in found)


@pytest.mark.parametrize("name", LOSSES)
def test_there_is_something_to_learn(name):
    """From a mixed batch: a loss above zero, with a gradient in every image and in all that is learned."""
    loss = built(name)
    value, gradient, *learned = loss_batches.value_and_gradients(
        loss, vectors_like("random", 18), LABELS["mixed"], *loss.parameters()
    )

    assert value > 0
    assert (gradient.abs().sum(dim=1) > 0).sum() >= 12  # the n-pairs loss takes two images of each identity
    assert all(one.any() for one in learned)


@pytest.mark.parametrize("name", LOSSES)
def test_nan_never_passes_unnoticed(name):
    """E5: one NaN or infinite number in one image shows in the loss or in its gradient."""
    for wrong in (torch.nan, torch.inf):
        raw = vectors_like("random", 18)
        raw[4, 3] = wrong
        value, gradient = loss_batches.value_and_gradients(built(name), raw, LABELS["mixed"])

        assert not (value.isfinite() and gradient.isfinite().all())


@pytest.mark.parametrize("name", LOSSES)
def test_labels_are_only_names(name):
    """Other codes for the same identities give the same loss, the class vectors being renamed with them."""
    labels, raw = LABELS["mixed"], vectors_like("random", 18)
    codes = torch.randperm(CLASSES, generator=torch.Generator().manual_seed(1))
    plain, renamed = built(name), built(name)
    if name in WITH_CLASSES:
        parameter, by_class = loss_batches.class_vectors(renamed, CLASSES)
        parameter.data = by_class[:, codes.argsort()].flatten(0, 1)
    torch.manual_seed(1)
    wanted = loss_batches.value_and_gradients(plain, raw, labels)
    torch.manual_seed(1)

    assert loss_batches.agree(loss_batches.value_and_gradients(renamed, raw, codes[labels]), wanted, 1e-5)


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"margin", "n-pairs"}))
def test_the_order_in_a_batch_is_of_no_consequence(name):
    """For losses that draw nothing and look at all images."""
    labels, raw = LABELS["mixed"], vectors_like("random", 18)
    order, loss = torch.randperm(18, generator=torch.Generator().manual_seed(1)), built(name)
    value, gradient = loss_batches.value_and_gradients(loss, raw, labels)

    assert loss_batches.agree(
        loss_batches.value_and_gradients(loss, raw[order], labels[order]), [value, gradient[order]], 1e-5
    )


@pytest.mark.parametrize("name", LOSSES)
def test_losses_do_not_change_under_autocast(name):
    """They are computed in float32 in somebody's autocast region."""
    loss, images = built(name), normalize(vectors_like("random", 18), dim=1)
    torch.manual_seed(1)
    plain = loss(images, LABELS["mixed"])
    torch.manual_seed(1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = loss(images, LABELS["mixed"])

    assert mixed.item() == plain.item()
    assert mixed.dtype == torch.float32


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_class_vectors_through_a_slice(name):
    """The loss is that of a small loss with the sliced vectors; the vectors' other columns get no gradient."""
    whole, small, columns = built(name), built(name, dimension=5), slice(4, 9)
    parameter, own = next(whole.parameters()), next(small.parameters())
    own.data = parameter.data[:, columns].clone()
    raw, labels = vectors_like("random", 18)[:, columns], LABELS["mixed"]
    through = lambda images, of: whole.through(images, of, lambda some: some[:, columns])  # noqa: E731
    value, gradient, learned = loss_batches.value_and_gradients(through, raw, labels, parameter)
    wanted = loss_batches.value_and_gradients(small, raw, labels, own)

    assert loss_batches.agree([value, gradient, learned[:, columns]], wanted, 1e-6)
    assert not learned[:, [*range(4), *range(9, DIMENSION)]].any()


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_class_vectors_through_a_mask(name):
    """Likewise, each column times a weight, which learns from them too; a weight of zero stops the gradient."""
    whole, masked = built(name), built(name)
    mask = torch.linspace(0.0, 2.0, DIMENSION, requires_grad=True)
    parameter, own = next(whole.parameters()), next(masked.parameters())
    own.data = parameter.data * mask.detach()
    raw, labels = vectors_like("random", 18), LABELS["mixed"]
    through = lambda images, of: whole.through(images, of, lambda some: some * mask)  # noqa: E731
    value, gradient, learned, weights = loss_batches.value_and_gradients(through, raw, labels, parameter, mask)
    wanted = loss_batches.value_and_gradients(masked, raw, labels, own)

    assert loss_batches.agree([value, gradient], wanted[:2], 1e-5)
    of_both = [wanted[2] * mask.detach(), (wanted[2] * parameter.detach()).sum(dim=0)]
    assert loss_batches.agree([learned, weights], of_both, 1e-5)
    assert not learned[:, 0].any()
