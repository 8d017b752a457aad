"""Two models side by side, as tables."""

from collections.abc import Iterator, Mapping, Sequence

from reid.evaluation.comparison import Comparison
from reid.report.tables import heading, pipe_table
from reid.text import printable

_NOTE = (
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
    return "\n\n".join([*parts, _NOTE])


def _tables(comparison: Comparison) -> Iterator[str]:
    rows = [
        [
            heading(figure),
            f"{100 * found.first:.1f}",
            f"{100 * found.second:.1f}",
            f"{100 * found.difference:+.1f}",
            "" if found.interval is None else f"{100 * found.interval[0]:+.1f} to {100 * found.interval[1]:+.1f}",
            "" if found.p is None else _probability(found.p),
        ]
        for figure, found in comparison.figures.items()
    ]
    yield pipe_table(["figure", "A", "B", "difference", "95 % interval", "p"], rows)
    even = comparison.queries - len(comparison.won) - len(comparison.lost)
    sentence = (
        f"Of {comparison.queries:,} queries of {comparison.identities:,} identities, B has the higher average precision "
        f"in {len(comparison.won):,}, A in {len(comparison.lost):,}, neither in {even:,}."
    )
    if comparison.rank1 is not None:
        found = comparison.rank1
        sentence += (
            f" At rank 1 only B is right in {found.only_second:,} and only A in {found.only_first:,} "
            f"(McNemar p {'' if found.p < _LEAST else '= '}{_probability(found.p)})."
        )
    yield sentence


def _probability(p: float) -> str:
    return f"< {_LEAST}" if p < _LEAST else f"{p:.3f}"
