"""What one must know to read the figures, in words: how they are defined, what was counted and what was not."""

from collections.abc import Iterator, Mapping, Sequence

from reid.evaluation.reports import AllVsAllReport, Counts, RankingReport, Report, SingleShotReport
from reid.text import printable

_AVERAGE_PRECISION = {
    "step": "average precision by steps: the mean of the precision at the rank of each match",
    "trapezoid": "average precision by trapezoids, as in the MATLAB code of Market-1501",
}
_CAMERA_RULE = {
    "applied": "{} of the same identity and camera removed",
    "no cameras": "no cameras known, so no pairs of the same identity and camera removed",
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
        yield _CAMERA_RULE[counts.camera_rule].format(_many(counts.same_camera_removed, "pair"))
    yield from _left_out(counts)
    if counts.ties:
        yield (
            f"{_many(counts.ties, 'tie')} of a wrong with a right image, in "
            f"{_many(counts.queries_with_ties, 'query', 'queries')}; the wrong one ranks first"
        )
    if not isinstance(report, AllVsAllReport):
        yield from _beyond(report)


def _size(report: Report) -> str:
    counts = report.counts
    if isinstance(report, AllVsAllReport):
        nmi = f"; NMI is the mean of {_many(len(report.nmi), 'clustering')}" if report.nmi else ""
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
        yield f"{shared} in the gallery too, as the same file, which may be found as a match"


def _beyond(report: RankingReport | SingleShotReport) -> Iterator[str]:
    first = report.trials[0] if isinstance(report, SingleShotReport) else report
    beyond = [f"Rank-{k}" for k in first.cmc if k > report.counts.gallery]
    if beyond:
        yield f"the whole gallery, {_many(report.counts.gallery, 'image')}, counts for {', '.join(beyond)}"


def _many(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"
