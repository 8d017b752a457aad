import dataclasses

import pytest
import trees

from reid.data.cards import load_card
from reid.data.dataset import read_dataset
from reid.data.verify import count_problems, overlap, parts, statistics


@pytest.fixture
def splits(tmp_path):
    trees.market(tmp_path)
    return read_dataset("market1501", tmp_path)


def test_parts_are_named_by_role(splits):
    """query and gallery of the only test set stand for themselves; others carry the set's name."""
    assert list(parts(splits)) == ["train", "query", "gallery"]
    other = dataclasses.replace(splits, tests={"val": splits.tests["test"]})
    assert list(parts(other)) == ["train", "val/query", "val/gallery"]


def test_statistics_count_everything_once(splits):
    """Junk is no identity; identities with one image, junk and distractors are counted apart."""
    numbers = statistics(splits, ["0000"])

    assert numbers["train"] == {"identities": 2, "images": 4, "cameras": 4, "single": 0, "junk": 0, "distractors": 0}
    assert numbers["gallery"] == {"identities": 3, "images": 5, "cameras": 3, "single": 2, "junk": 1, "distractors": 1}
    assert numbers["test"]["images"] == numbers["query"]["images"] + numbers["gallery"]["images"]


def test_only_numbers_that_differ_are_told(splits):
    """A right number is not repeated, a right split not mentioned, a missing split left to others."""
    counts = {
        "train": {"identities": 2, "images": 5000},
        "query": {"identities": 2, "images": 2},
        "gallery": {"identities": 9, "images": 9, "cameras": 9},
        "large": {"identities": 1, "images": 1},
    }
    card = dataclasses.replace(load_card("market1501"), counts=counts)

    assert count_problems(card, splits) == [
        "split train: the card says 5,000 images; found 4",
        "split gallery: the card says 9 identities, 9 images and 9 cameras; found 3, 5 and 3",
    ]


def test_overlap_names_the_identities_on_both_sides(tmp_path):
    """Query and gallery share theirs by design; training must not."""
    for number, path in enumerate(("train/a", "train/b", "query/b", "gallery/b", "gallery/a")):
        trees.picture(tmp_path / path / "1.jpg", number)

    assert overlap(read_dataset("folder", tmp_path, allow_overlap=True)) == ["a", "b"]


def test_junk_on_both_sides_is_no_overlap(splits):
    """Identity -1 is nobody."""
    assert overlap(splits) == []
