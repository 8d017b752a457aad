"""Slow and plain versions of what `reid.evaluation` computes, written from the definitions, one query at a time.

Nothing here is shared with the package: vectors become Python integers on the grid that `reid.distances.cosine`
defines, rankings are sorted lists, and every figure is a loop over them.
"""

import functools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

GRID = 2**26


def on_grid(vector: Sequence[float]) -> list[int]:
    """A vector at unit length, in whole steps of 2**-26; nearly unit vectors and zeros as they are."""
    numbers = [float(x) for x in vector]
    square = math.fsum(x * x for x in numbers)
    if square > 0 and abs(square - 1) > 2**-19:
        length = math.sqrt(square)
        numbers = [float(np.float32(x / length)) for x in numbers]
    return [round(x * GRID) for x in numbers]


def cosine_distances(query: Sequence[Sequence[float]], gallery: Sequence[Sequence[float]]) -> list[list[int]]:
    """1 - cosine, in whole steps of 2**-52."""
    queries, images = [on_grid(v) for v in query], [on_grid(v) for v in gallery]
    return [[2**52 - sum(a * b for a, b in zip(q, g, strict=True)) for g in images] for q in queries]


def ranked(distances: Sequence[float], right: Sequence[bool | None]) -> list[bool]:
    """Which of the images, nearest first, are matches; None is left out. Ties: non-matches first."""
    kept = [(d, r) for d, r in zip(distances, right, strict=True) if r is not None]
    return [r for _, r in sorted(kept, key=lambda pair: (pair[0], pair[1]))]


def judged(
    identity: int,
    camera: int,
    identities: Sequence[int],
    cameras: Sequence[int],
    *,
    itself: int | None = None,
    same_camera: bool = False,
) -> list[bool | None]:
    """For each gallery image: a match, a non-match, or None where it does not count for this query."""
    verdicts: list[bool | None] = []
    for image, (other, its_camera) in enumerate(zip(identities, cameras, strict=True)):
        seen_there = same_camera and other == identity and its_camera == camera and camera != -1
        left_out = other == -1 or image == itself or seen_there
        verdicts.append(None if left_out else other == identity)
    return verdicts


def hit(ranking: Sequence[bool], k: int) -> float:
    """1 if one of the first k is a match; the curve stays at its last value where there are fewer."""
    return 1.0 if any(ranking[:k]) else 0.0


def step_precision(ranking: Sequence[bool]) -> float:
    """Mean of the precision at each match."""
    found, precisions = 0, []
    for rank, right in enumerate(ranking, start=1):
        if right:
            found += 1
            precisions.append(found / rank)
    return math.fsum(precisions) / len(precisions)


def trapezoid_precision(ranking: Sequence[bool]) -> float:
    """Area under the precision-recall curve, walked rank by rank as the MATLAB code of Market-1501 does."""
    number = sum(ranking)
    found, area, old_recall, old_precision = 0, 0.0, 0.0, 1.0
    for rank, right in enumerate(ranking, start=1):
        found += right
        recall, precision = found / number, found / rank
        area += (recall - old_recall) * (old_precision + precision) / 2
        old_recall, old_precision = recall, precision
        if found == number:
            break
    return area


def inverse_negative_penalty(ranking: Sequence[bool]) -> float:
    """Number of matches over the rank of the last of them."""
    last = max(rank for rank, right in enumerate(ranking, start=1) if right)
    return sum(ranking) / last


def r_precision(ranking: Sequence[bool]) -> float:
    """Share of matches among the first R, R being the number of matches."""
    number = sum(ranking)
    return sum(ranking[:number]) / number


def map_at_r(ranking: Sequence[bool]) -> float:
    """1/R of the sum, over the first R ranks, of the precision there if it is a match."""
    number = sum(ranking)
    return math.fsum(sum(ranking[:k]) / k for k in range(1, number + 1) if ranking[k - 1]) / number


MEASURES: dict[str, Callable[[Sequence[bool]], float]] = {
    "step": step_precision,
    "trapezoid": trapezoid_precision,
    "mINP": inverse_negative_penalty,
    "r_precision": r_precision,
    "map_at_r": map_at_r,
    **{f"hit{k}": functools.partial(hit, k=k) for k in (1, 2, 5, 10)},
}


@dataclass
class Scores:
    """What ranks where for each query with a match, and what went into that.

    Attributes:
        rankings: of the queries with a match: which of the images that count are matches, nearest first.
        queries: queries asked.
        ties: pairs of a match and a non-match at the same distance.
    """

    rankings: list[list[bool]]
    queries: int
    ties: int

    @property
    def figures(self) -> dict[str, float | None]:
        """Means over the queries with a match; None where there are none."""
        number = len(self.rankings)
        return {n: math.fsum(map(m, self.rankings)) / number if number else None for n, m in MEASURES.items()}


def score(
    distances: Sequence[Sequence[float]],
    query: tuple[Sequence[int], Sequence[int]],
    gallery: tuple[Sequence[int], Sequence[int]],
    *,
    same_camera: bool = False,
    same_image: bool = False,
    asked: Sequence[bool] | None = None,
) -> Scores:
    """Score (identities, cameras) of queries against those of a gallery; junk queries are not asked."""
    scores = Scores([], 0, 0)
    for number, (identity, camera) in enumerate(zip(*query, strict=True)):
        if identity == -1 or (asked is not None and not asked[number]):
            continue
        itself = number if same_image else None
        verdicts = judged(identity, camera, *gallery, itself=itself, same_camera=same_camera)
        ranking = ranked(distances[number], verdicts)
        right = Counter(d for d, v in zip(distances[number], verdicts, strict=True) if v is True)
        wrong = Counter(d for d, v in zip(distances[number], verdicts, strict=True) if v is False)
        scores.queries += 1
        scores.ties += sum(right[d] * wrong[d] for d in right)
        if any(ranking):
            scores.rankings.append(ranking)
    return scores


def normalised_mutual_information(left: Sequence[int], right: Sequence[int]) -> float:
    """Mutual information over the mean entropy of two labellings, from their table of joint counts."""
    n, joint, rows, columns = len(left), Counter(zip(left, right, strict=True)), Counter(left), Counter(right)
    information = sum(c / n * math.log(n * c / (rows[a] * columns[b])) for (a, b), c in joint.items())
    entropies = [-sum(c / n * math.log(c / n) for c in counts.values()) for counts in (rows, columns)]
    return information / (sum(entropies) / 2) if sum(entropies) > 0 else 1.0
