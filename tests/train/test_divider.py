"""Divisions from round to round: whole, in halves and flat (METHOD section 2)."""

import tracemalloc
from collections.abc import Callable

import clouds
import numpy as np
import pytest
from clouds import Floats, Integers, fours
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import DataError
from reid.train import feature_rows
from reid.train.divider import Divider
from reid.train.division import OUT, Division

manners = st.sampled_from([(p, u) for p in ("kmeans", "random") for u in ("image", "identity")])
doubling = (1, 2, 4, 8, 8)


@st.composite
def training_sets(draw: st.DrawFn) -> tuple[Integers, list[Floats], int]:
    """Identities in random order, features that change from round to round, and P."""
    counts = draw(st.lists(st.integers(1, 8), min_size=6, max_size=20).filter(lambda c: sum(n >= 2 for n in c) >= 4))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    identities = random.permutation(np.repeat(np.arange(len(counts)), counts))
    steady = random.standard_normal((len(counts), 4))[identities] * draw(st.sampled_from([0, 2]))
    steady += random.standard_normal(steady.shape)
    rounds = [(steady + 0.3 * random.standard_normal(steady.shape)).astype(np.float32) for _ in doubling]
    return identities, rounds, draw(st.integers(2, 4))


def _given(features: Floats) -> Callable[[], Floats]:
    return features.copy


def _never() -> Floats:
    pytest.fail("features are not needed")


@settings(deadline=None, max_examples=60)
@given(training_sets(), manners, st.integers(0, 1000))
def test_every_round_of_a_doubling_schedule_can_be_trained_on(training_set, manner, seed) -> None:
    """METHOD 2.4 to 2.6, F6, F7: every cluster fills batches, whatever the identities are; merging children gives back
    the parents; who was merged is recorded; and `unit: identity` keeps identities whole."""
    (identities, rounds, needed), (partition, unit) = training_set, manner
    divider = Divider(8, needed, seed, partition, unit, iterations=3, restarts=2)
    previous = None
    for number, (learners, features) in enumerate(zip(doubling, rounds, strict=True)):
        division = divider.round(_given(features), identities, number, previous, learners)

        assert division.learners == learners
        clouds.check_valid(division, identities, needed)
        if previous is not None and learners == 2 * previous.learners:
            clouds.check_halves(previous, division)
        if unit == "identity":
            of = {identity: set(division.clusters[identities == identity].tolist()) for identity in set(identities)}
            assert all(len(clusters) == 1 for clusters in of.values())
            assert all((of[i] == {OUT}) == ((identities == i).sum() == 1) for i in of)
        previous = division


@settings(deadline=None, max_examples=40)
@given(training_sets(), st.sampled_from(["image", "identity"]), st.integers(0, 1000))
def test_the_order_of_the_images_does_not_matter(training_set, unit, seed) -> None:
    """In whatever order the images are listed, each gets the same cluster, to the last of them, in every round."""
    identities, rounds, needed = training_set
    divider = Divider(8, needed, seed, unit=unit, iterations=3, restarts=2)
    order = np.random.default_rng(seed).permutation(len(identities))
    previous = shuffled = None
    for number, (learners, features) in enumerate(zip(doubling, rounds, strict=True)):
        previous = divider.round(_given(features), identities, number, previous, learners)
        shuffled = divider.round(_given(features[order]), identities[order], number, shuffled, learners)

        assert (shuffled.clusters == previous.clusters[order]).all()
        assert (shuffled.merged, shuffled.retries) == (previous.merged, previous.retries)


@settings(deadline=None, max_examples=30)
@given(training_sets(), manners, st.integers(0, 1000))
def test_the_scale_of_features_does_not_matter(training_set, manner, seed) -> None:
    """Every row longer or shorter by any power of two: the same divisions."""
    (identities, rounds, needed), (partition, unit) = training_set, manner
    divider = Divider(8, needed, seed, partition, unit, iterations=3, restarts=2)
    longer = np.float32(2.0) ** np.random.default_rng(seed).integers(-40, 40, (len(identities), 1))
    first = scaled = Division.whole(identities)
    for number, learners in enumerate((2, 4, 4)):
        first = divider.round(_given(rounds[number]), identities, number, first, learners)
        scaled = divider.round(_given(rounds[number] * longer), identities, number, scaled, learners)

        assert (first.clusters == scaled.clusters).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 6), st.integers(0, 1000))
