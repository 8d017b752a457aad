from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.data.assemble import assemble
from reid.data.cards import load_card
from reid.data.layouts.listing import Listing, Rows, Test
from reid.errors import DataError

CARD = load_card("folder")


def listing(train, tests, **more):
    return Listing(Path("root"), train, tests, **more)


@given(st.permutations([("b/2.jpg", "b"), ("a/1.jpg", "a"), ("c/1.jpg", "c"), ("a/0.jpg", "a"), ("b/10.jpg", "b")]))
@settings(deadline=None, max_examples=30)
def test_any_order_gives_the_same_records(pairs):
    """Paths sorted, columns moved along, identities coded by name."""
    rows = Rows([path for path, _ in pairs], [name for _, name in pairs], [ord(path[2]) for path, _ in pairs])

    splits = assemble(CARD, listing(rows, {"test": Test(Rows(["z.jpg"], ["z"]))}))

    assert list(splits.train.paths) == ["a/0.jpg", "a/1.jpg", "b/10.jpg", "b/2.jpg", "c/1.jpg"]
    assert list(splits.train.cameras) == [ord(path[2]) for path in splits.train.paths]
    assert list(splits.train.identities) == [0, 0, 1, 1, 2]
    assert splits.train.identity_names == ("a", "b", "c", "z")


def test_repeated_rows_count_once_and_are_counted():
    """The same image of the same identity, listed several times."""
    rows = Rows(["a.jpg", "b.jpg", "a.jpg", "a.jpg"], ["1", "1", "1", "1"])

    splits = assemble(CARD, listing(rows, {}))

    assert len(splits.train) == 2
    assert splits.skipped == {"listed again in train": 2}


def test_two_identities_of_one_image_are_an_error_across_splits_too():
    """The image and both names are told."""
    tests = {"test": Test(Rows(["a.jpg"], ["2"]))}

    with pytest.raises(DataError, match=r"1 images stand under two identities: a.jpg \(1 and 2\)"):
        assemble(CARD, listing(Rows(["a.jpg"], ["1"]), tests))


def test_an_empty_split_names_folder_split_and_what_was_passed_over():
    """A split that was declared has somebody in it; junk alone is nobody."""
    tests = {"test": Test(Rows(["a.jpg"], ["-1"]))}
    with pytest.raises(
        DataError, match="split test of folder in root has 1 images and no identities; passed over: 4 hidden"
    ):
        assemble(
            CARD,
            listing(Rows(["b.jpg"], ["1"]), tests, junk=frozenset({"-1"}), skipped=Counter({"hidden": 4})),
        )
    with pytest.raises(
        DataError, match="split train of folder in root has 0 images and no identities; passed over: nothing"
    ):
        assemble(CARD, listing(Rows(), {}))


def test_test_sets_follow_the_order_of_the_card():
    """small, medium, large, whatever the layout says first."""
    rows = {name: Test(Rows([f"{name}.jpg"], [name])) for name in ("large", "extra", "medium", "small")}

    splits = assemble(load_card("vehicleid"), listing(Rows(["a.jpg"], ["1"]), rows))

    assert list(splits.tests) == ["small", "medium", "large", "extra"]
