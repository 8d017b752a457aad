import pytest
import trees

from reid.data.layouts.halves import class_folders, halve
from reid.data.layouts.listing import Rows
from reid.errors import DataError


def test_classes_are_halved_in_natural_order(tmp_path):
    """2 before 10; the middle one of an odd number tests."""
    names = ["10", "9", "2", "1", "11"]

    listing = halve(tmp_path, Rows([f"{name}.jpg" for name in names], names))

    assert set(listing.train.identities) == {"1", "2"}
    assert set(listing.tests["test"].gallery.identities) == {"9", "10", "11"}


def test_words_and_numbers_in_names_are_compared_as_such(tmp_path):
    """Names that mix both, or have none of either, can be ordered."""
    names = ["b10", "b9", "a", "7"]

    listing = halve(tmp_path, Rows(names, names))

    assert set(listing.train.identities) | {"b9", "b10"} == set(names)
    assert set(listing.tests["test"].gallery.identities) == {"b9", "b10"}


def test_the_first_place_with_class_folders_counts(tmp_path):
    """Folders further down the list of places are not mixed in."""
    for place, name in (("images", "a"), ("images", "b"), ("other", "c")):
        trees.picture(tmp_path / place / name / "1.jpg", ord(name))

    listing = class_folders(tmp_path, ["missing", "images", "other"])

    assert listing.train.paths == ["images/a/1.jpg"]
    assert listing.seen


def test_one_class_cannot_be_halved(tmp_path):
    """Exit code 65."""
    with pytest.raises(DataError, match="has 1 classes"):
        halve(tmp_path, Rows(["a.jpg"], ["a"]))
