"""What is said before long work."""

from dataclasses import replace

from samples import drawn

from reid.cli.forecast import Search, forecast, searches
from reid.config import EvaluateConfig
from reid.records import TestSet

BASE = EvaluateConfig()


def test_long_work_is_announced() -> None:
    """With time and memory; short work is not."""
    short, long = [Search(4, 4, one_set=True)], [Search(50_000, 50_000, one_set=True)]
    assert forecast(short, replace(BASE, rerank="graph"), 8) == []
    (line,) = forecast(long, replace(BASE, rerank="k-reciprocal"), 100_000)
    assert "minutes and" in line
    assert line.endswith("MB beside the vectors")
    (plain,) = forecast(long, BASE, 1_000_000)
    assert plain.endswith("less than 1GB beside the vectors")


def test_protocols_search_what_they_search() -> None:
    """Queries against the gallery, or all images against all."""
    records = drawn(30, 3).records
    apart = TestSet("apart", records.select(slice(10, 30)), records.select(slice(10)), ("query-gallery", "all-vs-all"))
    one = TestSet("one", records, None, ("single-shot",))

    assert searches({"apart": apart, "one": one}, BASE) == [
        Search(10, 20, one_set=False),
        Search(30, 30, one_set=True),
        Search(30, 30, one_set=True),
    ]
    assert len(searches({"apart": apart}, replace(BASE, protocols=("all-vs-all",)))) == 1
