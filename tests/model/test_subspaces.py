"""Slices of the embedding, its two rules of normalisation, and which images of a batch count."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cosine_similarity, normalize

from reid.errors import ConfigError
from reid.model.subspaces import (
    NORMALISE,
    FixedSubspaces,
    LearnedSubspaces,
    first_occurrences,
    inherit,
    slice_of,
    unit_slices,
    unit_whole,
)

shapes = st.tuples(st.integers(1, 7), st.integers(1, 8), st.integers(1, 5))  # batch, learners, columns of each


@given(st.integers(1, 12), st.integers(1, 12))
def test_slices_tile_the_embedding(learners: int, width: int) -> None:
    """Equal, contiguous, in order, each column once."""
    columns = [list(range(learners * width))[slice_of(k, learners, learners * width)] for k in range(learners)]

    assert [column for own in columns for column in own] == list(range(learners * width))
    assert {len(own) for own in columns} == {width}


@pytest.mark.parametrize(("learners", "dimension"), [(3, 16), (0, 16), (-2, 16), (32, 16)])
def test_learners_that_do_not_divide_the_dimension_are_refused(learners: int, dimension: int) -> None:
    """K must divide d; the message has both."""
    with pytest.raises(ConfigError, match=f"dimension of {dimension} .* by {learners} learners"):
        slice_of(0, learners, dimension)


@pytest.mark.parametrize("learner", [-1, 4, 100])
def test_a_learner_that_is_not_there_is_refused(learner: int) -> None:
    """Learners are 0..K-1; a negative one does not count from the end."""
    with pytest.raises(ConfigError, match=rf"no learner {learner}; they are 0\.\.3"):
        slice_of(learner, 4, 16)


@settings(deadline=None, max_examples=40)
@given(shapes, st.integers(0, 1000))
def test_inner_product_of_slices_is_the_mean_of_their_cosines(shape: tuple[int, int, int], seed: int) -> None:
    """METHOD section 4: unit length, and the inner product of two embeddings is the mean of the K cosines."""
    batch, learners, width = shape
    raw = torch.randn(batch, learners * width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    unit = unit_slices(raw, learners)
    parts = raw.reshape(batch, learners, width)
    cosines = cosine_similarity(parts[:, None], parts[None, :], dim=3).mean(dim=2)

    assert unit.norm(dim=1).numpy() == pytest.approx(np.ones(batch))
    assert (unit @ unit.T).numpy() == pytest.approx(cosines.numpy(), abs=1e-9)


@pytest.mark.parametrize("rule", sorted(NORMALISE))
def test_one_learner_is_plain_normalisation(rule: str) -> None:
    """K = 1: both rules are the plain L2 norm, to the bit, and the one learner sees all columns."""
    raw = torch.randn(5, 12)

    assert torch.equal(NORMALISE[rule](raw, 1), normalize(raw, dim=1))
    assert torch.equal(FixedSubspaces(12, 1).view(raw, 0), raw)


def test_whole_ignores_the_learners() -> None:
    """One norm over all columns, however many learners there are."""
    raw = torch.randn(5, 12)

    assert torch.equal(unit_whole(raw, 4), normalize(raw, dim=1))


def test_rows_of_zeros_give_no_nan() -> None:
    """A vector, or a slice, that is all zero stays zero and has a finite gradient."""
    for function in (
        lambda raw: unit_slices(raw, 2),
        lambda raw: unit_whole(raw, 2),
    ):
        raw = torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 3.0, 4.0]], requires_grad=True)
        value = function(raw)
        value.sum().backward()

        assert value.isfinite().all()
        assert raw.grad is not None
        assert raw.grad.isfinite().all()


def test_a_learner_sees_its_own_columns() -> None:
    """u[slice k]: of embeddings as of vectors of classes, and of nothing else."""
    raw, fixed = torch.randn(5, 12), FixedSubspaces(12, 3)
    for learner in range(3):
        assert torch.equal(fixed.view(raw, learner), raw[:, 4 * learner : 4 * learner + 4])
    with pytest.raises(ConfigError, match="no learner 3"):
        fixed.view(raw, 3)


@given(st.integers(0, 3), st.integers(1, 3))
def test_children_share_the_columns_of_their_parent(doublings: int, width: int) -> None:
    """Splitting halves slices: learners 2k and 2k + 1 have between them what k had, in order."""
    dimension = width * 16
    fixed, raw = FixedSubspaces(dimension, 2**doublings), torch.arange(float(dimension))[None]
    parents = [fixed.view(raw, learner) for learner in range(fixed.learners)]
    fixed.split()

    assert fixed.learners == 2 * len(parents)
    for learner, parent in enumerate(parents):
        children = torch.cat([fixed.view(raw, 2 * learner), fixed.view(raw, 2 * learner + 1)], dim=1)
        assert torch.equal(children, parent)


def test_slices_that_cannot_be_halved_are_not() -> None:
    """6 columns of two learners are three each."""
    with pytest.raises(ConfigError, match="dimension of 6 cannot be shared equally by 4 learners"):
        FixedSubspaces(6, 2).split()


def test_the_number_of_learners_is_kept_with_the_weights() -> None:
    """A state taken after a split is put into one that was not split."""
    for make in (lambda: FixedSubspaces(8, 1), lambda: LearnedSubspaces(8, 1, 4)):
        split, other = make(), make()
        split.split()
        other.load_state_dict(split.state_dict())

        assert other.learners == 2


def test_a_learned_mask_weighs_columns() -> None:
    """u * relu(m_k): columns of negative weight are not seen."""
    learned, raw = LearnedSubspaces(6, 2, 2), torch.randn(5, 6)
    wanted = raw.numpy() * np.maximum(learned.masks.detach().numpy()[1], 0)

    assert learned.view(raw, 1).detach().numpy() == pytest.approx(wanted)
    with pytest.raises(ConfigError, match="no learner 2"):
        learned.view(raw, 2)


def test_weights_are_what_a_learner_sees_through() -> None:
    """Those of the learners that there are, none below zero, without gradient; slices have none."""
    subspaces, vectors = LearnedSubspaces(6, 2, 4), torch.randn(5, 6)
    weights = subspaces.weights()

    assert weights is not None
    assert weights.shape == (2, 6)
    assert not weights.requires_grad
    for learner in range(2):
        assert torch.equal(vectors * weights[learner], subspaces.view(vectors, learner))
    assert FixedSubspaces(6, 2).weights() is None


def test_masks_of_children_begin_as_their_parents() -> None:
    """PAMI 2021: 2k and 2k + 1 start as copies of k, over several splits; there is no room for more than there are."""
    learned = LearnedSubspaces(8, 2, 8)
    first = learned.masks.detach()[:2].clone()
    learned.split()
    with torch.no_grad():
        learned.masks[3] += 1.0
    learned.split()

    assert torch.equal(learned.masks[:8].detach(), torch.stack([first[0]] * 4 + [first[1]] * 2 + [first[1] + 1] * 2))
    with pytest.raises(ConfigError, match="room for 8 learned subspaces, not for 16"):
        learned.split()


def test_first_masks_differ_unless_there_is_one() -> None:
    """Learners that begin together see differently; a single one sees everything alike."""
    assert len({tuple(row) for row in LearnedSubspaces(16, 4, 4).masks.tolist()}) == 4
    assert LearnedSubspaces(16, 1, 4).masks[0].tolist() == [1.0] * 16


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 1000))
def test_overlap_is_the_mean_cosine_of_pairs(learners: int, width: int, seed: int) -> None:
    """METHOD section 4: the mean over i != j of cos(relu(m_i), relu(m_j)), by a loop; none for one learner."""
    dimension = learners * width
    learned = LearnedSubspaces(dimension, learners, learners)
    with torch.no_grad():
        learned.masks.copy_(torch.randn(learners, dimension, generator=torch.Generator().manual_seed(seed)))
    masks = [row.relu() for row in learned.masks]
    cosines = [cosine_similarity(a, b, dim=0) for a in masks for b in masks if a is not b]
    overlap = learned.overlap()

    assert overlap is not None
    assert overlap.item() == pytest.approx(torch.stack(cosines).mean().item(), abs=1e-5)
    assert LearnedSubspaces(dimension, 1, 4).overlap() is None
    assert FixedSubspaces(learners, learners).overlap() is None


def test_children_inherit_rows() -> None:
    """`inherit` copies each of the first rows to its two children's places, and leaves the rest."""
    rows = torch.arange(6.0)[:, None].repeat(1, 2)
    inherit(rows, 2)

    assert rows[:, 0].tolist() == [0, 0, 1, 1, 4, 5]


@given(st.lists(st.integers(0, 6), max_size=20))
def test_first_occurrences_equals_a_loop(rows: list[int]) -> None:
    """True exactly where an image stands in the batch for the first time."""
    wanted = [row not in rows[:place] for place, row in enumerate(rows)]

    assert first_occurrences(torch.tensor(rows, dtype=torch.long)).tolist() == wanted
