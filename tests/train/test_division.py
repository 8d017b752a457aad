"""Divisions: k-means that is asked properly, names that stay, and clusters that can fill a batch (FAULTS F)."""

import itertools
from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from reid.errors import DataError, ShapeError
from reid.evaluation.clustering import kmeans
from reid.train.division import OUT, Divider, Division, matching, unit_rows, without_singles

Integers, Floats = NDArray[np.int64], NDArray[np.float32]


def _clouds(clouds: int, each: int, *, width: int = 8, spread: float = 0.05, seed: int = 0) -> tuple[Floats, Integers]:
    """Well separated clouds of points in random order, and the cloud of each point."""
    random = np.random.default_rng(seed)
    cloud = random.permutation(np.repeat(np.arange(clouds), each))
    centres = np.linalg.qr(random.standard_normal((width, width)))[0][:clouds]
    return (centres[cloud] + spread * random.standard_normal((len(cloud), width))).astype(np.float32), cloud


def _pairs_of(points: int) -> Integers:
    """Identities of which each has four images."""
    return np.arange(points) // 4


def _able(clusters: Integers, identities: Integers) -> dict[int, int]:
    """For each cluster with images, the number of identities with at least two images in it, by a plain loop."""
    found: dict[int, int] = {}
    for cluster in sorted(set(clusters[clusters >= 0].tolist())):
        own = identities[clusters == cluster].tolist()
        found[cluster] = sum(own.count(identity) >= 2 for identity in set(own))
    return found


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


def test_names_stay_from_round_to_round() -> None:
    """The same clouds keep their cluster's name over rounds with other seeds, and after some points moved."""
    features, cloud = _clouds(6, 40)
    divider = Divider(6, 2, seed=0)
    division = divider.divide(features, _pairs_of(240), 0, None)
    of_cloud = [int(np.bincount(division.clusters[(cloud == c) & (division.clusters >= 0)]).argmax()) for c in range(6)]
    for number in range(1, 6):
        moved, _ = _clouds(6, 40, spread=0.1)
        division = divider.divide(moved, _pairs_of(240), number, division)
        in_force = division.clusters >= 0

        assert (division.clusters[in_force] == np.array(of_cloud)[cloud[in_force]]).all()


def test_kmeans_finds_separated_clouds() -> None:
    """Every cloud is one cluster; the best restart is kept."""
    for seed in range(5):
        features, cloud = _clouds(8, 30, seed=seed)
        labels = kmeans(features, 8, iterations=20, restarts=5, seed=seed)

        assert len(set(zip(labels.tolist(), cloud.tolist(), strict=True))) == 8


def test_iterations_and_restarts_reach_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    """METHOD 9: niter and nredo are really passed, all points are used, and as many iterations are really run."""
    engines: list[Any] = []

    class Spy(faiss.Kmeans):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            engines.append(self)

    monkeypatch.setattr(faiss, "Kmeans", Spy)
    features, _ = _clouds(4, 50, spread=0.5)
    Divider(4, 2, seed=7, iterations=6, restarts=3).divide(features, _pairs_of(200), 0, None)
    engine = engines[0]

    assert (engine.cp.niter, engine.cp.nredo) == (6, 3)
    assert engine.cp.max_points_per_centroid * 4 >= 200
    assert not engine.cp.spherical
    assert len(engine.iteration_stats) == 6


def test_the_best_restart_is_kept() -> None:
    """More restarts from the same seed never fit worse, and on points without structure better."""
    features = unit_rows(np.random.default_rng(0).standard_normal((400, 8)).astype(np.float32))

    def misfit(restarts: int, seed: int) -> float:
        labels = kmeans(features, 8, iterations=10, restarts=restarts, seed=seed)
        return sum(float(np.square(features[labels == k] - features[labels == k].mean(axis=0)).sum()) for k in range(8))

    once, often = (np.array([misfit(restarts, seed) for seed in range(5)]) for restarts in (1, 10))
    assert (often <= once + 1e-3).all()
    assert often.sum() < once.sum()


def test_seed_and_round_decide_the_clusters() -> None:
    """F9: equal arguments give equal divisions, another seed or round another k-means."""
    features = np.random.default_rng(0).standard_normal((300, 16)).astype(np.float32)

    def clusters(seed: int, number: int) -> bytes:
        return Divider(4, 2, seed, restarts=1).divide(features, _pairs_of(300), number, None).clusters.tobytes()

    assert clusters(0, 0) == clusters(0, 0)
    assert len({clusters(0, 0), clusters(1, 0), clusters(0, 1), clusters(1, 1)}) == 4


