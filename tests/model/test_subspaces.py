"""Slices of the embedding, its two rules of normalisation, and which images of a batch count."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cosine_similarity, normalize

from reid.errors import ConfigError
from reid.model.subspaces import NORMALISE, first_occurrences, learner_view, slice_of, unit_slices, unit_whole

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
    """K = 1: both rules and the learner's view are the plain L2 norm, to the bit."""
    raw = torch.randn(5, 12)

    assert torch.equal(NORMALISE[rule](raw, 1), normalize(raw, dim=1))
    assert torch.equal(learner_view(raw, 0, 1), normalize(raw, dim=1))


def test_whole_ignores_the_learners() -> None:
    """One norm over all columns, however many learners there are."""
    raw = torch.randn(5, 12)

    assert torch.equal(unit_whole(raw, 4), normalize(raw, dim=1))


def test_rows_of_zeros_give_no_nan() -> None:
    """A vector, or a slice, that is all zero stays zero and has a finite gradient."""
    for function in (
        lambda raw: unit_slices(raw, 2),
        lambda raw: unit_whole(raw, 2),
        lambda raw: learner_view(raw, 0, 2),
    ):
        raw = torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 3.0, 4.0]], requires_grad=True)
        value = function(raw)
        value.sum().backward()

        assert value.isfinite().all()
        assert raw.grad is not None
        assert raw.grad.isfinite().all()


def test_a_learner_sees_its_slice_as_a_unit_vector() -> None:
    """normalize(u[slice k]): other columns do not matter."""
    raw = torch.randn(5, 12)
    for learner in range(3):
        wanted = normalize(raw[:, 4 * learner : 4 * learner + 4], dim=1)

        assert torch.equal(learner_view(raw, learner, 3), wanted)


@given(st.lists(st.integers(0, 6), max_size=20))
def test_first_occurrences_equals_a_loop(rows: list[int]) -> None:
    """True exactly where an image stands in the batch for the first time."""
    wanted = [row not in rows[:place] for place, row in enumerate(rows)]

    assert first_occurrences(torch.tensor(rows, dtype=torch.long)).tolist() == wanted
