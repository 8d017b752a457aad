"""Two models side by side, as tables."""

from collections.abc import Iterator, Mapping, Sequence

from reid.evaluation.comparison import Comparison, Difference
from reid.report.tables import heading, pipe_table
from reid.text import printable

COLUMNS = ("figure", "A", "B", "difference", "95 % interval", "p")
"""Of a comparison's table."""

NOTE = (
    "- A difference is B - A on the same queries, in points of percent; its interval and p come from resampling "
    "identities with replacement.\n"
    "- p is two-sided: how often chance alone would give as large a difference."
)

_LEAST = 0.001  # smaller probabilities are not told apart


def comparison_tables(name: str, models: Sequence[str], compared: Mapping[str, Mapping[str, Comparison]]) -> str:
    """The figures of two models and what sets them apart, in percent.

    Args:
        name: of the dataset or files.
        models: what the two are called.
        compared: by split and protocol.
    """
    parts = [f"{printable(name)}, in percent:\n\nA: {printable(models[0])}\nB: {printable(models[1])}"]
    for split, by_protocol in compared.items():
        for protocol, comparison in by_protocol.items():
            parts += [f"{printable(split)} {protocol}:", *_tables(comparison)]
    return "\n\n".join([*parts, NOTE])


def comparison_rows(figures: Mapping[str, Difference]) -> tuple[tuple[str, ...], ...]:
    """Rows of the table whose columns are `COLUMNS`, in percent.

    Args:
        figures: differences by figure.
    """
    return tuple(
        (
            heading(figure),
            f"{100 * found.first:.1f}",
            f"{100 * found.second:.1f}",
            f"{100 * found.difference:+.1f}",
            "" if found.interval is None else f"{100 * found.interval[0]:+.1f} to {100 * found.interval[1]:+.1f}",
            "" if found.p is None else _probability(found.p),
        )
        for figure, found in figures.items()
    )


def in_sentences(comparison: Comparison) -> str:
    """Who has how many of the queries, in words.

    Args:
        comparison: of two models.
    """
    even = comparison.queries - len(comparison.won) - len(comparison.lost)
    better = "has the higher average precision"
    if comparison.by == "rank":
        better = "finds the match at the better rank, averaged over trials,"
    sentence = (
        f"Of {comparison.queries:,} queries of {comparison.identities:,} identities, B {better} in "
        f"{len(comparison.won):,}, A in {len(comparison.lost):,}, neither in {even:,}."
    )
    if comparison.rank1 is not None:
        found = comparison.rank1
        sentence += (
            f" At rank 1 only B is right in {found.only_second:,} and only A in {found.only_first:,} "
            f"(McNemar p {'' if found.p < _LEAST else '= '}{_probability(found.p)})."
        )
    return sentence


def _tables(comparison: Comparison) -> Iterator[str]:
    yield pipe_table(COLUMNS, comparison_rows(comparison.figures))
    yield in_sentences(comparison)


def _probability(p: float) -> str:
    return f"< {_LEAST}" if p < _LEAST else f"{p:.3f}"
