"""One random image per identity as the gallery, all others as queries."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reid import rng
from reid.errors import ConfigError
from reid.evaluation import checks
from reid.evaluation.bootstrap import RESAMPLES, intervals
from reid.evaluation.matches import Labels
from reid.evaluation.outcome import OTHER_PROTOCOL, count, ranking_report
from reid.evaluation.per_query import over_trials, per_query, ranking_measures
from reid.evaluation.ranking import MEMORY, MatchRanks, rank_matches
from reid.evaluation.refinement import PLAIN, Refinement
from reid.evaluation.reports import RANKS, SingleShotReport
from reid.evaluation.trials import rank_trials
from reid.records import JUNK, Embeddings, Integers, Records


def single_shot(
    gallery: Embeddings,
    *,
    trials: int = 10,
    seed: int = 0,
    ranks: Sequence[int] = RANKS,
    average_precision: str = "step",
    memory: int = MEMORY,
    bootstrap: int = RESAMPLES,
    refinement: Refinement = PLAIN,
) -> SingleShotReport:
    """Ask all images against a gallery of one random image per identity, several times: the VehicleID convention.

    Trial t draws from `rng.generator(seed, "single-shot", t)` in the order of identities and paths, so that the
    galleries depend on nothing else. Every query has one match, so that mAP by steps is the mean reciprocal rank.
    Whatever a trial's gallery, queries and gallery together are all images: re-ranked distances are made once. Query
    expansion depends on the gallery, and is done for each trial.

    Raises:
        DataError: there are no images but junk.
        ConfigError: an argument is out of its range.
    """
    checks.ranks(ranks)
    checks.average_precision(average_precision)
    checks.resamples(bootstrap)
    checks.not_empty(gallery.records, "test")
    if trials < 1:
        raise ConfigError(f"trials must be 1 or more, got {trials}")
    junk = int(np.count_nonzero(gallery.records.identities == JUNK))
    gallery = refinement.without_junk(gallery)
    records = gallery.records
    identities = _by_identity(records)
    galleries = [_draw(identities, seed, trial) for trial in range(trials)]
    measures = ranking_measures(ranks, average_precision)
    reports, values = [], []
    for rows, found in zip(galleries, _trial_ranks(gallery, galleries, refinement, memory), strict=True):
        scored = per_query(found, records, measures, protocol="single-shot", average_precision=average_precision)
        counts = replace(count(found, records, OTHER_PROTOCOL, gallery=len(rows)), junk_queries=junk)
        reports.append(ranking_report(found, scored, counts, ranks))
        values.append(scored)
    merged = over_trials(values, records)
    spread = intervals(merged, resamples=bootstrap, seed=seed)
    return SingleShotReport(tuple(reports), seed, per_query=merged, intervals=spread)


def trial_gallery(records: Records, *, seed: int, trial: int) -> Integers:
    """Rows of the images that are the gallery of one trial, those of `single_shot` with the same seed.

    Args:
        records: all images; junk is never drawn.
        seed: of the report.
        trial: from 0.
    """
    return _draw(_by_identity(records), seed, trial)


def _trial_ranks(
    images: Embeddings, galleries: Sequence[Integers], refinement: Refinement, memory: int
) -> list[MatchRanks]:
    """Ranks of each trial, all images being its queries."""
    labels = Labels.of(images.records)
    if refinement.expand is None:
        distances = refinement.distances(images.vectors, images.vectors)
        return rank_trials(distances, labels, galleries, memory=memory)
    return [_expanded_ranks(images, labels, rows, refinement, memory) for rows in galleries]


def _expanded_ranks(
    images: Embeddings, labels: Labels, rows: Integers, refinement: Refinement, memory: int
) -> MatchRanks:
    asked = labels.identities != JUNK
    asked[rows] = False
    queries = np.flatnonzero(asked)
    found = rank_matches(
        refinement.distances(images.vectors[queries], images.vectors[rows]),
        Labels(labels.identities[queries]),
        Labels(labels.identities[rows]),
        memory=memory,
    )

    def spread(values: Integers, other: int = 0) -> Integers:
        column = np.full(len(asked), other, dtype=np.int64)
        column[queries] = values
        return column

    return replace(
        found,
        asked=asked,
        matches=spread(found.matches),
        counted=spread(found.counted, len(rows)),
        taken_out=spread(found.taken_out),
        ties=spread(found.ties),
    )


@dataclass(frozen=True, eq=False)
class _Identities:
    """Images by identity and path: identity i has `rows[first[i] : first[i] + number[i]]`."""

    rows: Integers
    first: Integers
    number: Integers


def _by_identity(records: Records) -> _Identities:
    keys = list(zip(records.identities.tolist(), records.paths.tolist(), strict=True))
    known = np.flatnonzero(records.identities != JUNK).tolist()
    rows = np.array(sorted(known, key=keys.__getitem__), dtype=np.int64)
    _, first, number = np.unique(records.identities[rows], return_index=True, return_counts=True)
    return _Identities(rows, first, number)


def _draw(identities: _Identities, seed: int, trial: int) -> Integers:
    generator = rng.generator(seed, "single-shot", trial)
    places: Integers = identities.first + generator.integers(identities.number)
    return identities.rows[places]
