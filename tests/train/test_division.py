"""Divisions: names that stay, and images that sit out."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from reid.train.division import OUT, Division, matching, pairs, without_singles

Integers = NDArray[np.int64]
occurrences = st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 5)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 9), st.integers(0, 10**6), st.floats(0, 0.5))
def test_any_relabelling_of_an_unchanged_partition_is_undone(learners: int, seed: int, out: float) -> None:
    """METHOD 2.3, F8: whatever the new names are, matching brings the old ones back; images at -1 do not matter."""
    random = np.random.default_rng(seed)
    old = random.integers(0, learners, 60)
    relabelled = random.permutation(learners)[old]
    previous = np.where(random.random(60) < out, OUT, old)
    names = matching(previous, relabelled, learners)

    assert sorted(names.tolist()) == list(range(learners))
    counted = np.isin(old, previous[previous >= 0])
    assert (names[relabelled] == old)[counted].all()


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5), st.integers(0, 10**6))
def test_matching_keeps_as_many_images_as_any_renaming_can(learners: int, seed: int) -> None:
    """The number of images that keep their name is the largest over all permutations."""
    random = np.random.default_rng(seed)
    previous, new = random.integers(OUT, learners, 40), random.integers(0, learners, 40)

    def kept(names: Integers) -> int:
        return int(((names[new] == previous) & (previous >= 0)).sum())

    best = max(kept(np.array(names)) for names in itertools.permutations(range(learners)))
    assert kept(matching(previous, new, learners)) == best


@settings(deadline=None, max_examples=50)
@given(occurrences)
def test_single_images_of_an_identity_in_a_cluster_sit_out(found: list[tuple[int, int]]) -> None:
    """METHOD 2.6: -1 for exactly those images whose identity has no other in the same cluster."""
    labels, identities = (np.array(column, dtype=np.int64) for column in zip(*found, strict=True))
    wanted = [label if found.count((label, identity)) > 1 else OUT for label, identity in found]

    assert without_singles(labels, identities).tolist() == wanted


@settings(deadline=None, max_examples=50)
@given(occurrences)
def test_pairs_are_counted(found: list[tuple[int, int]]) -> None:
    """Every pair of label and identity once, with its label, its images and how many these are."""
    labels, identities = (np.array(column, dtype=np.int64) for column in zip(*found, strict=True))
    of_pair, pair, counts = pairs(labels, identities)

    assert len(of_pair) == len(counts) == len(set(found))
    assert of_pair[pair].tolist() == labels.tolist()
    assert counts[pair].tolist() == [found.count(item) for item in found]


def test_one_learner_has_all_images_that_have_a_mate() -> None:
    """K = 1: only identities with a single image sit out."""
    division = Division.whole(np.array([7, 3, 7, 9, 3, 3]))

    assert division.clusters.tolist() == [0, 0, 0, OUT, 0, 0]
    assert (division.learners, division.merged, division.retries) == (1, (), 0)


@pytest.mark.parametrize("learners", [1, 4])
def test_what_a_division_tells_of_itself(learners: int) -> None:
    """Sizes without those that sit out, how many do, which clusters have images and which have none."""
    division = Division(np.minimum([2, 2, OUT, 0, 2, OUT], learners - 1), learners)

    assert division.sizes().tolist() == ([4] if learners == 1 else [1, 0, 3, 0])
    assert division.sitting_out() == 2
    assert division.active() == ([0] if learners == 1 else [0, 2])
    assert division.idle() == ([] if learners == 1 else [1, 3])
