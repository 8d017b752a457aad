"""FAULTS F1 to F9: whatever the features and identities are, learners get clusters that they can train on, or an error
that names what is wrong. (F10, a run killed while it divides, belongs to the tests of resuming.)"""

import clouds
import faiss
import numpy as np
import pytest
from clouds import Floats, Integers, fours
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from reid.errors import ConfigError, DataError, ReidError, ShapeError
from reid.train.divider import Divider
from reid.train.division import Division

ROUNDS = [(None, 4), (Division.whole(fours(80)), 2)]
"""A flat round and one of halves: the division before, and K."""


def _rounds(divider: Divider, features: Floats, identities: Integers) -> list[Division]:
    """Whole, halves, quarters, eighths, and flat once more."""
    divisions: list[Division] = []
    for number, learners in enumerate((1, 2, 4, 8, 8)):
        previous = divisions[-1] if divisions else None
        divisions.append(divider.round(features.copy, identities, number, previous, learners))
    return divisions


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("bad", [1, 2, 5, 6, 79, 80])
@pytest.mark.parametrize(("previous", "learners"), ROUNDS)
def test_f1_images_without_usable_features_are_named(value, bad, previous, learners) -> None:
    """F1: one image to all of them with NaN or infinity, in either kind of round: counted, the first five by name."""
    features, _ = clouds.clouds(4, 20)
    rows = np.sort(np.random.default_rng(bad).permutation(80)[:bad])
    features[rows, bad % 8] = value
    names = [f"car/{number:04d}.jpg" for number in range(80)]
    with pytest.raises(ShapeError) as caught:
        Divider(4, 2, 0).round(features.copy, fours(80), 0, previous, learners, names)
    message = str(caught.value)

    assert message.startswith(f"features of {bad} of 80 images hold NaN, infinity")
    assert all(names[row] in message for row in rows[:5])
    assert message.count(".jpg") == min(bad, 5)


@pytest.mark.parametrize("exponent", range(39))
@pytest.mark.parametrize("all_rows", [True, False])
def test_f2_no_size_of_a_value_ends_the_process(exponent: int, all_rows: bool) -> None:
    """F2: up to 1e14 rows are scaled and divided as ever, from 1e15 on they are refused; faiss never sees the value."""
    features, cloud = clouds.clouds(4, 20)
    rows = slice(None) if all_rows else slice(7, 8)
    features[rows] *= np.float32(10.0**exponent) / np.abs(features[rows]).max()
    divider = Divider(4, 2, 0)
    if exponent >= 15:
        with pytest.raises(ShapeError, match=r"values beyond 1e\+15: row"):
            divider.divide(features, fours(80), 0, None)
        return
    division = divider.divide(features, fours(80), 0, None)

    in_force = division.clusters >= 0
    assert len(set(zip(division.clusters[in_force].tolist(), cloud[in_force].tolist(), strict=True))) == 4


@pytest.mark.parametrize(
    ("images", "learners", "error", "code", "message"),
    [
        (0, 2, DataError, 65, "0 images cannot be divided into 2 clusters"),
        (0, 1, DataError, 65, "0 images cannot be divided into 1 clusters"),
        (7, 8, DataError, 65, "7 images cannot be divided into 8 clusters; lower division.learners"),
        (8, 8, None, 0, ""),
        (8, 7, None, 0, ""),
        (8, 1, None, 0, ""),
        (8, 0, ConfigError, 78, "8 images cannot be divided into 0 clusters"),
        (8, -3, ConfigError, 78, "8 images cannot be divided into -3 clusters"),
        (4, 2, DataError, 65, "a batch needs 2 identities with at least two images each, and there are 1"),
    ],
)
@pytest.mark.parametrize("partition", ["kmeans", "random"])
def test_f3_numbers_of_images_and_clusters(images, learners, error, code, message, partition) -> None:
    """F3: more clusters than images and no clusters at all are errors with both numbers; else there is a division."""
    features = np.random.default_rng(0).standard_normal((images, 4)).astype(np.float32)
    divider = Divider(8, 2, 0, partition)
    if error is None:
        division = divider.round(features.copy, fours(images), 0, None, learners)
        clouds.check_valid(division, fours(images), 2)
        return
    with pytest.raises(ReidError) as caught:
        divider.round(features.copy, fours(images), 0, None, learners)
    assert (type(caught.value), caught.value.exit_code) == (error, code)
    assert message in str(caught.value)


COLLAPSED = {
    "one point": np.ones((80, 8)),
    "three points": np.eye(8)[np.arange(80) % 3],
    "one point but for rounding": 1 + 1e-7 * np.random.default_rng(0).standard_normal((80, 8)),
    "one point and one image elsewhere": np.eye(8)[(np.arange(80) == 33).astype(int)],
    "zeros": np.zeros((80, 8)),
    "zeros but for one cloud": np.eye(8)[np.zeros(80, dtype=int)] * (np.arange(80) < 40)[:, np.newaxis],
    "a few zeros": np.where(np.arange(80)[:, np.newaxis] % 9, np.random.default_rng(0).standard_normal((80, 8)), 0),
}


