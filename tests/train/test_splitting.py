"""Splitting images into parts: k-means that is asked properly, further seeds, and parts of equal size at random."""

from typing import Any

import clouds
import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import ShapeError
from reid.evaluation.clustering import kmeans
from reid.train import splitting
from reid.train.feature_rows import unit_rows
from reid.train.splitting import MAX_RETRIES, Images, Splitter, balanced, in_order


def _splitter(needed: int, seed: int = 0, unit: str = "image", *, iterations: int = 20, restarts: int = 5) -> Splitter:
    return Splitter(needed, seed, unit, iterations, restarts)


def _images(features: clouds.Floats, identities: clouds.Integers) -> Images:
    with in_order(features, identities, np.zeros_like(identities)) as (images, _):
        return images._replace(features=None if images.features is None else images.features.copy())


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.integers(2, 30))
def test_the_order_of_images_depends_on_what_they_are(seed: int, count: int) -> None:
    """Groups side by side, and in each the same order of features however the images stood; then all is put back."""
    random = np.random.default_rng(seed)
    features = unit_rows(random.standard_normal((count, 3)).astype(np.float32))
    identities, groups = random.integers(0, 5, count), random.integers(-1, 3, count)
    shuffled = random.permutation(count)
    given_first, given_then = features.copy(), features[shuffled]
    with (
        in_order(given_first, identities, groups) as (first, came_from),
        in_order(given_then, identities[shuffled], groups[shuffled]) as (then, _),
    ):
        assert first.features is given_first
        assert (first.features == then.features).all()
        assert (first.features == features[came_from]).all()
        assert (first.identities == identities[came_from]).all()
        assert (np.diff(groups[came_from]) >= 0).all()
    assert (given_first == features).all()
    assert (given_then == features[shuffled]).all()


def test_order_returns_after_an_error() -> None:
    """An interrupted division leaves the features where they stood."""
    features = unit_rows(np.random.default_rng(0).standard_normal((9, 3)).astype(np.float32))
    before = features.copy()
    with pytest.raises(KeyboardInterrupt), in_order(features, np.arange(9), np.zeros(9, dtype=np.int64)):
        raise KeyboardInterrupt

    assert (features == before).all()


def test_features_of_other_images_are_refused() -> None:
    """As many rows as identities."""
    with pytest.raises(ShapeError, match="there are 3 rows of features and 4 identities"):
        _images(np.ones((3, 2), dtype=np.float32), np.arange(4))


def test_kmeans_finds_separated_clouds() -> None:
    """Every cloud is one part; the best restart is kept."""
    for seed in range(5):
        features, cloud = clouds.clouds(8, 30, seed=seed)
        split = _splitter(0, seed).split(Images(clouds.fours(240), unit_rows(features)), 8)

        assert len(set(zip(split.labels.tolist(), cloud.tolist(), strict=True))) == 8


