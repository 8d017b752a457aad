"""The choice of a protocol by name."""

from dataclasses import replace

import pytest
from samples import drawn

from reid.errors import ConfigError, DataError
from reid.evaluation.protocols import Options, all_vs_all, evaluate, evaluate_test_set, query_gallery, single_shot
from reid.records import TestSet

IMAGES = drawn(60, 7)
QUERY, GALLERY = IMAGES.select(slice(20)), IMAGES.select(slice(20, None))
APART = TestSet("test", GALLERY.records, QUERY.records, ("query-gallery",))
WHOLE = TestSet("large", IMAGES.records, None, ("single-shot", "all-vs-all"))


def test_names_mean_the_functions():
    """By name or called directly, the report is the same, and options reach the protocol they concern."""
    options = Options(ranks=(1, 3), trials=2, seed=5, nmi_seeds=1, average_precision="trapezoid", same_camera="keep")

    assert evaluate(IMAGES, "single-shot", options) == single_shot(
        IMAGES, trials=2, seed=5, ranks=(1, 3), average_precision="trapezoid"
    )
    assert evaluate(IMAGES, "all-vs-all", options) == all_vs_all(
        IMAGES, ranks=(1, 3), nmi_seeds=1, seed=5, average_precision="trapezoid"
    )
    assert evaluate((QUERY, GALLERY), "query-gallery", options) == query_gallery(
        QUERY, GALLERY, ranks=(1, 3), average_precision="trapezoid", same_camera="keep", seed=5
    )


def test_queries_and_gallery_together_are_one_set():
    """A protocol that needs no queries of their own takes both."""
    assert evaluate((QUERY, GALLERY), "single-shot") == single_shot(IMAGES)


def test_unknown_names_and_missing_queries_are_refused():
    """With the nearest name, and with what to choose instead."""
    with pytest.raises(ConfigError, match=r"'singleshot' is not known; did you mean 'single-shot'\?"):
        evaluate(IMAGES, "singleshot")
    with pytest.raises(ConfigError, match="needs queries of their own"):
        evaluate(IMAGES, "query-gallery")


def test_test_sets_are_scored_by_their_protocols():
    """Rows are the queries, then the gallery; other protocols can be asked for."""
    assert evaluate_test_set(APART, IMAGES) == {"query-gallery": query_gallery(QUERY, GALLERY)}
    assert list(evaluate_test_set(WHOLE, IMAGES)) == ["single-shot", "all-vs-all"]
    assert list(evaluate_test_set(APART, IMAGES, ("all-vs-all",), Options(nmi_seeds=0))) == ["all-vs-all"]


def test_vectors_of_other_images_are_refused():
    """Too few rows, or another order, are named before anything is scored."""
    with pytest.raises(DataError, match="test set large has 60 images, but there are vectors of 59"):
        evaluate_test_set(WHOLE, IMAGES.select(slice(59)))
    with pytest.raises(DataError, match=r"row 0 should be 0000\.jpg but is 0059\.jpg"):
        evaluate_test_set(WHOLE, IMAGES.select(slice(None, None, -1)))
    with pytest.raises(ConfigError, match="needs queries of their own"):
        evaluate_test_set(replace(WHOLE, protocols=("query-gallery",)), IMAGES)
