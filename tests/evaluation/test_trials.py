"""Trials that share one product."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.distances import CosineDistances, MatrixDistances
from reid.evaluation.matches import Labels
from reid.evaluation.ranking import MatchRanks, rank_matches
from reid.evaluation.trials import rank_trials


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def drawn(seed: int, images: int, identities: int, spread: float) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Vectors, identities (junk among them) and three galleries of one image of each identity."""
    draw = generator(seed)
    vectors = 1 + spread * draw.standard_normal((images, 6))
    vectors[draw.integers(0, images, 5)] = vectors[0]
    labels = np.concatenate([np.arange(identities), draw.integers(-1, identities, images - identities)])
    members = [np.flatnonzero(labels == identity) for identity in range(identities)]
    galleries = [np.array([draw.choice(rows) for rows in members]) for _ in range(3)]
    return vectors.astype(np.float32), labels, galleries


def same(left: MatchRanks, right: MatchRanks) -> bool:
    names = ("ranks", "matches", "asked", "counted", "taken_out", "ties")
    return left.junk == right.junk and all(np.array_equal(getattr(left, n), getattr(right, n)) for n in names)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 10**6),
    st.integers(1, 9),
    st.sampled_from([0.0, 1e-6, 1e-3, 1.0]),
    st.sampled_from([1, 1500, 2**30]),
)
def test_each_trial_is_a_ranking_of_its_own(seed: int, identities: int, spread: float, memory: int) -> None:
    """What is shared changes nothing: from equal to different vectors, junk among the images, in one tile and many."""
    vectors, labels, galleries = drawn(seed, 30, identities, spread)
    every = CosineDistances(vectors, vectors)
    for number in (1, 3):
        trials = zip(galleries, rank_trials(every, Labels(labels), galleries[:number], memory=memory), strict=False)
        for rows, found in trials:
            asked = labels != -1
            asked[rows] = False
            expected = rank_matches(every.select_gallery(rows), Labels(labels), Labels(labels[rows]), asked=asked)
            assert same(found, expected)


@pytest.mark.parametrize("memory", [1, 5_000, 2**30])
def test_given_distances_and_blocks(memory: int) -> None:
    """Distances of a matrix are taken as they are; a block of any size does."""
    _, labels, galleries = drawn(3, 40, 6, 1.0)
    matrix = generator(4).integers(0, 9, (40, 40)).astype(np.float32)
    for rows, found in zip(
        galleries, rank_trials(MatrixDistances(matrix), Labels(labels), galleries, memory=memory), strict=True
    ):
        asked = labels != -1
        asked[rows] = False
        expected = rank_matches(MatrixDistances(matrix[:, rows]), Labels(labels), Labels(labels[rows]), asked=asked)
        assert same(found, expected)
