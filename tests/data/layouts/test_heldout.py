import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.data.layouts.heldout import OPTIONS, hold_out, named_splits
from reid.data.layouts.listing import Rows
from reid.errors import DataError


def rows(names):
    return Rows([f"{place}.jpg" for place in range(len(names))], list(names))


@given(
    st.lists(st.integers(0, 30).map(str), min_size=2, max_size=80).filter(lambda names: len(set(names)) > 1),
    st.floats(0, 1),
    st.integers(0, 5),
)
@settings(deadline=None, max_examples=60)
def test_identities_are_divided_and_none_is_lost(names, fraction, seed):
    """Every image is on one side, its identity on no other, and both sides have somebody."""
    train, tests = hold_out(rows(names), {"train_fraction": fraction, "seed": seed}, "here")
    inner, outer = set(train.identities), set(tests["test"].gallery.identities)

    assert inner
    assert outer
    assert not inner & outer
    assert sorted(train.paths + tests["test"].gallery.paths) == sorted(rows(names).paths)
    share = round(fraction * len(set(names)))
    assert len(inner) == min(max(share, 1), len(set(names)) - 1)


def test_the_draw_depends_on_names_and_seed_alone():
    """Order and number of images do not matter; another seed is another draw."""
    names = [str(number) for number in range(40)]

    first = set(hold_out(rows(names), OPTIONS, "here")[0].identities)
    again = set(hold_out(rows(names[::-1] * 3), OPTIONS, "here")[0].identities)
    other = set(hold_out(rows(names), {**OPTIONS, "seed": 1}, "here")[0].identities)

    assert first == again
    assert first != other


def test_one_identity_cannot_be_divided():
    """Exit code 65 with the place."""
    with pytest.raises(DataError, match="here has 2 images of 1 identities"):
        hold_out(rows("aa"), OPTIONS, "here")


def test_splits_are_understood_by_their_names():
    """query with gallery, query with test, test alone, val besides."""
    a, b, c, d = rows("a"), rows("b"), rows("c"), rows("d")

    train, tests = named_splits({"train": a, "query": b, "gallery": c, "val": d}, "here")
    assert train is a
    assert (tests["test"].query, tests["test"].gallery, tests["val"].gallery) == (b, c, d)
    assert named_splits({"query": b, "test": c}, "here")[1]["test"].gallery is c
    assert named_splits({"train": a, "test": c}, "here")[1]["test"].query is None
    assert named_splits({"test": c}, "here")[0] is None


@pytest.mark.parametrize("names", [("query",), ("gallery", "train"), ("query", "gallery", "test")])
def test_splits_that_do_not_fit_together_are_refused(names):
    """Exit code 65 with the names that were found."""
    with pytest.raises(DataError, match=", ".join(sorted(names))):
        named_splits({name: rows("a") for name in names}, "here")
