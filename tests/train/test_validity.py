"""Which clusters can train a learner, and the merging of those that cannot."""

import clouds
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import ConfigError, DataError
from reid.train.validity import check_numbers, merge_offending, offending, places

labelled = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=50)


@settings(deadline=None, max_examples=100)
@given(labelled, st.integers(1, 4))
def test_offending_clusters_hold_too_few_identities(found: list[tuple[int, int]], needed: int) -> None:
    """F6: fewer than P identities with two images or more, counted by a loop; empty clusters too."""
    labels, identities = (np.array(column, dtype=np.int64) for column in zip(*found, strict=True))
    able = clouds.able(labels, identities)

    assert offending(labels, identities, 4, needed) == [k for k in range(4) if able.get(k, 0) < needed]


@settings(deadline=None, max_examples=100)
@given(labelled)
def test_no_partition_has_more_pairs_than_places(found: list[tuple[int, int]]) -> None:
    """The bound by which a division is known to be impossible is one: of images, and of whole identities."""
    labels, identities = (np.array(column, dtype=np.int64) for column in zip(*found, strict=True))
    whole = np.array([labels[identities == identity][0] for identity in identities.tolist()])

    assert sum(clouds.able(labels, identities).values()) <= places(identities, "image")
    assert sum(clouds.able(whole, identities).values()) <= places(identities, "identity")


def test_places_by_hand() -> None:
    """Identities of 5, 4, 2 and 1 images: five pairs of images, three identities that have one."""
    identities = np.repeat(np.arange(4), [5, 4, 2, 1])

    assert (places(identities, "image"), places(identities, "identity")) == (2 + 2 + 1, 3)


@pytest.mark.parametrize(
    ("images", "learners", "needed", "kind", "message"),
    [
        (8, 0, 2, ConfigError, r"division\.learners: 8 images cannot be divided into 0 clusters; wanted 1 or more"),
        (8, -1, 2, ConfigError, r"8 images cannot be divided into -1 clusters"),
        (0, 1, 2, DataError, "0 images cannot be divided into 1 clusters"),
        (5, 8, 2, DataError, r"5 images cannot be divided into 8 clusters; lower division\.learners"),
        (40, 2, 11, DataError, "a batch needs 11 identities with at least two images each, and there are 10"),
    ],
)
def test_impossible_numbers_are_named(images: int, learners: int, needed: int, kind: type, message: str) -> None:
    """F3: no clusters, more clusters than images, no batch: an error with the numbers, and what to change."""
    with pytest.raises(kind, match=message):
        check_numbers(clouds.fours(images), learners, needed)


def test_the_least_that_is_possible_passes() -> None:
    """Just enough of everything."""
    check_numbers(clouds.fours(8), 8, 2)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 1000), st.booleans())
def test_merging_ends_with_clusters_that_can_train(clusters: int, needed: int, seed: int, near: bool) -> None:
    """METHOD 2.5: what is left can fill batches; clusters are emptied one by one as recorded, and never split."""
    random = np.random.default_rng(seed)
    identities = np.repeat(np.arange(8), 4)
    labels = random.integers(0, clusters, 32)
    features = random.standard_normal((32, 3)).astype(np.float32) if near else None
    before = labels.copy()
    found, merged = merge_offending(labels, features, identities, clusters, needed)

    assert (labels == before).all()
    assert min(clouds.able(found, identities).values()) >= needed
    for small, into in merged:
        assert (before == small).any()
        before[before == small] = into
    assert (before == found).all()


def test_the_smallest_goes_to_the_nearest() -> None:
    """Of two clusters too small, the smaller is moved first, to the one with the nearest centre."""
    features = np.repeat(np.array([[0.0], [3.0], [4.0], [5.2]], dtype=np.float32), [8, 4, 2, 8], axis=0)
    labels = np.repeat([0, 1, 2, 3], [8, 4, 2, 8])
    identities = np.arange(22) // 2
    found, merged = merge_offending(labels, features, identities, 4, 3)

    assert merged == ((2, 1),)
    assert found.tolist() == [0] * 8 + [1] * 6 + [3] * 8


def test_without_features_the_smallest_goes_to_the_next_smallest() -> None:
    """A random partition has no near clusters, so sizes are evened out."""
    found, merged = merge_offending(np.repeat([0, 1, 2], [10, 2, 6]), None, np.arange(18) // 2, 3, 2)

    assert merged == ((1, 2),)
    assert np.bincount(found).tolist() == [10, 0, 8]


def test_the_last_cluster_stays() -> None:
    """Where not even all together fill a batch, merging ends."""
    assert merge_offending(np.zeros(4, dtype=np.int64), None, np.arange(4) // 2, 2, 3)[1] == ()
