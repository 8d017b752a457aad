"""Reports as JSON: the keys that others rely on."""

import dataclasses

import pytest
from samples import drawn

from reid.evaluation.protocols import all_vs_all, query_gallery, single_shot


def test_query_gallery_is_plain_numbers():
    """rank1, rank5, rank10, mAP and mINP are numbers in 0..1, with the counts beside them."""
    images = drawn(60, 8)
    found = query_gallery(images.select(slice(20)), images.select(slice(20, None))).to_dict()

    assert list(found)[:5] == ["rank1", "rank5", "rank10", "mAP", "mINP"]
    assert all(0 <= found[name] <= 1 for name in list(found)[:5])
    assert (found["queries"], found["gallery"], found["average_precision"]) == (20, 40, "step")
    assert found.keys() >= {"queries_without_match", "junk", "same_camera_removed", "ties", "camera_rule"}


def test_single_shot_has_mean_and_spread_of_its_trials():
    """Mean and standard deviation are those of the listed trials, dividing by their number."""
    found = single_shot(drawn(60, 8), trials=4).to_dict()
    values = [trial["rank1"] for trial in found["per_trial"]]
    mean = sum(values) / 4

    assert found["rank1"]["mean"] == pytest.approx(mean)
    assert found["rank1"]["std"] == pytest.approx((sum((v - mean) ** 2 for v in values) / 4) ** 0.5)
    assert found.keys() >= {"rank5", "rank10", "mAP", "mINP", "queries", "gallery", "queries_without_match"}
    assert (found["trials"], found["gallery"], found["queries"]) == (4, 8, 52)


def test_ties_of_all_trials_are_added_up():
    """Other counts are those of one trial."""
    report = single_shot(drawn(40, 5), trials=3)
    trials = tuple(
        dataclasses.replace(t, counts=dataclasses.replace(t.counts, ties=2, queries_with_ties=1)) for t in report.trials
    )
    counts = dataclasses.replace(report, trials=trials).counts

    assert (counts.ties, counts.queries_with_ties, counts.gallery) == (6, 3, 5)


def test_all_vs_all_keys():
    """Recall by k as text, then mAP, map_at_r, r_precision and nmi."""
    found = all_vs_all(drawn(60, 8), ranks=(1, 5), nmi_seeds=2).to_dict()

    assert list(found["recall"]) == ["1", "5"]
    assert {"mAP", "map_at_r", "r_precision", "nmi", "mINP"} <= found.keys()
    assert found["nmi"] == pytest.approx(sum(found["nmi_per_clustering"]) / 2)
