"""From a dataset and vectors to reports: every key of `evaluate` does something."""

import dataclasses

import numpy as np
import pytest
import small_runs

from reid.cli.evaluation import (
    check_settings,
    choose,
    rows_of,
    score,
    to_report,
    unique_images,
    without_aliases,
)
from reid.cli.refining import to_options
from reid.config import EvaluateConfig
from reid.data.cards import load_card
from reid.errors import ConfigError
from reid.records import Embeddings, Splits, TestSet


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    """Two test sets that overlap, one with queries of its own."""
    records = small_runs.patches(tmp_path_factory.mktemp("p"), identities=6, each=4)
    tests = {
        "large": TestSet("large", records, None, ("single-shot", "all-vs-all")),
        "test": TestSet("test", records.select(slice(4, 24)), records.select(slice(0, 24, 4)), ("query-gallery",)),
    }
    return Splits("s", "vehicle", records, tests)


@pytest.fixture(scope="module")
def embeddings(splits):
    """Random vectors of the images of both."""
    images = unique_images(splits.tests)
    vectors = np.random.default_rng(0).normal(size=(len(images), 8)).astype(np.float32)
    embedded = Embeddings(vectors, images, "m")
    return {name: rows_of(embedded, test) for name, test in splits.tests.items()}


def scored(splits, embeddings, settings):
    """Reports by test set and protocol, with seed 0."""
    return score(splits.tests, embeddings, settings, to_options(settings, 0))


def test_images_of_overlapping_sets_are_embedded_once(splits, embeddings):
    """And each set has its own, in its order."""
    images = unique_images(splits.tests)

    assert len(images) == 24
    vector = {}
    for name, test in splits.tests.items():
        assert list(embeddings[name].records.paths) == list(test.images().paths)
        for path, row in zip(test.images().paths, embeddings[name].vectors, strict=True):
            assert np.array_equal(vector.setdefault(path, row), row)


def test_every_key_of_evaluate(splits, embeddings):
    """Each reaches its place."""
    base = EvaluateConfig()
    assert {item.name for item in dataclasses.fields(base)} == {
        "splits",
        "protocols",
        "trials",
        "average_precision",
        "memory",
        "bootstrap",
        "camera_pairs",
        "rerank",
        "rerank_options",
        "expand",
        "expand_alpha",
        "augment",
    }
    assert list(choose(splits, ())) == list(choose(splits, ("test", "all"))) == ["large", "test"]
    assert list(choose(splits, ("test",))) == ["test"]
    own = scored(splits, embeddings, base)
    assert {name: list(found) for name, found in own.items()} == {
        "large": ["single-shot", "all-vs-all"],
        "test": ["query-gallery"],
    }
    one = scored(splits, embeddings, dataclasses.replace(base, protocols=("all-vs-all",)))
    assert {tuple(found) for found in one.values()} == {("all-vs-all",)}
    fewer = scored(splits, embeddings, dataclasses.replace(base, trials=3))
    assert fewer["large"]["single-shot"].to_dict()["trials"] == 3
    curved = scored(splits, embeddings, dataclasses.replace(base, average_precision="trapezoid"))
    assert curved["test"]["query-gallery"].mAP != own["test"]["query-gallery"].mAP
    refined = scored(splits, embeddings, dataclasses.replace(base, rerank="k-reciprocal"))
    assert refined["test"]["query-gallery"].mAP != own["test"]["query-gallery"].mAP
    short = scored(splits, embeddings, dataclasses.replace(base, bootstrap=0, camera_pairs=False))
    assert not short["test"]["query-gallery"].intervals
    assert short["test"]["query-gallery"].camera_pairs is None


def test_report_holds_plain_values(splits, embeddings):
    """The documented keys."""
    settings = EvaluateConfig(rerank="ecn", rerank_options={"t": 2})
    report = to_report(scored(splits, embeddings, settings), settings, dataset="s", run="r", seconds={"x": 1.0})

    refined = {"rerank", "rerank_options", "expand", "expand_alpha", "augment"}
    assert report.keys() == {"dataset", "run", "splits", "seconds", "problems", *refined}
    assert (report["rerank"], report["rerank_options"]) == ("ecn", {"t": 2})
    assert report["splits"]["large"].keys() == {"single-shot", "all-vs-all"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"splits": ("lrge",)}, "did you mean 'large'"),
        ({"protocols": ("all-vs-al",)}, "did you mean 'all-vs-all'"),
        ({"protocols": ("query-gallery",)}, "s has none in large"),
    ],
)
def test_settings_that_cannot_be(splits, settings, words):
    """Known before anything is computed."""
    with pytest.raises(ConfigError, match=words):
        check_settings(splits, EvaluateConfig(**settings))
    assert list(check_settings(splits, EvaluateConfig(splits=("test",), protocols=("query-gallery",)))) == ["test"]


def test_names_people_know():
    """2400 is `large` on VehicleID."""
    named = without_aliases(EvaluateConfig(splits=("2400", "small", "x")), load_card("vid"))

    assert named.splits == ("large", "small", "x")