class _Engines(list[Any]):
    """Every engine of faiss that was made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        engines = self

        class Spy(faiss.Kmeans):
            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, **options)
                engines.append(self)

        monkeypatch.setattr(faiss, "Kmeans", Spy)


def test_iterations_and_restarts_reach_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    """METHOD 9: niter and nredo are really passed, all points are used, and as many iterations are really run."""
    engines = _Engines(monkeypatch)
    features, _ = clouds.clouds(4, 50, spread=0.5)
    _splitter(2, 7, iterations=6, restarts=3).split(_images(features, clouds.fours(200)), 4, 0)
    (engine,) = engines

    assert (engine.cp.niter, engine.cp.nredo) == (6, 3)
    assert engine.cp.max_points_per_centroid * 4 >= 200
    assert not engine.cp.spherical
    assert len(engine.iteration_stats) % 6 == 0


def test_the_best_restart_is_kept() -> None:
    """More restarts from the same seed never fit worse, and on points without structure better."""
    features = unit_rows(np.random.default_rng(0).standard_normal((400, 8)).astype(np.float32))

    def misfit(restarts: int, seed: int) -> float:
        labels = kmeans(features, 8, iterations=10, restarts=restarts, seed=seed)
        return sum(float(np.square(features[labels == k] - features[labels == k].mean(axis=0)).sum()) for k in range(8))

    once, often = (np.array([misfit(restarts, seed) for seed in range(5)]) for restarts in (1, 10))
    assert (often <= once + 1e-3).all()
    assert often.sum() < once.sum()


def test_further_seeds_are_tried_from_one_beginning_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """METHOD 2.5: a partition that leaves a part too small is tried again, at most 30 times, each with a seed of its
    own."""
    engines = _Engines(monkeypatch)
    features, _ = clouds.clouds(3, 40, spread=0.01)
    identities = np.where(np.arange(120) < 8, np.arange(120) // 2, 4)  # one cloud cannot have two identities with pairs
    split = _splitter(2, restarts=4).split(_images(features, identities)._replace(projections=None), 2, 3)

    assert [engine.cp.nredo for engine in engines] == [4] + [1] * split.retries
    assert len({engine.cp.seed for engine in engines}) == split.retries + 1
    monkeypatch.setattr(splitting, "offending", lambda *_: [0])
    split = _splitter(2).split(_images(features, clouds.fours(120)), 2)
    assert (split.retries, split.valid) == (MAX_RETRIES, False)


def test_a_further_seed_can_succeed() -> None:
    """The first partition that is valid is taken: at random, identities of two images are seldom left together."""
    identities = np.arange(24) // 2
    splits = [_splitter(2, seed).split(Images(identities), 2, 0) for seed in range(20)]

    assert all(split.valid for split in splits)
    assert any(split.retries for split in splits)
    for split in splits:
        assert min(clouds.able(split.labels, identities).values()) >= 2


def test_what_cannot_be_is_not_tried_again() -> None:
    """Too few images or too few different ones for all parts, whatever the partition is: one attempt is enough."""
    features, _ = clouds.clouds(4, 20)
    few = _splitter(6, unit="identity").split(_images(features, clouds.fours(80)), 4)
    same = _splitter(2).split(_images(np.ones_like(features), clouds.fours(80)), 2)

    assert (few.valid, few.retries) == (same.valid, same.retries) == (False, 0)
    assert set(few.labels.tolist()) <= set(range(4))


@pytest.mark.parametrize("unit", ["image", "identity"])
@pytest.mark.parametrize("features", [True, False])
def test_seed_and_position_decide(unit: str, features: bool) -> None:
    """Equal arguments give equal parts, another seed or position other ones."""
    rows = np.random.default_rng(0).standard_normal((300, 16)).astype(np.float32)
    images = _images(rows, clouds.fours(300)) if features else Images(clouds.fours(300))

    def labels(seed: int, *position: int) -> bytes:
        return _splitter(2, seed, unit, restarts=1, iterations=5).split(images, 4, *position).labels.tobytes()

    assert labels(0, 0) == labels(0, 0)
    assert len({labels(0, 0), labels(1, 0), labels(0, 1), labels(0, 0, 1), labels(0, 1, 1)}) == 5


@pytest.mark.parametrize("unit", ["image", "identity"])
def test_a_random_partition_is_balanced(unit: str) -> None:
    """The control: parts differ by one image at most, or by one identity."""
    identities = np.repeat(np.arange(41), 6)
    split = _splitter(2, unit=unit).split(Images(identities), 4, 0)
    sizes = np.bincount(split.labels)

    assert np.ptp(sizes) == (1 if unit == "image" else 6)
    if unit == "identity":
        assert all(len(set(split.labels[identities == identity].tolist())) == 1 for identity in range(41))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 40), st.integers(1, 7), st.integers(0, 100))
def test_balanced_parts(count: int, parts: int, seed: int) -> None:
    """All parts, in sizes that differ by one at most."""
    sizes = np.bincount(balanced(count, parts, np.random.default_rng(seed)), minlength=parts)

    assert sizes.sum() == count
    assert np.ptp(sizes) <= 1
    assert len(sizes) == parts


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 5))
def test_whole_identities_go_to_the_centre_nearest_to_their_mean(seed: int, parts: int) -> None:
    """METHOD 2.6, F7: recomputed by a loop from the clusters of the images."""
    random = np.random.default_rng(seed)
    features = unit_rows(random.standard_normal((60, 4)).astype(np.float32))
    identities = random.integers(0, 12, 60)
    by_image = _splitter(0, seed, "image", restarts=1).split(Images(identities, features), parts).labels
    by_identity = _splitter(0, seed, "identity", restarts=1).split(Images(identities, features), parts).labels
    present = sorted(set(by_image.tolist()))
    centres = [features[by_image == part].astype(np.float64).mean(axis=0) for part in present]
    for identity in set(identities.tolist()):
        mean = features[identities == identity].astype(np.float64).mean(axis=0)
        apart = [float(np.square(mean - centre).sum()) for centre in centres]
        (found,) = set(by_identity[identities == identity].tolist())

        assert apart[present.index(found)] == pytest.approx(min(apart), abs=1e-6)
