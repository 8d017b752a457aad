"""Rates over all pairs: counted in bins, equal to sorting all distances."""

import evaluation_oracles
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import drawn, embeddings

from reid.distances import MatrixDistances
from reid.evaluation.blocks import Block, Matched
from reid.evaluation.matches import Labels, Rules
from reid.evaluation.protocols import all_vs_all, query_gallery
from reid.evaluation.ranking import rank_matches
from reid.evaluation.verification import BINS, RATES, PairHistogram, Verification, verify

WIDTH = 2 / BINS


def counted(matching, others, **options) -> Verification:
    """What is found for these pairs, spread over three queries, the second of which is not asked."""
    pairs = PairHistogram(np.array([True, False, True]), **options)
    block = np.full((3, max(2, len(others))), np.inf, dtype=np.float32)
    block[0, : len(others) // 2] = others[: len(others) // 2]
    block[1] = 0.5
    block[2, len(others) // 2 : len(others)] = others[len(others) // 2 :]
    rows = np.array([0] * len(matching) + [1], dtype=np.int64)
    near = np.array([*matching, 0.25], dtype=np.float32)
    pairs(Block(0, block, Matched(rows, np.zeros_like(rows), near)))
    return verify(pairs)


distances = st.lists(st.integers(0, BINS - 1), min_size=1, max_size=60)


@settings(deadline=None, max_examples=60)
@given(distances, distances)
def test_rates_equal_those_of_sorted_distances(matching, others):
    """With distances in the middle of bins every threshold can be told, and all rates are those of the definition."""
    near, far = ([(place + 0.5) * WIDTH for place in places] for places in (matching, others))
    found = counted(near, far)
    edges = sorted({0.0, 2.0, *(WIDTH * place for p in (*matching, *others) for place in (p, p + 1))})

    assert (found.matching_pairs, found.other_pairs) == (len(near), len(far))
    for name, rate in RATES.items():
        if len(far) * rate < 1:
            assert found.tpr[name] is found.thresholds[name] is None
        else:
            assert found.tpr[name] == pytest.approx(evaluation_oracles.best_threshold_rate(near, far, rate))
            # Between two distances any edge separates as well; the largest is taken.
            best = evaluation_oracles.best_edge(far, rate, edges)
            assert sum(d < found.thresholds[name] for d in far) == sum(d < best for d in far)
            assert found.thresholds[name] >= best
    low, high = evaluation_oracles.equal_error(near, far)
    assert low - 1e-12 <= found.eer <= high + 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_protocols_count_all_pairs(seed):
    """Queries against a gallery, with junk, unknown identities and the camera rule: as exact distances have it."""
    images = drawn(150, 12, seed=seed)
    images.records.identities[::11] = -1
    query, gallery = images.select(slice(50)), images.select(slice(50, None))
    found = query_gallery(query, gallery).verification
    exact = oracles.cosine_distances(query.vectors.tolist(), gallery.vectors.tolist())
    plain = gallery.records.identities.tolist(), gallery.records.cameras.tolist()
    judged = [
        ([d / 2**52 for d in exact[row]], oracles.judged(identity, camera, *plain, same_camera=True))
        for row, (identity, camera) in enumerate(
            zip(query.records.identities.tolist(), query.records.cameras.tolist(), strict=True)
        )
        if identity >= 0
    ]
    near, far = evaluation_oracles.pairs(judged)

    assert (found.matching_pairs, found.other_pairs) == (len(near), len(far))
    for name in ("1e-3", "1e-2", "1e-1"):
        edge = evaluation_oracles.best_edge(far, RATES[name], np.arange(BINS + 1) * WIDTH)
        assert found.thresholds[name] == edge
        assert found.tpr[name] == pytest.approx(sum(d < edge for d in near) / len(near))
        finest = evaluation_oracles.best_threshold_rate(near, far, RATES[name])
        assert finest - 0.02 <= found.tpr[name] <= finest


def test_an_image_is_no_pair_with_itself():
    """All-vs-all has every pair twice, once from each side, and no image with itself; junk is in none."""
    images = drawn(30, 4)
    images.records.identities[:3] = -1
    _, sizes = np.unique(images.records.identities[3:], return_counts=True)
    found = all_vs_all(images, nmi_seeds=0).verification

    assert found.matching_pairs == (sizes * (sizes - 1)).sum()
    assert found.other_pairs == 27 * 26 - found.matching_pairs


def test_by_hand():
    """Ten pairs of either kind: at a false positive rate of 0.1 one may be wrong, and the rates cross at 0.2."""
    near = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.3, 1.4]
    far = [0.65, 0.75, 1.0, 1.1, 1.2, 1.5, 1.6, 1.7, 1.8, 1.9]
    found = counted(near, far)

    assert found.tpr == {"1e-4": None, "1e-3": None, "1e-2": None, "1e-1": 0.7}
    assert 0.75 - WIDTH < found.thresholds["1e-1"] <= 0.75
    assert found.eer == pytest.approx(0.2)


def test_a_collapsed_model_tells_nothing():
    """Equal distances are accepted all or none: no rate is reached, and errors are equal at a half."""
    found = counted([0.7] * 20, [0.7] * 2000)

    assert found.tpr == {"1e-4": None, "1e-3": 0, "1e-2": 0, "1e-1": 0}
    assert found.eer == pytest.approx(0.5)


def test_a_perfect_model():
    """Everything is found at every rate, and there is no error."""
    found = counted([0.1] * 20, [0.9] * 10_000)

    assert set(found.tpr.values()) == {1.0}
    assert found.eer == 0
    assert found.curve[0] == (0, 0)
    assert (0, 1) in found.curve
    assert found.curve[-1] == (1, 1)


@pytest.mark.parametrize(("near", "far"), [([], [0.5]), ([0.5], []), ([], [])])
def test_undefined_without_either_kind(near, far):
    """No rates of nothing."""
    found = counted(near, far)

    assert found.eer is None
    assert found.curve == ()
    assert set(found.tpr.values()) == set(found.thresholds.values()) == {None}
    assert sum(found.matching) == pytest.approx(float(bool(near)))


def test_distances_outside_the_range_are_in_the_outermost_bins():
    """Rounding errors below 0, distance 2 itself, and what is beyond a range that was named too small."""
    pairs = PairHistogram(np.array([True]))
    block = np.array([[-1e-6, 0, 2, 2.5, np.inf, 1e30]], dtype=np.float32)
    nothing = np.zeros(0, dtype=np.int64)
    pairs(Block(0, block, Matched(nothing, nothing, np.zeros(0, dtype=np.float32))))

    assert (pairs.others[0], pairs.others[-1], pairs.others.sum()) == (2, 3, 5)


def test_other_ranges_of_distance():
    """Distances from elsewhere, scaled with their range, give the same rates at scaled thresholds."""
    generator = np.random.Generator(np.random.Philox(3))
    matrix, labels = generator.random((60, 60)), Labels(generator.integers(0, 9, 60))
    found = []
    for scale in (1, 8):
        pairs = PairHistogram(np.ones(60, dtype=bool), highest=float(scale))
        rank_matches(MatrixDistances(scale * matrix), labels, labels, rules=Rules(same_image=True), watch=[pairs])
        found.append(verify(pairs))

    assert found[0].tpr == found[1].tpr
    assert {name: t and 8 * t for name, t in found[0].thresholds.items()} == found[1].thresholds
    assert found[1].width == 8 / BINS


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_laws(seed):
    """Rates rise with each other, the curve too, and blocks do not matter but for the last digit of a distance."""
    images = drawn(60, 6, spread=1.5, seed=seed)
    found, blocks = (all_vs_all(images, nmi_seeds=0, memory=memory).verification for memory in (2**30, 20_000))
    known = [rate for rate in found.tpr.values() if rate is not None]

    assert known == sorted(known)
    assert 0 <= found.eer <= 1
    assert list(found.curve) == sorted(found.curve)
    assert [y for _, y in found.curve] == sorted(y for _, y in found.curve)
    assert sum(found.matching) == pytest.approx(1)
    assert sum(found.others) == pytest.approx(1)
    assert found.eer == pytest.approx(blocks.eer, abs=0.02)


def test_the_curve_is_short():
    """However many thresholds there are, some two hundred are kept."""
    generator = np.random.Generator(np.random.Philox(1))
    found = counted(generator.random(5000), 2 * generator.random(20_000))

    assert 50 < len(found.curve) <= 200
    assert len(found.matching) == len(found.others) == 1024
    assert sum(found.others[800:808]) == pytest.approx(8 / 1024, abs=0.005)


def test_json():
    """Rates by name; nothing that is there to be drawn."""
    found = query_gallery(embeddings(np.eye(3), ["a", "b", "c"]), embeddings(np.eye(3), ["a", "b", "c"], prefix="g"))

    assert found.verification.to_dict() == {
        "matching_pairs": 3,
        "other_pairs": 6,
        "tpr_at_fpr": dict.fromkeys(RATES),
        "thresholds": dict.fromkeys(RATES),
        "eer": 0.0,
        "bin_width": WIDTH,
    }
    assert (
        query_gallery(
            embeddings(np.eye(2), ["a", "b"]), embeddings(np.eye(2), ["a", "b"], prefix="g"), verification=False
        ).verification
        is None
    )
