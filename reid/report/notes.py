"""What one must know to read the figures, in words: how they are defined, what was counted and what was not."""

from collections.abc import Iterator, Mapping, Sequence

from reid.evaluation.explained import Verified
from reid.evaluation.open_set import OpenSet
from reid.evaluation.reports import AllVsAllReport, Counts, RankingReport, Report, SingleShotReport
from reid.evaluation.verification import RATES, Verification
from reid.text import printable

_AVERAGE_PRECISION = {
    "step": "average precision by steps: the mean of the precision at the rank of each match",
    "trapezoid": "average precision by trapezoids, as in the MATLAB code of Market-1501",
}
_CAMERA_RULE = {
    "applied": "{} of the same identity and camera removed",
    "no cameras": "no cameras known, so no pairs of the same identity and camera removed: an image of the query's own "
    "camera, which is easy to find, counts as a match",
    "off": "pairs of the same identity and camera kept, as asked",
}


def notes(results: Mapping[str, Mapping[str, Report]]) -> list[str]:
    """One sentence each; what is true of several test sets is said once, with their names in front.

    Args:
        results: reports by split and protocol.
    """
    reports = {f"{split} {protocol}": report for split, by in results.items() for protocol, report in by.items()}
    said: dict[str, list[str]] = {}
    order: dict[str, int] = {}
    for place, report in reports.items():
        for position, note in enumerate(_notes(report)):
            said.setdefault(note, []).append(place)
            order.setdefault(note, position)
    lines = [(note, said[note]) for note in sorted(said, key=order.__getitem__)]
    return [_sentence(note, [] if len(places) == len(reports) else places) for note, places in lines]


def _sentence(note: str, places: Sequence[str]) -> str:
    return f"{printable(', '.join(places))}: {note}" if places else note[0].upper() + note[1:]


def _notes(report: Report) -> Iterator[str]:
    counts = report.counts
    yield _size(report)
    yield _AVERAGE_PRECISION[report.average_precision]
    if counts.camera_rule in _CAMERA_RULE:
        removed = _many(counts.same_camera_removed, "pair") if counts.same_camera_removed else "no pairs"
        yield _CAMERA_RULE[counts.camera_rule].format(removed)
    if counts.query_cameras and counts.gallery_cameras:
        yield (
            f"queries from {_many(counts.query_cameras, 'camera')}, gallery from {counts.gallery_cameras:,}; "
            f"{counts.common_cameras:,} in both"
        )
    yield from _left_out(counts)
    if counts.ties:
        yield (
            f"{_many(counts.ties, 'tie')} of a wrong with a right image, in "
            f"{_many(counts.queries_with_ties, 'query', 'queries')}; the wrong one ranks first"
        )
    if not isinstance(report, AllVsAllReport):
        yield from _beyond(report)
    yield from _spread(report)
    if isinstance(report, Verified) and report.verification is not None:
        yield from _verified(report.verification)
    if isinstance(report, RankingReport) and report.open_set is not None:
        yield from _opened(report.open_set)


def _size(report: Report) -> str:
    counts = report.counts
    if isinstance(report, AllVsAllReport):
        clusterings = _many(len(report.nmi), "clustering")
        nmi = f"; NMI, and F1 of pairs in one cluster, are the means of {clusterings}" if report.nmi else ""
        return f"each of {_many(counts.queries, 'image')} asked against all others{nmi}"
    size = f"{_many(counts.queries, 'query', 'queries')} against {_many(counts.gallery, 'gallery image')}"
    if isinstance(report, RankingReport):
        return size
    return (
        f"{size}, one random image of each identity; mean ± population standard deviation of "
        f"{_many(len(report.trials), 'such gallery', 'such galleries')} (seed {report.seed})"
    )


def _left_out(counts: Counts) -> Iterator[str]:
    if counts.queries_without_match:
        same = counts.queries_only_same_camera
        why = f", {same:,} of them because it is on their own camera only" if same else ""
        yield (
            f"{counts.queries_without_match:,} of {_many(counts.queries, 'query', 'queries')} without a match in the "
            f"gallery{why}; no figure counts them"
        )
    if counts.junk:
        yield f"{_many(counts.junk, 'junk image')} removed from the gallery"
    if counts.junk_queries and not counts.junk:
        yield f"{_many(counts.junk_queries, 'junk image')} not asked"
    if counts.queries_in_gallery:
        shared = _many(counts.queries_in_gallery, "query", "queries")
        yield f"{shared} in the gallery too, as the same file, which does not count for them"


def _beyond(report: RankingReport | SingleShotReport) -> Iterator[str]:
    first = report.trials[0] if isinstance(report, SingleShotReport) else report
    beyond = [f"Rank-{k}" for k in first.cmc if k > report.counts.gallery]
    if beyond:
        yield f"the whole gallery, {_many(report.counts.gallery, 'image')}, counts for {', '.join(beyond)}"


def _spread(report: Report) -> Iterator[str]:
    if any(report.intervals.values()):
        yield (
            "95 % intervals: where the figure falls when identities are drawn anew with replacement, with the same model "
            "and gallery; they say nothing about another training run"
        )
    elif report.intervals:
        yield "no 95 % intervals, as they need at least two identities with a match"


def _verified(found: Verification) -> Iterator[str]:
    yield (
        "TPR@x: share of the matching pairs of query and gallery image that a threshold on the distance accepts which "
        "accepts a share x of the other pairs; EER: the error rate where wrong acceptances and wrong refusals are equally "
        "frequent"
    )
    undefined = [f"TPR@{name}" for name in RATES if found.tpr[name] is None]
    if undefined and found.matching_pairs:
        others = _many(found.other_pairs, "other pair")
        yield f"{', '.join(undefined)} undefined, as there are only {others}"


def _opened(found: OpenSet) -> Iterator[str]:
    mated, strangers = (_many(number, "query", "queries") for number in (found.mated, found.non_mated))
    yield (
        f"DIR@x: share of the {mated} with a match that find it first, within the distance at which a share x of the "
        f"{strangers} whose identity the gallery lacks raise a false alarm"
    )


def _many(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"
