"""Slow and plain versions of intervals, comparisons, pairs and open sets, written from the definitions.

Rankings and distances are those of `oracles`; nothing here is shared with the package but its random draws.
"""

import bisect
import math
from collections import Counter, defaultdict
from collections.abc import Sequence

Judged = tuple[Sequence[float], Sequence[bool | None]]
"""Distances of one query, and for each image whether it is a match; None does not count."""


def weighted_mean(values: Sequence[float], times: Sequence[int]) -> float:
    """Mean of values that count several times."""
    return math.fsum(v * n for v, n in zip(values, times, strict=True)) / sum(times)


def resampled_means(
    values: Sequence[float], times: Sequence[int], identities: Sequence[int], draws: Sequence[Sequence[int]]
) -> list[float]:
    """The mean over all queries of the drawn identities, an identity drawn twice counting twice; one per draw."""
    groups = defaultdict(list)
    for value, number, identity in zip(values, times, identities, strict=True):
        groups[identity].append((value, number))
    names = sorted(groups)
    means = []
    for draw in draws:
        drawn = [pair for place in draw for pair in groups[names[place]]]
        means.append(weighted_mean([v for v, _ in drawn], [n for _, n in drawn]))
    return means


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that this share lies below, on a straight line between the two nearest."""
    ordered = sorted(values)
    place = percent / 100 * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def binomial_two_sided(successes: int, trials: int) -> float:
    """Probability that a fair coin splits at least as unevenly."""
    far = abs(2 * successes - trials)
    return sum(math.comb(trials, k) for k in range(trials + 1) if abs(2 * k - trials) >= far) / 2**trials


def pairs(queries: Sequence[Judged]) -> tuple[list[float], list[float]]:
    """Distances of all matching pairs, and of all others that count."""
    flat = [(d, v) for distances, verdicts in queries for d, v in zip(distances, verdicts, strict=True)]
    return [d for d, v in flat if v is True], [d for d, v in flat if v is False]


def best_edge(others: Sequence[float], rate: float, edges: Sequence[float]) -> float:
    """The largest edge below which at most this share of the pairs lies."""
    ordered = sorted(others)
    return max(edge for edge in edges if bisect.bisect_left(ordered, edge) <= rate * len(others))


def best_threshold_rate(matching: Sequence[float], others: Sequence[float], rate: float) -> float:
    """The true positive rate with thresholds as fine as one likes: below the first false alarm too many."""
    allowed = math.floor(rate * len(others) + 1e-9)
    first = sorted(others)[allowed] if allowed < len(others) else math.inf
    return sum(d < first for d in matching) / len(matching)


def equal_error(matching: Sequence[float], others: Sequence[float]) -> tuple[float, float]:
    """Bounds of the equal error rate: at the thresholds just before and after the two rates cross."""
    before, after = 0.0, 1.0
    for edge in sorted({*matching, *others, math.inf}):
        alarms = sum(d < edge for d in others) / len(others)
        refused = sum(d >= edge for d in matching) / len(matching)
        before, after = max(before, min(alarms, refused)), min(after, max(alarms, refused))
    return before, after


def open_set(queries: Sequence[Judged], mated: Sequence[bool], rate: float) -> float | None:
    """Detection and identification rate at a false alarm rate; queries that are neither are left out beforehand."""
    nearest = []
    for (distances, verdicts), own in zip(queries, mated, strict=True):
        counted = [(d, v) for d, v in zip(distances, verdicts, strict=True) if v is not None]
        best = min(counted, default=(math.inf, False))  # at equal distance False, the wrong one, comes first
        nearest.append((*best, own))
    strangers = [d for d, _, own in nearest if not own]
    found = [(d, right) for d, right, own in nearest if own]
    if not strangers or not found:
        return None
    levels = [-math.inf, *sorted(d for d, _, _ in nearest)]
    held = [t for t in levels if sum(d <= t for d in strangers) <= rate * len(strangers) + 1e-9]
    return sum(right and d <= max(held) for d, right in found) / len(found)


def pairwise_f1(identities: Sequence[int], clusters: Sequence[int]) -> float:
    """Harmonic mean of the precision and recall of "same cluster" as a guess of "same identity", pair by pair."""
    counts: Counter[tuple[bool, bool]] = Counter()
    for i in range(len(identities)):
        for j in range(i):
            counts[identities[i] == identities[j], clusters[i] == clusters[j]] += 1
    hits, missed, wrong = counts[True, True], counts[True, False], counts[False, True]
    return 2 * hits / (2 * hits + missed + wrong) if hits + missed + wrong else 1.0
