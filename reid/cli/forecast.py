"""What scoring will take, said before it starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reid.config import EvaluateConfig
from reid.records import TestSet
from reid.rerank.estimate import estimate, product_rate

_LONG = 10.0  # seconds that are announced
_SLOWEST = 1e10  # operations a second that any processor reaches, so that nothing need be measured


@dataclass(frozen=True)
class Search:
    """So many queries against so many images, which may be the very same."""

    queries: int
    gallery: int
    one_set: bool


def searches(tests: Mapping[str, TestSet], settings: EvaluateConfig) -> list[Search]:
    """What the protocols of the test sets do; the trials of single-shot share one search."""
    found = []
    for test in tests.values():
        for protocol in settings.protocols or test.protocols:
            if test.query is None or protocol != "query-gallery":
                images = len(test.gallery) + (0 if test.query is None else len(test.query))
                found.append(Search(images, images, one_set=True))
            else:
                found.append(Search(len(test.query), len(test.gallery), one_set=False))
    return found


def forecast(searched: Sequence[Search], settings: EvaluateConfig, dimension: int) -> list[str]:
    """Time and memory of scoring in words, if it is long; measures the processor for a moment then.

    Args:
        searched: what is searched.
        settings: how it is scored.
        dimension: of the vectors.
    """
    operations, most = 0.0, 0
    for one in searched:
        operations += 2.0 * one.queries * one.gallery * dimension
        if settings.rerank != "none":
            taken = estimate(settings.rerank, one.queries, one.gallery, dimension, one_set=one.one_set)
            operations += 1.5 * taken.operations
            most = max(most, taken.bytes)
    if operations < _LONG * _SLOWEST:
        return []
    seconds = operations / product_rate()
    if seconds < _LONG:
        return []
    memory = f"{most / 1e6:,.0f} MB" if most else f"less than {settings.memory}"
    return [f"scoring will take about {_duration(seconds)} and {memory} beside the vectors"]


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
