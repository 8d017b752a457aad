"""Intervals over identities: the definition, and laws that hold for any figures."""

import evaluation_oracles as oracles
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import drawn, embeddings

from reid import rng
from reid.evaluation.bootstrap import curve_intervals, ends, intervals, resample
from reid.evaluation.protocols import all_vs_all, single_shot


def values(images):
    """All images against all others."""
    return all_vs_all(images, nmi_seeds=0).per_query


def test_intervals_equal_the_definition():
    """Each resample is the mean over the queries of the drawn identities, and the ends are its percentiles."""
    queries = values(drawn(60, 9))
    draws = rng.generator(3, "bootstrap").integers(9, size=(200, 9)).tolist()
    found = intervals(queries, resamples=200, seed=3)

    assert list(found) == list(queries.figures)
    for name in ("R@1", "mAP"):
        means = oracles.resampled_means(
            queries.figures[name].tolist(), [1] * len(queries), queries.identities.tolist(), draws
        )
        expected = [oracles.percentile(means, share) for share in (2.5, 97.5)]
        assert found[name] == pytest.approx(expected, abs=1e-8)


def test_queries_of_several_trials_count_as_often_as_they_were_asked():
    """The interval of single-shot is that of the mean over all trials, which lies inside it."""
    report = single_shot(drawn(80, 10), trials=5)
    queries = report.per_query
    draws = rng.generator(0, "bootstrap").integers(10, size=(100, 10)).tolist()
    means = oracles.resampled_means(
        queries.figures["mAP"].tolist(), queries.trials.tolist(), queries.identities.tolist(), draws
    )
    low, high = intervals(queries, resamples=100)["mAP"]

    assert (low, high) == pytest.approx([oracles.percentile(means, share) for share in (2.5, 97.5)], abs=1e-8)
    assert low < report.figures()["mAP"]["mean"] < high


@pytest.mark.parametrize("chunk", [1, 9, 100, 10**6])
def test_memory_changes_nothing(chunk):
    """However many draws are made at a time, the resamples are the same to the last bit."""
    sums = values(drawn(60, 9)).by_identity()
    expected = resample(sums.weights, sums.figures, resamples=50, seed=1)
    found = resample(sums.weights, sums.figures, resamples=50, seed=1, chunk=chunk)

    assert all((found[name] == expected[name]).all() for name in expected)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 8))
def test_laws(seed, identities):
    """The mean of the resamples is near the figure, ends are ordered and in 0..1, the same for any order of images."""
    images = drawn(40, identities, seed=seed)
    queries = values(images)
    found = intervals(queries, resamples=300, seed=seed)
    order = np.random.Generator(np.random.Philox(seed)).permutation(40)

    for name, (low, high) in found.items():
        assert 0 <= low <= high <= 1, name
        assert min(queries.figures[name]) <= low
        assert high <= max(queries.figures[name])
    assert intervals(values(images.select(order)), resamples=300, seed=seed) == found


def test_more_identities_narrow_the_interval():
    """Four times as many halve it, about; the seed moves it a little."""
    widths = []
    for identities in (20, 80, 320):
        low, high = intervals(values(drawn(6 * identities, identities, spread=1.2)))["mAP"]
        widths.append(high - low)

    assert widths[0] > 1.4 * widths[1] > 1.4**2 * widths[2]
    queries = values(drawn(60, 9))
    assert intervals(queries, seed=1) != intervals(queries, seed=2)


def test_identities_are_resampled_not_queries():
    """Where all queries of an identity agree, more pictures of it do not narrow the interval."""
    found = []
    for number in (2, 20):
        # a and b stand alone; c and d stand on the same spots, where a wrong image always ties with a right one.
        vectors = np.concatenate([np.eye(3)[[0] * number], np.eye(3)[[1] * number], np.eye(3)[[2] * 2 * number]])
        found.append(intervals(values(embeddings(vectors, np.repeat(["a", "b", "c", "d"], number).tolist())))["R@1"])

    assert found[0] == found[1] == (0, 1)


@pytest.mark.parametrize("names", [["a", "a"], ["a", "b"], ["a", "a", "b"]])
def test_undefined_with_fewer_than_two_identities(names):
    """One scored identity, or none, says nothing about others; nor do no resamples."""
    queries = values(embeddings(np.eye(3)[: len(names)], names))

    assert set(intervals(queries).values()) == {None}
    assert intervals(queries, resamples=0) == {}


def test_ends_by_hand():
    """2.5 % and 97.5 % of 0, 1, ..., 40 are 1 and 39."""
    assert ends({"x": np.arange(41.0)[::-1]}) == {"x": (1.0, 39.0)}


def test_the_band_of_a_curve_is_made_of_the_intervals_of_its_ranks():
    """At ranks that are reported it is their interval; there is none of several trials, or without resamples."""
    images = drawn(60, 9)
    report = all_vs_all(images, nmi_seeds=0, bootstrap=200, seed=3)
    band = curve_intervals(report.per_query, 10, resamples=200, seed=3)

    assert len(band) == 10
    assert (band[0], band[4], band[9]) == tuple(report.intervals[name] for name in ("R@1", "R@5", "R@10"))
    assert curve_intervals(report.per_query, 10, resamples=0) == []
    assert curve_intervals(single_shot(images, trials=2).per_query, 3) == []
