"""Two models on the same queries: is one better, or might other identities have said the opposite?

Both are asked the same things, so differences are taken query by query: what makes a query hard for either cancels
out, and far smaller differences can be told from chance than by laying two intervals beside each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from reid.errors import DataError
from reid.evaluation.bootstrap import RESAMPLES, Interval, ends, resample
from reid.evaluation.metrics import Values
from reid.evaluation.per_query import PerQuery
from reid.records import Integers
from reid.text import listed, printable

_LISTED = 10  # queries won and lost in JSON
_MEANING = {"rows": "the place", "paths": "the path", "names": "the identity", "trials": "the number of trials"}


@dataclass(frozen=True)
class Difference:
    """One figure of two models.

    Attributes:
        first: of the first model.
        second: of the second model.
        difference: second - first.
        interval: 95 % interval of the difference over identities; None with fewer than two identities.
        p: two-sided bootstrap probability: twice the smaller of the shares of resamples in which the difference is
            not positive, and not negative, counting one more resample in either; None with fewer than two identities.
    """

    first: float
    second: float
    difference: float
    interval: Interval
    p: float | None


@dataclass(frozen=True)
class McNemar:
    """Queries that only one of two models answers right at rank 1, and how likely a split as uneven is by chance.

    Attributes:
        only_first: queries that only the first model answers right.
        only_second: queries that only the second model answers right.
        p: exact two-sided binomial probability (McNemar 1947), which takes queries for independent of each other.
    """

    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """What sets two models apart on the same queries.

    Attributes:
        queries: scored by both.
        identities: of these queries.
        figures: differences by figure.
        rank1: McNemar's test of the first rank; None where that was not asked for, or there were several trials.
        by: what queries are won by: "average precision" or, in single-shot, "rank": that of the match, the mean over the
            trials, for the mean of its inverse would hardly tell the hundredth from the last.
        won: rows of the queries that the second model answers better, the largest gain first.
        lost: rows of those that it answers worse, the largest loss first.
        gains: (S,) float64 by how much the second model is better, by query: average precision, or ranks.
        values: (S,) the queries by the first model.
        other: (S,) the same by the second model.
    """

    queries: int
    identities: int
    figures: Mapping[str, Difference]
    rank1: McNemar | None
    by: str
    won: Integers
    lost: Integers
    gains: Values
    values: PerQuery
    other: PerQuery

    def to_dict(self) -> dict[str, Any]:
        """As JSON, with the ten queries of largest gain and of largest loss."""
        return {
            "queries": self.queries,
            "identities": self.identities,
            "figures": {name: asdict(difference) for name, difference in self.figures.items()},
            "mcnemar": None if self.rank1 is None else asdict(self.rank1),
            "won_by": self.by,
            "queries_won": len(self.won),
            "queries_lost": len(self.lost),
            "won": [self._query(row) for row in self.won[:_LISTED].tolist()],
            "lost": [self._query(row) for row in self.lost[:_LISTED].tolist()],
        }

    def _query(self, row: int) -> dict[str, Any]:
        place = int(np.searchsorted(self.values.rows, row))
        path, identity = str(self.values.paths[place]), str(self.values.names[place])
        return {"row": row, "path": path, "identity": identity, "gain": float(self.gains[place])}


def compare(first: PerQuery, second: PerQuery, *, resamples: int = RESAMPLES, seed: int = 0) -> Comparison:
    """Compare a second model with a first one.

    Args:
        first: its scored queries.
        second: the same queries, scored by the same protocol.
        resamples: of identities, for intervals and probabilities; 0 leaves them out.
        seed: of the resamples.

    Raises:
        DataError: the two differ in protocol, definition, queries or trials, or have no figure in common.
    """
    _refuse_other_queries(first, second)
    names = [name for name in first.figures if name in second.figures]
    if not names or not len(first):
        raise DataError("the two models cannot be compared: they have no figure in common, or no query with a match")
    ranked = first.protocol == "single-shot"
    gains = first.first_ranks - second.first_ranks if ranked else second.figures["mAP"] - first.figures["mAP"]
    return Comparison(
        queries=len(first),
        identities=len(np.unique(first.identities)),
        figures=_differences(first, second, names, resamples, seed),
        rank1=_mcnemar(first, second, names),
        by="rank" if ranked else "average precision",
        won=_largest(first.rows, gains),
        lost=_largest(first.rows, -gains),
        gains=gains,
        values=first,
        other=second,
    )


def _refuse_other_queries(first: PerQuery, second: PerQuery) -> None:
    for what in ("protocol", "average_precision"):
        ours, theirs = getattr(first, what), getattr(second, what)
        if ours != theirs:
            raise DataError(f"only like can be compared with like: {what} is {ours} for one and {theirs} for the other")
    apart = set(first.paths) ^ set(second.paths)
    if apart or len(first) != len(second):
        names = listed(sorted(apart), limit=3)
        raise DataError(
            f"the two models were not asked the same queries: {len(first)} and {len(second)} have a match"
            f"{f', and only one side has {names}' if apart else ''}; evaluate both on the same set"
        )
    for what in ("rows", "paths", "names", "trials"):
        ours, theirs = getattr(first, what), getattr(second, what)
        other = np.flatnonzero(ours != theirs)
        if len(other):
            place = int(other[0])
            raise DataError(
                f"the two models were not asked the same queries: {_MEANING[what]} of {printable(first.paths[place])} "
                f"is {printable(ours[place])} for one and {printable(theirs[place])} for the other"
            )


def _differences(
    first: PerQuery, second: PerQuery, names: Sequence[str], resamples: int, seed: int
) -> dict[str, Difference]:
    sums = [values.by_identity() for values in (first, second)]
    gained = {name: sums[1].figures[name] - sums[0].figures[name] for name in names}
    drawn: dict[str, Values] = {}
    if resamples and len(sums[0].names) > 1:
        drawn = resample(sums[0].weights, gained, resamples=resamples, seed=seed)
    limits = ends(drawn)
    found = {}
    for name in names:
        before, after = first.mean(name) or 0.0, second.mean(name) or 0.0
        p = _probability(drawn[name]) if name in drawn else None
        found[name] = Difference(before, after, after - before, limits.get(name), p)
    return found


def _probability(differences: Values) -> float:
    tails = [np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0)]
    return float(min(1.0, 2 * (min(tails) + 1) / (len(differences) + 1)))


def _mcnemar(first: PerQuery, second: PerQuery, names: Sequence[str]) -> McNemar | None:
    from scipy.stats import binomtest

    name = next((name for name in ("rank1", "R@1") if name in names), None)
    if name is None or (first.trials > 1).any():
        return None
    ours, theirs = first.figures[name] > 0, second.figures[name] > 0
    only_first, only_second = int(np.count_nonzero(ours & ~theirs)), int(np.count_nonzero(theirs & ~ours))
    apart = only_first + only_second
    p = float(binomtest(only_first, apart).pvalue) if apart else 1.0
    return McNemar(only_first, only_second, p)


def _largest(rows: Integers, gains: Values) -> Integers:
    """The rows with a positive gain, the largest first; of equal ones by row."""
    order = np.lexsort((rows, -gains))
    return rows[order][gains[order] > 0]
