"""What a report says beside its figures: their spread, and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reid.evaluation.bootstrap import Interval
from reid.evaluation.per_query import PerQuery, hardest_queries, worst_identities
from reid.evaluation.verification import Verification

LISTED = 10
"""Identities and queries listed as the worst."""


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Beside the figures of any report.

    Attributes:
        per_query: the values of every scored query; not in the JSON.
        intervals: 95 % interval over identities by figure; empty where they were not asked for.
    """

    per_query: PerQuery | None = field(default=None, compare=False, repr=False)
    intervals: Mapping[str, Interval] = field(default_factory=dict)

    def explanation(self) -> dict[str, Any]:
        """As JSON: intervals, the worst identities and the hardest queries."""
        found: dict[str, Any] = {"intervals": {name: end and list(end) for name, end in self.intervals.items()}}
        if self.per_query is not None:
            found["worst_identities"] = [one.to_dict() for one in worst_identities(self.per_query, LISTED)]
            found["hardest_queries"] = [one.to_dict() for one in hardest_queries(self.per_query, LISTED)]
        return found


@dataclass(frozen=True, kw_only=True)
class Verified(Explained):
    """Beside the figures of a report whose pairs can be verified.

    Attributes:
        verification: rates over all pairs; None where they were not asked for. It is no part of what makes two
            reports equal, as its last digits may differ from processor to processor.
        precision: mean precision at recalls of 0, 1 %, ..., 100 %, for drawing (`metrics.precision_at_recall`); not in
            the JSON.
    """

    verification: Verification | None = field(default=None, compare=False)
    precision: tuple[float, ...] = field(default=(), repr=False)

    def explanation(self) -> dict[str, Any]:
        """As JSON: what `Explained` has, and verification."""
        return {**super().explanation(), "verification": self.verification and self.verification.to_dict()}