@pytest.mark.parametrize("unit", ["image", "identity"])
@pytest.mark.parametrize("which", COLLAPSED)
def test_f4_f5_collapsed_features_leave_learners_out(which: str, unit: str) -> None:
    """F4, F5: with fewer different points than clusters, and with rows of zeros, the images go to clusters that can
    train; whoever has none is idle, in every round; and where all points are one, no seed is tried in vain."""
    divisions = _rounds(Divider(8, 3, 0, unit=unit), COLLAPSED[which].astype(np.float32), fours(80))
    points = len(np.unique(COLLAPSED[which].astype(np.float32), axis=0))

    for previous, division in zip([None, *divisions], divisions, strict=False):
        clouds.check_valid(division, fours(80), 3)
        assert len(division.active()) <= points
        assert division.retries == 0 or points > 1
        if previous is not None and division.learners == 2 * previous.learners:
            clouds.check_halves(previous, division)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(1, 7), min_size=4, max_size=16),
    st.integers(2, 5),
    st.integers(2, 6),
    st.sampled_from([(p, u) for p in ("kmeans", "random") for u in ("image", "identity")]),
    st.integers(0, 1000),
)
def test_f6_no_cluster_has_too_few_identities(counts, needed, learners, manner, seed) -> None:
    """F6: whatever the identities are, each cluster can fill a batch, or there is an error before anything is done."""
    identities = np.repeat(np.arange(len(counts)), counts)
    features = np.random.default_rng(seed).standard_normal((len(identities), 4)).astype(np.float32)
    divider = Divider(learners, needed, seed, *manner, iterations=3, restarts=1)
    if sum(count >= 2 for count in counts) < needed or len(identities) < learners:
        with pytest.raises(DataError):
            divider.divide(features, identities, 0, None)
        return
    clouds.check_valid(divider.divide(features, identities, 0, None), identities, needed)


def test_f7_an_identity_can_be_in_several_clusters_or_be_kept_whole() -> None:
    """F7: by images an identity that looks two ways is in two clusters; `unit: identity` keeps every one whole."""
    features, cloud = clouds.clouds(4, 40)
    identities = np.empty(160, dtype=np.int64)
    identities[np.argsort(cloud, kind="stable")] = np.arange(160) % 20  # two images of each in every cloud

    def spread(unit: str) -> list[int]:
        clusters = _rounds(Divider(8, 2, 0, unit=unit), features, identities)[2].clusters
        return [len(set(clusters[identities == identity].tolist())) for identity in range(20)]

    assert spread("image") == [4] * 20
    assert spread("identity") == [1] * 20


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 8), st.integers(0, 1000))
def test_f8_permuted_clusters_get_their_names_back(learners: int, seed: int) -> None:
    """F8: an unchanged partition is found again under any renaming of the round before, also by another seed."""
    features, cloud = clouds.clouds(learners, 20, seed=seed, spread=0.02)
    identities = np.empty_like(cloud)
    identities[np.argsort(cloud, kind="stable")] = fours(len(cloud))
    divider = Divider(learners, 2, seed, restarts=10)
    first = divider.divide(features, identities, 0, None)
    names = np.random.default_rng(seed).permutation(learners)
    again = divider.divide(features, identities, 1, Division(names[first.clusters], learners))

    assert (again.clusters == names[first.clusters]).all()


def test_f9_threads_do_not_matter() -> None:
    """F9: with one thread and with two, the same clusters in every round."""
    features = np.random.default_rng(0).standard_normal((1500, 64)).astype(np.float32)
    before, found = faiss.omp_get_max_threads(), []
    for threads in (1, 2):
        faiss.omp_set_num_threads(threads)
        with threadpool_limits(threads, user_api="blas"):
            rounds = _rounds(Divider(8, 2, 3, iterations=4, restarts=2), features, fours(1500))
        found.append([division.clusters.tobytes() for division in rounds])
    faiss.omp_set_num_threads(before)

    assert found[0] == found[1]
    assert len(set(found[0])) == 5


@pytest.mark.parametrize("partition", ["kmeans", "random"])
def test_f9_nothing_but_seed_round_and_data_matters(partition: str) -> None:
    """F9: the same divisions again, also from another object and between other ones; another seed gives others."""
    features = np.random.default_rng(0).standard_normal((400, 8)).astype(np.float32)

    def clusters(seed: int) -> list[bytes]:
        divider = Divider(8, 2, seed, partition, iterations=5, restarts=2)
        return [division.clusters.tobytes() for division in _rounds(divider, features, fours(400))]

    first, other = clusters(0), clusters(1)
    assert clusters(0) == first
    assert all(a != b for a, b in zip(first[1:], other[1:], strict=True))
