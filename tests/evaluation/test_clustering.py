"""Agreement of clusters with identities."""

import evaluation_oracles
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import normalized_mutual_info_score

from reid.errors import ShapeError
from reid.evaluation.clustering import Agreement, agreement, normalised_mutual_information, pairwise_f1

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 3)), min_size=1, max_size=30)


@settings(deadline=None, max_examples=100)
@given(pairs)
def test_arithmetic_equals_scikit_learn_and_the_definition(labels):
    """The value equals scikit-learn's, and that of a loop over the table of counts."""
    left, right = (np.array(column) for column in zip(*labels, strict=True))
    found = normalised_mutual_information(left, right)

    assert found == pytest.approx(normalized_mutual_info_score(left, right), abs=1e-9)
    assert found == pytest.approx(oracles.normalised_mutual_information(left.tolist(), right.tolist()), abs=1e-9)


@settings(deadline=None, max_examples=100)
@given(pairs)
def test_f1_equals_the_definition(labels):
    """Counted pair by pair; naming the groups otherwise, or exchanging the labellings, changes nothing."""
    left, right = (np.array(column) for column in zip(*labels, strict=True))
    found = pairwise_f1(left, right)

    assert found == pytest.approx(evaluation_oracles.pairwise_f1(left.tolist(), right.tolist()), abs=1e-12)
    assert pairwise_f1(right, 7 - left) == found
    assert pairwise_f1(left, left) == 1


def test_f1_by_hand():
    """Of the pairs 01, 23 and 45, one cluster holds 01, the other 2345: all three found, with four wrong ones."""
    assert pairwise_f1(np.array([0, 0, 1, 1, 2, 2]), np.array([5, 5, 6, 6, 6, 6])) == pytest.approx(2 * 3 / (3 + 7))


def test_separated_identities_are_found():
    """Far apart groups are recovered by at least one start, the same at every call and not for every seed."""
    generator = np.random.Generator(np.random.Philox(1))
    identities = np.repeat(np.arange(5), 20)
    vectors = (np.eye(8)[identities] + 0.05 * generator.standard_normal((100, 8))).astype(np.float32)
    values = agreement(vectors, identities, seeds=4)

    assert len(values.nmi) == len(values.f1) == 4
    assert max(values.nmi) == pytest.approx(1)
    assert max(values.f1) == 1
    assert agreement(vectors, identities, seeds=4) == values


def test_collapsed_vectors_have_no_information():
    """k-means on equal vectors neither fails nor finds anything."""
    found = agreement(np.ones((40, 4), np.float32), np.arange(40) % 4, seeds=1)

    assert found.nmi == (pytest.approx(0, abs=1e-9),)
    assert 0 < found.f1[0] < 0.5


def test_undefined_where_every_image_is_an_identity():
    """As many clusters as images say nothing."""
    assert agreement(np.eye(4, dtype=np.float32), np.arange(4)) == Agreement((), ())
    assert agreement(np.eye(4, dtype=np.float32), np.zeros(4, np.int64), seeds=0) == Agreement((), ())


def test_bad_vectors_never_reach_the_clustering():
    """NaN is refused with its row."""
    with pytest.raises(ShapeError, match="row 1"):
        agreement(np.array([[1, 0], [np.nan, 1], [1, 1]], np.float32), np.zeros(3, np.int64))
