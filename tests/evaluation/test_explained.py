"""What reports say beside their figures."""

import json

import pytest
from samples import drawn

from reid import files
from reid.evaluation.explained import LISTED, Explained, Verified
from reid.evaluation.protocols import Options, evaluate

IMAGES = drawn(60, 12)
PAIR = (IMAGES.select(slice(25)), IMAGES.select(slice(25, None)))
EVERY = {"query-gallery": PAIR, "single-shot": IMAGES, "all-vs-all": IMAGES}


@pytest.mark.parametrize("protocol", EVERY)
def test_every_report_is_explained(protocol):
    """Intervals of every figure that is a mean over queries, the worst identities, and the hardest queries."""
    report = evaluate(EVERY[protocol], protocol, Options(trials=2))
    found = json.loads(files.to_json(report.to_dict()))

    assert found["intervals"].keys() == report.figures().keys() - {"nmi", "f1"}
    assert all(len(ends) == 2 for ends in found["intervals"].values())
    assert len(found["worst_identities"]) == min(LISTED, len(set(report.per_query.identities)))
    assert len(found["hardest_queries"]) == LISTED
    assert list(found["worst_identities"][0]) == ["identity", "mAP", "queries"]
    assert found["hardest_queries"][0]["path"].endswith(".jpg")
    assert "per_query" not in found


@pytest.mark.parametrize("protocol", EVERY)
def test_intervals_hold_the_figure(protocol):
    """The figures of the report are the means of the values by query, and lie in their intervals."""
    report = evaluate(EVERY[protocol], protocol, Options(trials=3))
    for name, (low, high) in report.intervals.items():
        figure = report.figures()[name]
        mean = figure["mean"] if isinstance(figure, dict) else figure
        assert report.per_query.mean(name) == pytest.approx(mean, abs=1e-12)
        assert low <= mean <= high


@pytest.mark.parametrize("protocol", EVERY)
def test_all_of_it_can_be_left_out(protocol):
    """Without resamples no intervals, without verification no rates; the figures stay what they are."""
    plain = evaluate(EVERY[protocol], protocol, Options(trials=2, bootstrap=0, verification=False))
    full = evaluate(EVERY[protocol], protocol, Options(trials=2))

    assert plain.intervals == {}
    assert plain.figures() == full.figures()
    assert getattr(plain, "verification", None) is None
    assert getattr(plain, "open_set", None) is None
    assert plain.counts == full.counts


def test_empty():
    """Nothing was asked for."""
    assert Explained().explanation() == {"intervals": {}}
    assert Verified().explanation() == {"intervals": {}, "verification": None}
    assert Explained(intervals={"mAP": None}).explanation() == {"intervals": {"mAP": None}}
