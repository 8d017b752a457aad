"""A dataset as it was read."""

from pathlib import Path

from reid.records import Splits, TestSet, build

NAMES = ("a", "b")
GALLERY = build(Path(), ["1", "2"], ["a", "b"], table=NAMES)
QUERY = build(Path(), ["3"], ["b"], table=NAMES)


def test_images_are_queries_then_gallery() -> None:
    """The order in which vectors of a test set stand."""
    assert TestSet("test", GALLERY, QUERY, ("query-gallery",)).images().paths.tolist() == ["3", "1", "2"]
    assert TestSet("test", GALLERY, None, ("all-vs-all",)).images() is GALLERY


def test_splits_are_without_problems_unless_told() -> None:
    """Nothing differs from the card and nothing was skipped by default."""
    splits = Splits("demo", "vehicle", GALLERY, {"test": TestSet("test", GALLERY, QUERY, ())})

    assert (splits.problems, dict(splits.skipped)) == ((), {})
