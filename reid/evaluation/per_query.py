"""The figures of every single query: what intervals, comparisons and lists of the hardest queries are made of."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.evaluation import metrics
from reid.evaluation.metrics import Values
from reid.evaluation.ranking import MatchRanks
from reid.records import Integers, Records

Measures = Mapping[str, Callable[[MatchRanks], Values]]
"""Functions that give one value per scored query, by the name of the figure that is their mean."""

_STEPS = 2.0**30


@dataclass(frozen=True, eq=False)
class PerQuery:
    """What S scored queries, those with a match, contribute to each figure.

    Attributes:
        protocol: that they were scored by.
        average_precision: definition that "mAP" follows, "step" or "trapezoid".
        rows: (S,) int64 their rows in the list of queries, ascending.
        paths: (S,) object array of str.
        names: (S,) object array of str, their identities.
        identities: (S,) int64 codes of their identities.
        cameras: (S,) int64, -1 unknown; None where the dataset has no cameras.
        trials: (S,) int64 how many trials asked the query, 1 in protocols without trials.
        first_ranks: (S,) float64 rank of the first match, the mean over the trials.
        figures: (S,) float64 by figure, such as "rank1" or "mAP", the mean over the trials.
    """

    protocol: str
    average_precision: str
    rows: Integers
    paths: NDArray[np.object_]
    names: NDArray[np.object_]
    identities: Integers
    cameras: Integers | None
    trials: Integers
    first_ranks: Values
    figures: Mapping[str, Values]

    def __len__(self) -> int:
        return len(self.rows)

    def mean(self, name: str) -> float | None:
        """The figure of this name: the mean over queries and trials; None where no query is scored."""
        total = int(self.trials.sum())
        return math.fsum(self.trials * self.figures[name]) / total if total else None

    def by_identity(self) -> "IdentitySums":
        """Sums over the queries of each identity."""
        codes, first, group = np.unique(self.identities, return_index=True, return_inverse=True)

        def total(values: Values) -> Values:
            # Whole steps of 2**-30 add up to the same sum in any order, so that the order of images cannot matter.
            return np.bincount(group, np.rint(self.trials * values * _STEPS), minlength=len(codes)) / _STEPS

        return IdentitySums(
            names=self.names[first],
            queries=np.bincount(group, minlength=len(codes)),
            weights=np.bincount(group, self.trials, minlength=len(codes)).astype(np.float64),
            figures=MappingProxyType({name: total(values) for name, values in self.figures.items()}),
        )


@dataclass(frozen=True, eq=False)
class IdentitySums:
    """Sums over the scored queries of each of I identities, in the order of their codes.

    Attributes:
        names: (I,) object array of str.
        queries: (I,) int64 scored queries.
        weights: (I,) float64 how often they were asked, over all trials.
        figures: (I,) float64 sums of the values of each figure, over queries and trials; off by at most 2**-31 a query.
    """

    names: NDArray[np.object_]
    queries: Integers
    weights: Values
    figures: Mapping[str, Values]


@dataclass(frozen=True)
class HardQuery:
    """A query that found its matches late.

    Attributes:
        row: in the list of queries.
        path: of the image.
        identity: its name.
        camera: None where it is not known.
        average_precision: in 0..1.
        first_rank: rank of its first match; the mean over trials.
    """

    row: int
    path: str
    identity: str
    camera: int | None
    average_precision: float
    first_rank: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True)
class IdentityScore:
    """How well the queries of one identity did.

    Attributes:
        identity: its name.
        mAP: mean average precision of its queries.
        queries: how many of them were scored.
    """

    identity: str
    mAP: float  # noqa: N815  the field's spelling
    queries: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def ranking_measures(ranks: Sequence[int], average_precision: str) -> Measures:
    """rank1, rank5, ... as `ranks` say, mAP and mINP: what a search in a gallery is scored by."""
    hits = {f"rank{k}": _hits(k) for k in ranks}
    return {
        **hits,
        "mAP": metrics.AVERAGE_PRECISIONS[average_precision],
        "mINP": metrics.inverse_negative_penalty,
    }


def mutual_measures(ranks: Sequence[int], average_precision: str) -> Measures:
    """R@1, R@5, ... as `ranks` say, mAP, map_at_r, r_precision and mINP: what all-vs-all is scored by."""
    return {
        **{f"R@{k}": _hits(k) for k in ranks},
        "mAP": metrics.AVERAGE_PRECISIONS[average_precision],
        "map_at_r": metrics.map_at_r,
        "r_precision": metrics.r_precision,
        "mINP": metrics.inverse_negative_penalty,
    }


def per_query(
    found: MatchRanks, query: Records, measures: Measures, *, protocol: str, average_precision: str
) -> PerQuery:
    """The values of every scored query.

    Args:
        found: ranks of the matches of Q queries.
        query: these queries.
        measures: what to compute.
        protocol: name of the protocol.
        average_precision: definition that `measures` use.
    """
    rows = np.flatnonzero(found.matches > 0)
    asked = query.select(rows)
    return PerQuery(
        protocol=protocol,
        average_precision=average_precision,
        rows=rows,
        paths=asked.paths,
        names=np.array(asked.names(), dtype=object),
        identities=asked.identities,
        cameras=asked.cameras,
        trials=np.ones(len(rows), dtype=np.int64),
        first_ranks=metrics.first_ranks(found).astype(np.float64),
        figures=MappingProxyType({name: measure(found) for name, measure in measures.items()}),
    )


def over_trials(trials: Sequence[PerQuery], query: Records) -> PerQuery:
    """The mean of each query over the trials that asked it.

    Args:
        trials: at least one, of the same measures.
        query: the images that all trials drew their queries from.
    """
    number = np.zeros(len(query), dtype=np.int64)
    for trial in trials:
        number[trial.rows] += 1
    rows = np.flatnonzero(number)
    asked = query.select(rows)

    def mean(of_trials: Sequence[Values]) -> Values:
        total = np.zeros(len(query))
        for trial, values in zip(trials, of_trials, strict=True):
            total[trial.rows] += values
        return total[rows] / number[rows]

    return replace(
        trials[0],
        rows=rows,
        paths=asked.paths,
        names=np.array(asked.names(), dtype=object),
        identities=asked.identities,
        cameras=asked.cameras,
        trials=number[rows],
        first_ranks=mean([trial.first_ranks for trial in trials]),
        figures=MappingProxyType({name: mean([trial.figures[name] for trial in trials]) for name in trials[0].figures}),
    )


def hardest_queries(values: PerQuery, number: int = 10) -> list[HardQuery]:
    """The queries of lowest average precision; of equal ones that whose first match comes last, then by row."""
    precision = values.figures["mAP"]
    places = np.lexsort((values.rows, -values.first_ranks, precision))[:number]
    cameras = None if values.cameras is None else values.cameras[places].tolist()
    return [
        HardQuery(
            row=int(values.rows[place]),
            path=str(values.paths[place]),
            identity=str(values.names[place]),
            camera=None if cameras is None or cameras[at] < 0 else cameras[at],
            average_precision=float(precision[place]),
            first_rank=float(values.first_ranks[place]),
        )
        for at, place in enumerate(places.tolist())
    ]


def worst_identities(values: PerQuery, number: int = 10) -> list[IdentityScore]:
    """The identities of lowest mean average precision; of equal ones that with more queries, then by their order."""
    sums = values.by_identity()
    means = sums.figures["mAP"] / sums.weights
    order = np.lexsort((np.arange(len(means)), -sums.queries, means))[:number]
    return [
        IdentityScore(str(sums.names[place]), float(means[place]), int(sums.queries[place])) for place in order.tolist()
    ]


def _hits(k: int) -> Callable[[MatchRanks], Values]:
    return lambda found: metrics.hits(found, k)
