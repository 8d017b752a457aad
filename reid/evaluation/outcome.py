"""From ranks to what is reported of them."""

from collections.abc import Sequence

import numpy as np

from reid.evaluation import metrics
from reid.evaluation.per_query import PerQuery
from reid.evaluation.ranking import MatchRanks
from reid.evaluation.reports import CURVE, Counts, RankingReport
from reid.records import JUNK, Records

OTHER_PROTOCOL = "not in this protocol"
"""What `Counts.camera_rule` says where a protocol knows no cameras."""


def count(found: MatchRanks, query: Records, camera_rule: str, *, gallery: int) -> Counts:
    """The counts of a report, but those of files and cameras in both sets.

    Args:
        found: the ranks.
        query: the images that were asked, junk among them.
        camera_rule: what became of the camera rule.
        gallery: images searched, junk not among them.
    """
    lost = found.asked & (found.matches == 0)
    applied = camera_rule == "applied"
    return Counts(
        queries=int(np.count_nonzero(found.asked)),
        gallery=gallery,
        queries_without_match=int(np.count_nonzero(lost)),
        queries_only_same_camera=int(np.count_nonzero(lost & (found.taken_out > 0))) if applied else 0,
        junk=found.junk,
        junk_queries=int(np.count_nonzero(query.identities == JUNK)),
        same_camera_removed=int(found.taken_out.sum()) if applied else 0,
        ties=int(found.ties.sum()),
        queries_with_ties=int(np.count_nonzero(found.ties)),
        queries_in_gallery=0,
        camera_rule=camera_rule,
    )


def ranking_report(found: MatchRanks, values: PerQuery, counts: Counts, ranks: Sequence[int]) -> RankingReport:
    """The figures of queries against a gallery.

    Args:
        found: the ranks.
        values: of every scored query, by `ranking_measures` of these ranks.
        counts: what was scored.
        ranks: of the CMC.
    """
    return RankingReport(
        cmc={k: values.mean(f"rank{k}") for k in ranks},
        mAP=values.mean("mAP"),
        mINP=values.mean("mINP"),
        average_precision=values.average_precision,
        counts=counts,
        curve=curve(found),
    )


def curve(found: MatchRanks) -> tuple[float, ...]:
    """The CMC curve at ranks 1.. up to `CURVE` or the number of gallery images; empty where it is undefined."""
    first = metrics.first_ranks(found)
    longest = min(CURVE, int(found.counted.max(initial=0)))
    reached = np.cumsum(np.bincount(first, minlength=longest + 1))[1 : longest + 1]
    return tuple((reached / len(first)).tolist()) if len(first) else ()