def test_an_unchanged_partition_keeps_its_names(learners: int, seed: int) -> None:
    """F8: clouds that stay get the names they had, whatever names another round's k-means gave them."""
    features, cloud = clouds.clouds(learners, 24, seed=seed)
    named = np.random.default_rng(seed).permutation(learners)[cloud]
    identities = np.empty_like(cloud)
    identities[np.argsort(cloud, kind="stable")] = fours(len(cloud))
    division = Divider(learners, 2, seed, restarts=10).divide(features, identities, 5, Division(named, learners))

    assert (division.clusters == named).all()


def test_names_stay_from_round_to_round() -> None:
    """The same clouds keep their cluster's name over rounds with other seeds, and after some points moved."""
    features, cloud = clouds.clouds(6, 40)
    divider = Divider(6, 2, seed=0)
    division = divider.divide(features, fours(240), 0, None)
    of_cloud = [int(np.bincount(division.clusters[(cloud == c) & (division.clusters >= 0)]).argmax()) for c in range(6)]
    for number in range(1, 6):
        moved, _ = clouds.clouds(6, 40, spread=0.1)
        division = divider.divide(moved, fours(240), number, division)
        in_force = division.clusters >= 0

        assert (division.clusters[in_force] == np.array(of_cloud)[cloud[in_force]]).all()