def test_the_number_of_threads_does_not_matter() -> None:
    """F9: k-means with one thread and with two gives the same clusters."""
    features = unit_rows(np.random.default_rng(0).standard_normal((3000, 64)).astype(np.float32))
    before, found = faiss.omp_get_max_threads(), []
    for threads in (1, 2):
        faiss.omp_set_num_threads(threads)
        found.append(kmeans(features, 8, iterations=5, restarts=2, seed=3))
    faiss.omp_set_num_threads(before)

    assert (found[0] == found[1]).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e16, 1e19, -1e30, 3e38])
@pytest.mark.parametrize("partition", ["kmeans", "random"])
def test_features_that_k_means_cannot_take_are_named(value: float, partition: str) -> None:
    """F1, F2: NaN, infinity and huge values are refused with their rows before faiss sees them."""
    features, _ = _clouds(2, 20)
    features[[3, 17], 5] = value
    with pytest.raises(ShapeError, match=r"2 feature rows hold NaN, infinity or values beyond 1e\+15, first \[3, 17\]"):
        Divider(2, 2, 0, partition=partition).divide(features, _pairs_of(40), 0, None)


@pytest.mark.parametrize("size", [1e-30, 1e-6, 1.0, 1e6, 1e14])
def test_the_length_of_a_feature_does_not_matter(size: float) -> None:
    """F2: rows are scaled to unit length, however long they were."""
    features, cloud = _clouds(4, 20)
    division = Divider(4, 2, 0).divide(features * np.float32(size), _pairs_of(80), 0, None)

    assert division.sitting_out() < 80
    if size > 1e-20:
        rows = division.clusters >= 0
        assert len(set(zip(division.clusters[rows].tolist(), cloud[rows].tolist(), strict=True))) == 4


def test_rows_are_scaled_to_unit_length() -> None:
    """Unit rows, zeros staying zeros, the argument untouched."""
    rows = np.array([[3.0, 4.0], [0.0, 0.0], [1e15 * 0.9, 0.0]], dtype=np.float32)
    before = rows.copy()

    assert unit_rows(rows) == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0], [1.0, 0.0]]))
    assert (rows == before).all()


@pytest.mark.parametrize("features", [np.ones((80, 8)), np.zeros((80, 8)), np.eye(8)[np.arange(80) % 3]])
def test_collapsed_features_leave_learners_out(features: NDArray[np.float64]) -> None:
    """F4, F5: with fewer different points than clusters the images go to clusters that can train; the others are empty,
    and the retries are counted."""
    division = Divider(8, 4, 0).divide(features.astype(np.float32), _pairs_of(80), 0, None)

    assert 1 <= len(division.active()) <= 3
    assert division.retries == 30
    assert division.sizes().sum() == 80 - division.sitting_out()
    assert min(_able(division.clusters, _pairs_of(80)).values()) >= 4


def test_more_learners_than_images_is_an_error() -> None:
    """F3: named with both numbers."""
    with pytest.raises(DataError, match=r"5 images cannot be divided into 8 clusters; lower division\.learners"):
        Divider(8, 2, 0).divide(np.ones((5, 4), dtype=np.float32), np.arange(5), 0, None)


def test_too_few_identities_for_one_batch_is_an_error() -> None:
    """Where not even all images together fill a batch, the error has both numbers."""
    features, _ = _clouds(2, 20)
    with pytest.raises(DataError, match="a batch needs 11 identities with at least two images each, and there are 10"):
        Divider(2, 11, 0).divide(features, _pairs_of(40), 0, None)


@settings(deadline=None, max_examples=30)
@given(
    st.integers(1, 5),
    st.integers(2, 4),
    st.lists(st.integers(1, 6), min_size=5, max_size=14),
    st.sampled_from([(p, u) for p in ("kmeans", "random") for u in ("image", "identity")]),
    st.integers(0, 1000),
)
def test_every_cluster_can_fill_a_batch(learners, needed, counts, manner, seed) -> None:
    """F6, METHOD 2.5: every cluster that has images holds enough identities with two images, no identity has a single
    image in it, and nobody sits out but for that. Otherwise it is an error."""
    identities = np.repeat(np.arange(len(counts)), counts)
    features = np.random.default_rng(seed).standard_normal((len(identities), 4)).astype(np.float32)
    partition, unit = manner
    divider = Divider(learners, needed, seed, partition=partition, unit=unit, iterations=3, restarts=1)
    if sum(count >= 2 for count in counts) < needed:
        with pytest.raises(DataError, match="a batch needs"):
            divider.divide(features, identities, 0, None)
        return
    division = divider.divide(features, identities, 0, None)

    able = _able(division.clusters, identities)
    assert able
    assert min(able.values()) >= needed
    assert list(able) == division.active()
    for cluster in able:
        own = identities[division.clusters == cluster].tolist()
        assert all(own.count(identity) >= 2 for identity in own)
    if unit == "identity":
        for identity, count in enumerate(counts):
            clusters = set(division.clusters[identities == identity].tolist())
            assert len(clusters) == 1
            assert (clusters == {OUT}) == (count == 1)


