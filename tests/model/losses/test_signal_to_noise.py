"""Noise-to-signal ratios, their loss, and where they could divide by zero."""

import loss_batches
import pytest
import torch
from pytorch_metric_learning import distances, losses

from reid.model.losses.signal_to_noise import SignalToNoiseLoss, noise_to_signal


def test_ratios_are_variances_of_differences():
    """Against the library's, which makes all differences."""
    vectors, _ = loss_batches.uneven()
    wanted = distances.SNRDistance()(vectors)

    assert noise_to_signal(vectors).numpy() == pytest.approx(wanted.numpy(), abs=1e-9)


@pytest.mark.parametrize(("positive", "negative"), [(0.0, 1.0), (0.2, 0.4)])
def test_loss_equals_the_library(positive, negative):
    """Value and gradient, and the number of pairs above zero."""
    vectors, labels = loss_batches.uneven()
    ours = SignalToNoiseLoss(positive_margin=positive, negative_margin=negative)
    theirs = losses.SignalToNoiseRatioContrastiveLoss(pos_margin=positive, neg_margin=negative)
    ratio = noise_to_signal(vectors)
    same = labels[:, None] == labels[None, :]

    assert loss_batches.agree(
        loss_batches.value_and_gradients(ours, vectors, labels),
        loss_batches.value_and_gradients(theirs, vectors, labels),
    )
    pulled = same.clone().fill_diagonal_(fill_value=False) & (ratio > positive)
    assert ours.active_pairs == pulled.sum() + (~same & (ratio < negative)).sum()


def test_a_constant_vector_gives_a_number():
    """It has no signal at all; neither has a vector of one element."""
    vectors, labels = loss_batches.uneven()
    vectors[0] = 8**-0.5
    for some in (vectors, torch.sign(vectors[:, :1])):
        found = loss_batches.value_and_gradients(SignalToNoiseLoss(), some, labels)

        assert all(one.isfinite().all() for one in found)
