"""Proxy-anchor loss against a loop over classes, and against the library."""

import math

import loss_batches
import pytest
import torch
from pytorch_metric_learning import losses

from reid.model.losses.proxy_anchor import ProxyAnchorLoss


@pytest.mark.parametrize(("margin", "alpha"), [(0.1, 32.0), (0.3, 5.0)])
def test_loss_equals_a_loop_over_classes(margin, alpha):
    """Two of the nine classes are not in the batch."""
    vectors, labels = loss_batches.uneven()
    loss = ProxyAnchorLoss(classes=9, dimension=8, margin=margin, alpha=alpha).double()
    pull, push = [], []
    for number, proxy in enumerate(loss.vectors.data):
        cosines = vectors @ proxy / proxy.norm()
        own = [math.exp(-alpha * (float(cosine) - margin)) for cosine in cosines[labels == number]]
        others = [math.exp(alpha * (float(cosine) + margin)) for cosine in cosines[labels != number]]
        push.append(math.log1p(sum(others)))
        if own:
            pull.append(math.log1p(sum(own)))

    assert len(pull) == 7
    assert loss(vectors, labels).item() == pytest.approx(sum(pull) / 7 + sum(push) / 9, abs=1e-9)


@pytest.mark.parametrize("identities", [7, 1])
def test_loss_equals_the_library(identities):
    """Value and gradients, also where the batch is of one class, which has nothing to push then."""
    vectors, labels = loss_batches.uneven()
    labels %= identities
    ours = ProxyAnchorLoss(classes=9, dimension=8).double()
    theirs = losses.ProxyAnchorLoss(num_classes=9, embedding_size=8).double()
    theirs.proxies.data = ours.vectors.data.clone()

    assert loss_batches.agree(
        loss_batches.value_and_gradients(ours, vectors, labels, ours.vectors),
        loss_batches.value_and_gradients(theirs, vectors, labels, theirs.proxies),
        1e-7,
    )


def test_first_vectors_are_as_long_as_the_library_makes_them():
    """A published learning rate for proxies turns them as fast here."""
    torch.manual_seed(0)
    ours = ProxyAnchorLoss(classes=50, dimension=8).vectors
    torch.manual_seed(0)
    theirs = losses.ProxyAnchorLoss(num_classes=50, embedding_size=8).proxies

    assert torch.equal(ours, theirs)


def test_no_exponential_overflows():
    """A steepness far beyond the paper's."""
    vectors, labels = loss_batches.uneven()
    loss = ProxyAnchorLoss(classes=9, dimension=8, alpha=1000.0)
    found = loss_batches.value_and_gradients(loss, vectors.float(), labels, loss.vectors)

    assert all(one.isfinite().all() for one in found)