def test_a_cluster_that_is_too_small_goes_to_the_nearest() -> None:
    """A far group of one identity that k-means always finds is merged after 30 retries, and that is recorded."""
    random = np.random.default_rng(0)
    centres = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
    cloud = np.repeat([0, 1, 2], [40, 40, 4])
    features = (centres[cloud] + 0.02 * random.standard_normal((84, 3))).astype(np.float32)
    division = Divider(3, 5, 0).divide(features, _pairs_of(84), 0, None)
    ((small, nearest),) = division.merged

    assert division.retries == 30
    assert set(division.clusters[cloud == 2].tolist()) == set(division.clusters[cloud == 0].tolist()) == {nearest}
    assert division.sizes()[small] == 0
    assert sorted(division.sizes().tolist()) == [0, 40, 44]


def test_merged_clusters_keep_the_names_of_the_round_before() -> None:
    """The record of what was merged uses the names after matching."""
    random = np.random.default_rng(0)
    centres = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, 1.0]])
    cloud = np.repeat([0, 1, 2], [40, 40, 4])
    features = (centres[cloud] + 0.02 * random.standard_normal((84, 3))).astype(np.float32)
    previous = Division(np.array([2, 0, 1])[cloud], 3)
    division = Divider(3, 5, 0).divide(features, _pairs_of(84), 1, previous)

    assert division.merged == ((1, 2),)
    assert (division.clusters == np.array([2, 0, 2])[cloud]).all()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=40))
def test_single_images_of_an_identity_in_a_cluster_sit_out(pairs: list[tuple[int, int]]) -> None:
    """METHOD 2.6: -1 for exactly those images whose identity has no other in the same cluster."""
    labels, identities = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    wanted = [label if pairs.count((label, identity)) > 1 else OUT for label, identity in pairs]

    assert without_singles(labels, identities).tolist() == wanted


@pytest.mark.parametrize("unit", ["image", "identity"])
def test_random_partition_is_balanced_and_seeded(unit: str) -> None:
    """The control: clusters of equal size up to one unit, new in every round, a function of seed and round."""
    identities = np.repeat(np.arange(41), 6)
    features = np.ones((len(identities), 2), dtype=np.float32)

    def divide(seed: int, number: int) -> Division:
        divider = Divider(4, 2, seed, partition="random", unit=unit)
        return divider.divide(features, identities, number, None)

    division = divide(0, 0)
    counted = division.sizes() if unit == "identity" else division.sizes() + division.sitting_out()
    assert np.ptp(division.sizes()) <= (6 if unit == "identity" else 1 + division.sitting_out())
    assert counted.sum() >= len(identities)
    assert (division.clusters == divide(0, 0).clusters).all()
    assert len({divide(seed, number).clusters.tobytes() for seed in (0, 1) for number in (0, 1)}) == 4


def test_units_of_identities_go_to_the_cluster_of_their_mean() -> None:
    """`unit: identity`: an identity with one stray image goes whole to where most of it is."""
    features, cloud = _clouds(3, 40)
    order = np.argsort(cloud, kind="stable")
    features, identities = features[order], _pairs_of(120)
    features[0] = features[60]
    division = Divider(3, 2, 0, unit="identity").divide(features, identities, 0, None)

    assert division.clusters[0] == division.clusters[1] == division.clusters[39]
    assert division.sizes().tolist() == [40, 40, 40]


def test_what_cannot_be_is_not_tried_again() -> None:
    """Where there are too few images for all clusters whatever the division is, nothing is retried but merged at once."""
    features, _ = _clouds(4, 20)
    division = Divider(4, 6, 0, unit="identity").divide(features, _pairs_of(80), 0, None)

    assert division.retries == 0
    assert division.merged
    assert min(_able(division.clusters, _pairs_of(80)).values()) >= 6


def test_what_a_division_tells_of_itself() -> None:
    """Sizes without those that sit out, how many do, and which clusters have images."""
    division = Division(np.array([2, 2, OUT, 0, 2, OUT]), 4)

    assert division.sizes().tolist() == [1, 0, 3, 0]
    assert division.sitting_out() == 2
    assert division.active() == [0, 2]
