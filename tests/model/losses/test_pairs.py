"""Who is compared with whom, counted one by one."""

import loss_batches
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.model.losses.pairs import (
    distances,
    has_pairs,
    mean_of_active,
    positive_pairs,
    same_identity,
    without_self,
)

LABELS = st.lists(st.integers(0, 3), min_size=1, max_size=8)


def test_distances_are_euclidean() -> None:
    """Equal to the norms of differences, also of near vectors, and never NaN."""
    vectors = loss_batches.clustered(32)
    wanted = (vectors[:, None] - vectors[None, :]).norm(dim=2)

    assert distances(vectors).numpy() == pytest.approx(wanted.numpy(), abs=1e-6)
    assert distances(vectors.float()).numpy() == pytest.approx(wanted.numpy(), abs=1e-3)


@settings(deadline=None, max_examples=50)
@given(LABELS)
def test_batches_without_pairs_of_a_kind_are_told(labels: list[int]) -> None:
    """E12: has_pairs says whether there are two images of one identity, and whether there are two identities."""
    positives, negatives = has_pairs(torch.tensor(labels))

    assert bool(positives) == (len(set(labels)) < len(labels))
    assert bool(negatives) == (len(set(labels)) > 1)
    assert positives.shape == negatives.shape == ()


@settings(deadline=None, max_examples=50)
@given(LABELS)
def test_positive_pairs_are_all_there_are(labels: list[int]) -> None:
    """Every ordered pair of two images of one identity, unless there is no other identity at all."""
    anchors, positives = positive_pairs(same_identity(torch.tensor(labels)))
    every = range(len(labels))
    wanted = [(a, p) for a in every for p in every if a != p and labels[a] == labels[p] and len(set(labels)) > 1]

    assert list(zip(anchors.tolist(), positives.tolist(), strict=True)) == wanted


def test_an_image_is_not_its_own_positive() -> None:
    """The diagonal is taken out of a copy."""
    same = same_identity(torch.tensor([1, 1, 2]))

    assert without_self(same).tolist() == [[False, True, False], [True, False, False], [False, False, False]]
    assert same.diagonal().all()


def test_mean_of_active_terms() -> None:
    """Zeros are not counted; of nothing the mean is 0."""
    mean, active = mean_of_active(torch.tensor([0.0, 3.0, 1.0, 0.0]))
    nothing, none = mean_of_active(torch.zeros(3))

    assert (mean.item(), active.item()) == (2.0, 2)
    assert (nothing.item(), none.item()) == (0.0, 0)
