"""Every pair is counted once, and every best score is the best."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import drawn, embeddings

from reid import rng
from reid.errors import DataError
from reid.evaluation import pair_scan as module
from reid.evaluation.pair_scan import scan_pairs
from reid.evaluation.verification import BINS

POOL = np.concatenate([np.eye(4), -np.eye(4), np.array(np.meshgrid(*[[-0.5, 0.5]] * 4)).reshape(4, -1).T])
"""Vectors whose cosines are exact in any order of sums."""


def images_of(seed: int, number: int):
    """Images of exact vectors, of few identities and cameras, with junk and unknown cameras among them."""
    random = np.random.default_rng(seed)
    cameras = random.integers(-1, 3, number).tolist() if seed % 3 else None
    return embeddings(
        POOL[random.integers(0, len(POOL), number)], random.integers(-1, 4, number).tolist(), cameras, table=range(4)
    )


def pairs_of(images, chosen=None):
    """Scores of all matching and all other pairs, one after the other; `chosen`: one of a pair of two must be in it."""
    records, vectors = images.records, images.vectors
    names = records.identities.tolist()
    cameras = [-1] * len(names) if records.cameras is None else records.cameras.tolist()
    across, within, others = [], [], []
    for i in range(len(names)):
        for j in range(i):
            if -1 in (names[i], names[j]):
                continue
            score = float(vectors[i] @ vectors[j])
            if names[i] != names[j]:
                others += [score] if chosen is None or i in chosen or j in chosen else []
            elif cameras[i] != cameras[j] or cameras[i] == -1:
                across.append(score)
            else:
                within.append(score)
    return (across, others) if across else (within, others)


def binned(scores) -> dict[int, int]:
    """How many scores lie in each bin of distance."""
    return dict(Counter(min(BINS - 1, int((1 - score) * BINS / 2)) for score in scores))


def nonzero(counts) -> dict[int, int]:
    """The same of counted bins."""
    return {int(place): int(counts[place]) for place in np.flatnonzero(counts)}


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(8, 40), st.integers(1, 300))
def test_equals_a_double_loop(seed, number, block):
    """Pairs by distance, and the best score with each other identity, in blocks of any size."""
    images = images_of(seed, number)
    names = images.records.identities
    known = np.unique(names[names >= 0], return_counts=True)
    if len(known[0]) < 2 or known[1].max() < 2:
        with pytest.raises(DataError, match="two identities"):
            scan_pairs(images)
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        found = scan_pairs(images)
    matching, others = pairs_of(images)

    assert nonzero(found.pairs.matching) == binned(matching)
    assert nonzero(found.pairs.others) == binned(others)
    assert (found.identities, found.images) == (len(known[0]), int(known[1].sum()))
    wanted = [
        sorted(
            max(float(images.vectors[i] @ images.vectors[j]) for j in np.flatnonzero(names == other))
            for other in known[0]
            if other != names[i]
        )
        for i in np.argsort(names, kind="stable")
        if names[i] >= 0
    ]
    assert np.sort(found.best, axis=1).tolist() == wanted


@pytest.mark.parametrize("seed", range(3))
def test_some_images_drawn_by_chance(seed):
    """Of large sets: all matching pairs, the pairs of drawn images with all others once, and fewer best scores."""
    images = drawn(60, 8, seed=seed)
    order = np.argsort(images.records.identities, kind="stable")
    places = rng.generator(seed, "pairs").permutation(60)[:10]
    found = scan_pairs(images, seed=seed, most_pairs=600, most_best=5 * 8)
    every = scan_pairs(images, seed=seed)
    _, others = pairs_of(images, set(order[places].tolist()))

    assert (found.pairs.matching == every.pairs.matching).all()
    assert found.pairs.others.sum() == len(others)
    assert (found.pairs.others <= every.pairs.others).all()
    assert found.best.shape == (5, 7)
    assert (found.best == every.best[np.sort(places[:5])]).all()


def test_cameras_only_where_an_identity_was_seen_by_two():
    """Where all identities stay on one camera, or cameras are not known, all matching pairs count."""
    vectors, names = POOL[[0, 8, 1, 9]], ["a", "a", "b", "b"]
    for cameras, across, number in (
        ([1, 2, 1, 1], True, 1),
        ([1, 1, 2, 2], False, 2),
        ([-1, -1, -1, -1], False, 2),
        ([1, -1, 1, 1], True, 1),
        (None, False, 2),
    ):
        found = scan_pairs(embeddings(vectors, names, cameras))
        assert (found.across_cameras, found.pairs.matching.sum()) == (across, number)
        assert found.pairs.others.sum() == 4
