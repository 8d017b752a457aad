"""Words for people: safe printing of names from outside, and the nearest match of a mistyped one."""

import difflib
from collections.abc import Iterable


def printable(text: object) -> str:
    """`text` on one line without anything a terminal would obey: control characters and undecodable bytes escaped."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()
        for character in str(text)
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about a wrong name: "; did you mean 'X'?" with the nearest known one, or "." if none is near."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else "."


def listed(items: Iterable[object], limit: int = 20) -> str:
    """The first `limit` items joined by commas, and how many more there are."""
    every = [printable(item) for item in items]
    more = f" and {len(every) - limit} more" if len(every) > limit else ""
    return ", ".join(every[:limit]) + more