def test_halves_are_found_where_they_are() -> None:
    """Two pairs of near clouds: first the pairs are found, then the clouds in each; those who sat out come along."""
    random = np.random.default_rng(0)
    cloud = np.repeat(np.arange(4), 40)
    corners = np.array([[1, 0.3, 0], [1, -0.3, 0], [-1, 0, 0.3], [-1, 0, -0.3]])
    features = (corners[cloud] + 0.02 * random.standard_normal((160, 3))).astype(np.float32)
    identities = fours(160)
    divider = Divider(4, 2, seed=0)
    pairs = divider.round(_given(features), identities, 1, divider.round(_never, identities, 0, None, 1), 2)
    away = Division(np.where(np.arange(160) % 40 == 0, OUT, pairs.clusters), 2)
    fourths = divider.round(_given(features), identities, 2, away, 4)

    assert len(set(zip((cloud // 2).tolist(), pairs.clusters.tolist(), strict=True))) == 2
    assert len(set(zip(cloud.tolist(), fourths.clusters.tolist(), strict=True))) == 4
    assert fourths.sitting_out() == pairs.sitting_out() == 0
    clouds.check_halves(pairs, fourths)


def test_what_cannot_be_halved_stays_in_the_even_child() -> None:
    """Four identities fill one batch of three, not two: the cluster goes on as 2c, next to it is nothing, and its
    children are empty from then on."""
    features, cloud = clouds.clouds(2, 48)
    features[cloud == 1], identities = features[cloud == 1][0], np.where(cloud == 0, 0, 100)
    for side in (0, 1):
        identities[cloud == side] += np.arange(48) // 4
    previous = Division(cloud, 2)
    division = Divider(4, 3, 0).bisect(features.copy(), identities, 1, previous)
    later = Divider(8, 3, 0).bisect(features.copy(), identities, 2, division)

    assert division.merged == ((3, 2),)
    assert (division.clusters[cloud == 1] == 2).all()
    assert division.idle() == [3]
    assert (5, 4) in later.merged
    assert {5, 6, 7} <= set(later.idle())
    clouds.check_halves(division, later)


def test_a_parent_that_fills_no_batch_is_merged_after_all() -> None:
    """Where P has grown since, there is no sibling to merge with: the nearest cluster takes the images."""
    features, cloud = clouds.clouds(2, 40)
    identities = np.where(cloud == 0, np.arange(80) // 4, np.where(np.arange(80) % 2, 50, 51))
    division = Divider(4, 4, 0).bisect(features, identities, 1, Division(cloud, 2))

    clouds.check_valid(division, identities, 4)
    assert {from_ for from_, _ in division.merged} == {2, 3}


def test_children_at_random_are_balanced() -> None:
    """The control halves every cluster, and deals those who sat out to all; nobody looks at features."""
    identities = np.repeat(np.arange(50), 8)
    divider = Divider(8, 2, 0, partition="random")
    previous = None
    for number, learners in enumerate(doubling):
        division = divider.round(_never, identities, number, previous, learners)
        assert np.ptp(division.sizes()) <= 1 + division.sitting_out() + (0 if previous is None else 2)
        previous = division


@pytest.mark.parametrize("unit", ["image", "identity"])
def test_random_divisions_are_balanced_and_seeded(unit: str) -> None:
    """Clusters of equal size up to one unit, new in every round, a function of seed and round."""
    identities = np.repeat(np.arange(41), 6)

    def divide(seed: int, number: int) -> Division:
        return Divider(4, 2, seed, partition="random", unit=unit).divide(None, identities, number, None)

    division = divide(0, 0)
    assert np.ptp(division.sizes()) <= (6 if unit == "identity" else 1 + division.sitting_out())
    assert division.sizes().sum() + division.sitting_out() == len(identities)
    assert (division.clusters == divide(0, 0).clusters).all()
    assert len({divide(seed, number).clusters.tobytes() for seed in (0, 1) for number in (0, 1)}) == 4


def test_a_round_asks_for_features_once_where_it_needs_them() -> None:
    """Not for one learner, and never for a random partition."""
    features, asked = np.random.default_rng(0).standard_normal((80, 4)).astype(np.float32), []

    def draw() -> Floats:
        asked.append(1)
        return features

    divider = Divider(4, 2, 0)
    whole = divider.round(draw, fours(80), 0, None, 1)
    assert not asked
    halves = divider.round(draw, fours(80), 1, whole, 2)
    divider.round(draw, fours(80), 2, halves, 2)
    assert len(asked) == 2


@pytest.mark.parametrize("learners", [4, 8, 3])
def test_rounds_without_a_parent_are_flat(learners: int) -> None:
    """A run that goes on with other data, or has other numbers of learners than before: k-means, as in a first round."""
    features, _ = clouds.clouds(4, 40, spread=0.4)
    divider = Divider(16, 2, 0)
    afresh = divider.round(_given(features), fours(160), 3, None, learners)
    after_one = divider.round(_given(features), fours(160), 3, Division.whole(fours(160)), learners)

    assert (afresh.clusters == after_one.clusters).all()
    flat = Divider(learners, 2, 0).divide(features.copy(), fours(160), 3, None)
    assert (afresh.clusters == flat.clusters).all()


@pytest.mark.parametrize("learners", [1, 2, 4])
def test_too_few_identities_are_named_before_features_are_drawn(learners: int) -> None:
    """The error of F3 comes before minutes of work, in any kind of round."""
    with pytest.raises(DataError, match="a batch needs 21 identities with at least two images each, and there are 20"):
        Divider(8, 21, 0).round(_never, fours(80), 0, Division.whole(fours(80)), learners)


def test_merged_clusters_keep_the_names_of_the_round_before() -> None:
    """A far group of one identity is merged with the nearest, and that is recorded in the names after matching."""
    random = np.random.default_rng(0)
    centres = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
    cloud = np.repeat([0, 1, 2], [20, 20, 4])
    features = (centres[cloud] + 0.02 * random.standard_normal((44, 3))).astype(np.float32)
    previous = Division(np.array([2, 0, 1])[cloud], 3)
    division = Divider(3, 4, 0, unit="identity").divide(features, fours(44), 1, previous)

    assert division.merged == ((1, 2),)
    assert (division.clusters == np.array([2, 0, 2])[cloud]).all()


def test_units_of_identities_go_to_the_cluster_of_their_mean() -> None:
    """`unit: identity`: an identity with one stray image goes whole to where most of it is."""
    features, cloud = clouds.clouds(3, 40)
    features = features[np.argsort(cloud, kind="stable")]
    features[0] = features[60]
    division = Divider(3, 2, 0, unit="identity").divide(features, fours(120), 0, None)

    assert division.clusters[0] == division.clusters[1] == division.clusters[39]
    assert division.sizes().tolist() == [40, 40, 40]


@pytest.mark.parametrize("unit", ["image", "identity"])
def test_large_sets_are_not_copied(monkeypatch: pytest.MonkeyPatch, unit: str) -> None:
    """Dividing, flat, in halves and with merging, takes some blocks of memory beside the features and a few numbers an
    image, and leaves the rows where they stood."""
    monkeypatch.setattr(feature_rows, "_BLOCK", 2**16)
    identities = np.arange(2**13) // 4
    features = np.random.default_rng(0).standard_normal((2**13, 512), dtype=np.float32)
    first = features[:5] / np.linalg.norm(features[:5], axis=1, keepdims=True)
    divider = Divider(4, 3, 0, unit=unit, iterations=1, restarts=1)
    tracemalloc.start()
    try:
        halves = divider.round(lambda: features, identities, 0, Division.whole(identities), 2)
        divider.round(lambda: features, identities, 1, halves, 4)
        divider.round(lambda: features, identities, 2, None, 4)
        Divider(3, 1500, 0, unit="identity", iterations=1, restarts=1).divide(features, identities, 3, None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < features.nbytes / 5
    assert features[:5] == pytest.approx(first, abs=1e-6)
