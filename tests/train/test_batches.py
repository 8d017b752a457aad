"""Rounds of one batch from each cluster: as many as the largest has, nothing cut off."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import DataError
from reid.train.batches import BatchSource
from reid.train.division import OUT, Division, without_singles


def _example(seed: int, learners: int, identities: int = 18) -> tuple[np.ndarray, Division]:
    """Identities of 2 to 9 images, and a division of unequal clusters of whole identities with some images out."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(np.arange(identities), random.integers(2, 10, identities)))
    home = np.concatenate([np.repeat(np.arange(learners), 3), random.integers(0, learners, identities - 3 * learners)])
    clusters = np.where(random.random(len(labels)) < 0.1, OUT, home[labels])
    return labels, Division(without_singles(clusters, labels), learners)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(2, 3), st.integers(0, 3))
def test_a_round_has_one_batch_of_every_cluster(seed: int, learners: int, each: int, epoch: int) -> None:
    """METHOD section 3: ceil(largest cluster / batch) rounds; in a round every cluster once, in order; a batch holds
    images of its cluster only, none that sits out; steps are counted from 0."""
    labels, division = _example(seed, learners)
    per_batch = 2
    able = [
        sum((division.clusters[labels == identity] == k).sum() >= 2 for identity in np.unique(labels))
        for k in division.active()
    ]
    source = BatchSource(labels, per_batch, each, seed)
    if min(able) < per_batch:
        return
    batches = source.batches(epoch, 0, division)
    rounds = -(-int(division.sizes().max()) // (per_batch * each))

    assert len(batches) == rounds * len(division.active())
    assert [batch.cluster for batch in batches] == division.active() * rounds
    assert [batch.task.step for batch in batches] == list(range(len(batches)))
    for task, cluster in batches:
        assert task.epoch == epoch
        assert (division.clusters[task.rows] == cluster).all()
        assert len(set(labels[task.rows].tolist())) == per_batch
        assert len(task.rows) == per_batch * each


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_the_largest_cluster_is_seen_whole_and_small_ones_more_often(seed: int) -> None:
    """The places for a cluster are at least its images, so nothing is cut off; a small cluster is drawn from more."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(30), 4)
    clusters = np.where(labels < int(random.integers(4, 12)), 0, 1)
    source = BatchSource(labels, 3, 2, seed)
    batches = source.batches(0, 0, Division(clusters, 2))
    views = np.bincount(np.concatenate([batch.task.rows for batch in batches]), minlength=len(labels))
    small, large = views[clusters == 0], views[clusters == 1]

    assert large.sum() >= (clusters == 1).sum()
    assert small.sum() == large.sum()
    assert small.mean() > large.mean()
    assert small.min() >= 1


def test_without_a_division_batches_come_from_the_whole_set() -> None:
    """Stage finetune, and K = 1: the whole set once, mixed over what the clusters were."""
    labels = np.repeat(np.arange(30), 4)
    batches = BatchSource(labels, 5, 4, 0).batches(7, 7, None)

    assert {batch.cluster for batch in batches} == {None}
    assert len(batches) == 6
    assert sorted(np.concatenate([batch.task.rows for batch in batches]).tolist()) == list(range(120))


def test_batches_are_a_pure_function_of_seed_epoch_and_division() -> None:
    """Whatever was asked before, and whichever object holds an equal division: the same batches. So a run that starts
    in the middle has those of one that never stopped."""
    labels, division = _example(3, 3)

    def rows(source: BatchSource, epoch: int, since: int, division: Division | None) -> list[bytes]:
        return [batch.task.rows.tobytes() for batch in source.batches(epoch, since, division)]

    used = BatchSource(labels, 2, 2, 0)
    asked = [(0, 0, division), (1, 0, division), (2, 2, division), (3, 2, division), (4, 4, None), (5, 4, None)]
    in_order = [rows(used, *question) for question in asked]
    for place in (3, 5, 1, 0, 4, 2):
        epoch, since, cut = asked[place]
        copy = None if cut is None else Division(cut.clusters.copy(), cut.learners)

        assert rows(BatchSource(labels, 2, 2, 0), epoch, since, copy) == in_order[place]
        assert rows(used, epoch, since, cut) == in_order[place]
    assert len({tuple(batches) for batches in in_order}) == len(asked)
    assert rows(BatchSource(labels, 2, 2, 1), 0, 0, division) != in_order[0]


def test_clusters_draw_independently() -> None:
    """Two clusters of the same shape do not get the same positions."""
    labels = np.repeat(np.arange(24), 4)
    clusters = labels % 2
    batches = BatchSource(labels, 3, 2, 0).batches(0, 0, Division(clusters, 2))
    order = [
        [np.flatnonzero(clusters == k).tolist().index(row) for b in batches if b.cluster == k for row in b.task.rows]
        for k in (0, 1)
    ]

    assert order[0] != order[1]


def test_an_empty_cluster_is_passed_over() -> None:
    """A learner whose cluster was merged away has no batches; the others go on."""
    labels = np.repeat(np.arange(12), 4)
    batches = BatchSource(labels, 3, 2, 0).batches(0, 0, Division(np.where(labels < 6, 0, 2), 3))

    assert [batch.cluster for batch in batches] == [0, 2] * 4


def test_a_cluster_that_cannot_fill_a_batch_is_an_error() -> None:
    """Never an epoch without batches: the error says what is missing."""
    labels = np.repeat(np.arange(12), 4)
    with pytest.raises(DataError, match=r"a batch needs 3 identities .* there are 2"):
        BatchSource(labels, 3, 2, 0).batches(0, 0, Division(np.where(labels < 2, 0, 1), 2))
