"""The charts of an evaluation: drawn as PNG files, and as parts of its page."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from reid.data.images import read_image
from reid.evaluation.bootstrap import RESAMPLES, curve_intervals
from reid.evaluation.explained import Verified
from reid.evaluation.reports import RankingReport, SingleShotReport
from reid.evaluation.verification import Verification
from reid.report.cameras import camera_matrix
from reid.report.curves import cmc_curves, precision_recall, roc_curves, similarity_histogram
from reid.report.embedding_map import MOST, embedding_map
from reid.report.page import Chart, png, thumbnail
from reid.report.subject import Subject

_RATE = "1e-3"
_PHOTO = 1300  # pixels of sample images on the page
_OF_TRAINING = {
    "learner-recall": (
        "Recall of each learner",
        "How well each learner's slice finds held-out training images alone, and all together.",
    ),
    "division-flow": ("Division", "Which images stayed with their learner from round to round, and where others went."),
    "learner-losses": ("Losses of the learners", "Over the epochs of training."),
    "division-clusters": ("What each learner sees", "Ten images of every cluster of the last division."),
}


def whole_charts(subject: Subject, folder: Path) -> Iterator[tuple[Path, Chart]]:
    """CMC, precision and recall, ROC, and similarities of pairs: the files and what is on the page."""
    reports = {f"{name} {protocol}": found for name, by in subject.results.items() for protocol, found in by.items()}
    curves = {name: found.curve for name, found in reports.items()}
    if any(map(len, curves.values())):
        bands = {
            name: curve_intervals(found.per_query, len(found.curve), resamples=RESAMPLES, seed=subject.seed)
            for name, found in reports.items()
            if found.per_query is not None and found.intervals
        }
        cmc_curves(
            curves,
            folder / "cmc.png",
            bands=bands,
            at_ranks={n: _at_ranks(r.intervals) for n, r in reports.items() if isinstance(r, SingleShotReport)},
        )
        words = "Share of queries with a match among the first images. Band or bars: 95 % interval over identities."
        yield _drawn(folder / "cmc.png", "CMC", words)
    precisions = {name: found.precision for name, found in reports.items() if isinstance(found, Verified)}
    if any(len(set(curve)) > 1 for curve in precisions.values()):  # with a single match each there is no curve
        precision_recall(precisions, folder / "precision-recall.png")
        words = "How many of the images down to a rank are right, over how many of the matches they hold."
        yield _drawn(folder / "precision-recall.png", "Precision and recall", words)
    verified = {
        name: found.verification
        for name, found in reports.items()
        if isinstance(found, Verified) and found.verification is not None and found.verification.curve
    }
    if verified:
        roc_curves(verified, folder / "roc.png")
        words = "Pairs accepted below a threshold on the distance: of one identity (up) against of two (right)."
        yield _drawn(folder / "roc.png", "ROC", words)
    for name, found in verified.items():
        path = folder / f"similarities-{name.replace(' ', '-')}.png"
        similarity_histogram(found, path, thresholds=_thresholds(found, subject))
        words = "The less the two overlap, the better one threshold tells them apart; it accepts what lies right of it."
        yield _drawn(path, f"Similarities of pairs, {name}", words)


def camera_charts(subject: Subject, folder: Path) -> Iterator[tuple[Path, Chart]]:
    """Rank-1 by cameras of each test set where there are several."""
    for name, by_protocol in subject.results.items():
        for report in by_protocol.values():
            if isinstance(report, RankingReport) and report.camera_pairs is not None and report.camera_pairs.several:
                camera_matrix(report.camera_pairs, folder / f"cameras-{name}.png")
                words = "Rank-1 in percent of the queries of one camera among the images of another; darker is worse."
                path, chart = _drawn(folder / f"cameras-{name}.png", f"Cameras, {name}", words)
                yield path, replace(chart, photo=True)


def map_chart(subject: Subject, folder: Path) -> Iterator[tuple[Path, Chart]]:
    """The embedding of the largest test set in two dimensions."""
    name = subject.largest
    path, embedded, judged = folder / f"map-{name}.png", subject.embeddings[name], subject.judged(name)
    if judged is not None:
        embedded = embedded.select(np.flatnonzero(np.isin(embedded.records.identities, judged)))
    if words := embedding_map(embedded, path, seed=subject.seed):
        most = f"at most {MOST:,} are drawn"
        caption = f"{words}; {most}. Neighbours are alike; distances between groups, and axes, mean nothing."
        yield path, Chart(png(path.read_bytes()), f"Map of the embedding, {name}", caption, wide=True)


def training_charts(folder: Path) -> Iterator[Chart]:
    """What training has drawn into the same folder."""
    for stem, (title, caption) in _OF_TRAINING.items():
        path = folder / f"{stem}.png"
        if path.is_file():
            photo = stem == "division-clusters"
            source = thumbnail(read_image(path), side=_PHOTO) if photo else png(path.read_bytes())
            yield Chart(source, title, caption, wide=True, photo=True)  # colours are the learners'


def _thresholds(found: Verification, subject: Subject) -> dict[str, float]:
    """That at which one of a thousand other pairs is accepted here, and those that were chosen before."""
    told = [rate for rate in (_RATE, *found.thresholds) if found.thresholds[rate] is not None]
    here = {f"accepts {rate} of others here": 1 - (found.thresholds[rate] or 0) for rate in told[:1]}
    return here | (dict(subject.chosen) if subject.refinement.plain else {})


def _at_ranks(intervals: object) -> dict[int, tuple[float, float]]:
    if not isinstance(intervals, dict):
        return {}
    return {int(name[4:]): ends for name, ends in intervals.items() if name.startswith("rank") and ends is not None}


def _drawn(path: Path, title: str, caption: str) -> tuple[Path, Chart]:
    return path, Chart(png(path.read_bytes()), title, caption)
