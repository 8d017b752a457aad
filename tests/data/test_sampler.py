"""The four laws of the sampler's docstring, over random datasets, and what else batches must be."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from reid.data.sampler import IdentityBalancedSampler, _fair_share
from reid.errors import DataError

counts_of = st.lists(st.integers(1, 12), min_size=1, max_size=25)
per_batch_of, images_each_of = st.integers(1, 6), st.integers(2, 5)


def _shuffled(counts: list[int], seed: int) -> NDArray[np.int64]:
    """Labels with gaps between the codes, in random order."""
    labels = np.repeat(np.arange(len(counts)) * 7 + 3, counts)
    return np.random.default_rng(seed).permutation(labels)


def _sampler(labels: NDArray[np.int64], per_batch: int, images_each: int, seed: int = 0) -> IdentityBalancedSampler:
    return IdentityBalancedSampler(labels, per_batch=per_batch, images_each=images_each, seed=seed)


def _drawable(counts: list[int]) -> int:
    return sum(count >= 2 for count in counts)


@settings(deadline=None, max_examples=60)
@given(counts_of, per_batch_of, images_each_of, st.integers(0, 3), st.integers(0, 5))
def test_batch_is_p_distinct_identities_of_k_images(counts, per_batch, images_each, epoch, seed) -> None:
    """Laws 1 and 2: P different identities, K images of each, next to each other; no image twice where there are K, and
    otherwise every image of the identity equally often up to one; single images never."""
    labels = _shuffled(counts, seed)
    if _drawable(counts) < per_batch:
        return
    batches = _sampler(labels, per_batch, images_each, seed).epoch(epoch)

    frequency = dict(zip(*np.unique(labels, return_counts=True), strict=True))
    assert batches.dtype == np.int64
    for batch in batches:
        groups = labels[batch].reshape(per_batch, images_each)
        assert (groups == groups[:, :1]).all()
        assert len(set(groups[:, 0])) == per_batch
        for identity, rows in zip(groups[:, 0], batch.reshape(per_batch, images_each), strict=True):
            views = np.unique(rows, return_counts=True)[1]
            assert frequency[identity] >= 2
            assert len(views) == min(images_each, frequency[identity])
            assert views.max() - views.min() <= 1


@settings(deadline=None, max_examples=40)
@given(counts_of, per_batch_of, images_each_of, st.integers(1, 30), st.integers(0, 5))
def test_views_within_an_identity_differ_by_at_most_one(counts, per_batch, images_each, epochs, seed) -> None:
    """Law 3, first half: over any number of epochs no image of an identity is seen two times more than another."""
    labels = _shuffled(counts, seed)
    if _drawable(counts) < per_batch:
        return
    sampler = _sampler(labels, per_batch, images_each, seed)
    views = np.zeros(len(labels), dtype=np.int64)
    for epoch in range(epochs):
        np.add.at(views, sampler.epoch(epoch).ravel(), 1)

    for identity in np.unique(labels):
        seen = views[labels == identity]
        assert seen.max() - seen.min() <= 1


@settings(deadline=None, max_examples=40)
@given(counts_of, per_batch_of, images_each_of, st.integers(1, 40), st.integers(0, 5))
def test_identities_get_their_share_of_the_places(counts, per_batch, images_each, epochs, seed) -> None:
    """Law 3, second half: after any number of epochs an identity has had its share to within one group of K views, and
    one that holds more than 1/P of the images stands in every batch."""
    labels = _shuffled(counts, seed)
    if _drawable(counts) < per_batch:
        return
    sampler = _sampler(labels, per_batch, images_each, seed)
    groups = np.zeros(len(counts))
    for epoch in range(epochs):
        groups += np.bincount((labels[sampler.epoch(epoch)][:, ::images_each].ravel() - 3) // 7, minlength=len(counts))

    usable = np.array([count if count >= 2 else 0 for count in counts], dtype=np.int64)
    share = _slow_share(usable, sampler.steps * per_batch, sampler.steps)
    assert np.abs(groups - epochs * share).max() <= 1 + 1e-6
    assert (groups[share >= sampler.steps] == epochs * sampler.steps).all()


def _slow_share(counts: NDArray[np.int64], places: int, most: int) -> NDArray[np.float64]:
    """min(most, level * count) with the level found by bisection so that the shares add up to `places`."""
    low, high = 0.0, float(places)
    for _ in range(200):
        level = (low + high) / 2
        if np.minimum(most, level * counts).sum() < places:
            low = level
        else:
            high = level
    return np.minimum(most, high * counts)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=30), st.integers(1, 30), st.integers(1, 50))
def test_fair_share_is_proportional_below_the_cap(counts, per_batch, steps) -> None:
    """Shares are proportional to the images, none above one group a batch, and fill all places."""
    if len(counts) < per_batch:
        return
    share = _fair_share(np.array(counts), steps * per_batch, steps)

    assert share == pytest.approx(_slow_share(np.array(counts), steps * per_batch, steps), rel=1e-9)
    assert share.sum() == pytest.approx(steps * per_batch)


@settings(deadline=None, max_examples=30)
@given(counts_of, per_batch_of, images_each_of, st.lists(st.integers(0, 8), min_size=1, max_size=6), st.integers(0, 5))
def test_epoch_is_a_pure_function(counts, per_batch, images_each, asked, seed) -> None:
    """Law 4: whatever was asked before, epoch e has the batches that a new sampler gives for it."""
    labels = _shuffled(counts, seed)
    if _drawable(counts) < per_batch:
        return
    sampler = _sampler(labels, per_batch, images_each, seed)
    for epoch in asked:
        fresh = _sampler(labels, per_batch, images_each, seed)

        assert (sampler.epoch(epoch) == fresh.epoch(epoch)).all()


def test_seeds_streams_and_epochs_differ() -> None:
    """Different seeds, streams and epochs give different batches, equal ones the same."""
    labels = np.repeat(np.arange(40), 6)

    def draw(seed: int, stream: tuple[int, int], epoch: int) -> bytes:
        sampler = IdentityBalancedSampler(labels, per_batch=8, images_each=3, seed=seed, stream=stream)
        return sampler.epoch(epoch).tobytes()

    positions = [(seed, stream, epoch) for seed in (0, 1) for stream in ((0, 0), (0, 1), (1, 0)) for epoch in (0, 1)]
    assert len({draw(*position) for position in positions}) == len(positions)
    assert draw(0, (0, 1), 1) == draw(0, (0, 1), 1)


@settings(deadline=2000, max_examples=60)
@given(counts_of, st.integers(1, 40), st.integers(2, 40), st.integers(1, 60))
def test_never_waits_for_what_cannot_be(counts, per_batch, images_each, steps) -> None:
    """C6: whatever P, K and the number of images are, a sampler finishes at once or says what is missing."""
    labels = _shuffled(counts, 0)
    if _drawable(counts) < per_batch:
        with pytest.raises(DataError, match=f"needs {per_batch} identities .* there are {_drawable(counts)}"):
            _sampler(labels, per_batch, images_each)
        return
    sampler = IdentityBalancedSampler(labels, per_batch=per_batch, images_each=images_each, seed=0, steps=steps)

    assert sampler.epoch(2).shape == (steps, per_batch * images_each)


@pytest.mark.parametrize("labels", [[], [-1, -1, -1, -1], [4], [1, 2, 3]])
def test_nothing_to_draw_from_is_an_error(labels) -> None:
    """C6, A1: no images, only junk, or only single images: an error with both numbers, not an endless loop."""
    with pytest.raises(DataError, match="needs 2 identities with at least two images each, and there are 0"):
        _sampler(np.array(labels, dtype=np.int64), 2, 2)


def test_junk_and_single_images_are_left_out_and_counted() -> None:
    """Images with a negative identity and identities with one image are never drawn; `left_out` counts the latter."""
    labels = np.array([-1, 0, 0, 1, 2, 2, -1, 3, 3, 4])
    sampler = _sampler(labels, 2, 2)
    drawn = set(np.concatenate([sampler.epoch(epoch).ravel() for epoch in range(10)]).tolist())

    assert drawn == {1, 2, 4, 5, 7, 8}
    assert sampler.left_out == 2


def test_an_epoch_sees_as_many_images_as_there_are() -> None:
    """Without `steps` an epoch has ceil(images / batch) batches, and every image is seen about once."""
    labels = np.repeat(np.arange(50), 7)
    sampler = _sampler(labels, 5, 4)

    assert sampler.steps == 18
    assert np.bincount(sampler.epoch(0).ravel(), minlength=350).max() <= 2


def test_identities_meet_many_others_in_an_epoch() -> None:
    """An identity that appears several times in an epoch meets other negatives each time, about as many different ones
    as if every batch drew its identities at random."""
    identities, each, per_batch = 200, 20, 10
    sampler = _sampler(np.repeat(np.arange(identities), each), per_batch, 4)
    batches = np.repeat(np.arange(identities), each)[sampler.epoch(0)][:, ::4]
    met = np.zeros((identities, identities), dtype=bool)
    for batch in batches:
        met[np.ix_(batch, batch)] = True
    appearances = each // 4
    at_random = (identities - 1) * (1 - (1 - (per_batch - 1) / (identities - 1)) ** appearances)

    assert met.sum(axis=1).mean() - 1 > 0.95 * at_random


def test_an_epoch_of_vehicleid_takes_no_time() -> None:
    """113,346 images of 13,164 identities: an epoch's batches in under 0.3 s."""
    random = np.random.default_rng(0)
    counts = 2 + random.multinomial(113346 - 2 * 13164, random.dirichlet(np.full(13164, 0.8)))
    sampler = _sampler(np.repeat(np.arange(13164), counts), 20, 4)
    seconds = []
    for epoch in range(3):
        started = time.perf_counter()
        sampler.epoch(epoch)
        seconds.append(time.perf_counter() - started)

    assert min(seconds) < 0.3
