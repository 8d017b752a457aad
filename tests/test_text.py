"""Words for people."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.text import did_you_mean, listed, printable

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


@given(ANY_TEXT)
@settings(deadline=None)
def test_printable_is_one_line_that_no_terminal_obeys(text: str) -> None:
    """Whatever comes in, what goes out is printable and can be encoded."""
    out = printable(text)

    assert out.isprintable()
    assert out.encode("utf-8").decode("utf-8") == out
    assert printable(out) == out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("données/数据.jpg", "données/数据.jpg"),
        ("a\nb\x1b[31m", "a\\nb\\x1b[31m"),
        ("\udcff.jpg", "\\udcff.jpg"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
    ],
)
def test_printable_keeps_letters_and_escapes_the_rest(text: str, expected: str) -> None:
    """Names in any script stay readable; line breaks, escapes, undecodable bytes and direction marks show."""
    assert printable(text) == expected


def test_did_you_mean_names_the_nearest_or_nothing() -> None:
    """A near word is offered; a far one is not guessed at."""
    known = ["vehicleid", "market1501", "inshop"]

    assert did_you_mean("vehiclid", known) == "; did you mean 'vehicleid'?"
    assert did_you_mean("zzz", known) == "."
    assert did_you_mean("", []) == "."


def test_listed_names_the_first_and_counts_the_rest() -> None:
    """Twenty names and a number, each escaped."""
    assert listed(["a", "b\n"]) == "a, b\\n"
    assert listed(range(25), limit=3) == "0, 1, 2 and 22 more"
    assert listed([]) == ""
