"""Every image against all others."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reid.evaluation import checks
from reid.evaluation.bootstrap import RESAMPLES, intervals
from reid.evaluation.clustering import agreement
from reid.evaluation.matches import Labels, Rules
from reid.evaluation.metrics import precision_at_recall
from reid.evaluation.outcome import OTHER_PROTOCOL, count, curve
from reid.evaluation.per_query import mutual_measures, per_query
from reid.evaluation.ranking import MEMORY, rank_matches
from reid.evaluation.refinement import PLAIN, Refinement
from reid.evaluation.reports import AllVsAllReport
from reid.evaluation.verification import PairHistogram, verify
from reid.records import JUNK, Embeddings

RECALLS = (1, 2, 4, 5, 8, 10, 100, 1000)
"""k of the recall@k that are reported by default, as far as there are that many images."""


def all_vs_all(
    gallery: Embeddings,
    *,
    ranks: Sequence[int] | None = None,
    average_precision: str = "step",
    memory: int = MEMORY,
    nmi_seeds: int = 3,
    seed: int = 0,
    verification: bool = True,
    bootstrap: int = RESAMPLES,
    refinement: Refinement = PLAIN,
) -> AllVsAllReport:
    """Ask every image against all others: SOP, CUB, CARS, and VehicleID in metric learning.

    Args:
        gallery: the images; junk is left out.
        ranks: k of recall@k; None means `RECALLS`, as far as a query has that many others.
        average_precision: definition of mAP.
        memory: bytes of scratch beyond the vectors.
        nmi_seeds: clusterings that NMI and F1 are the means of; 0 leaves them out.
        seed: decides where the clusterings start, and of the resamples.
        verification: also count all pairs by distance.
        bootstrap: resamples for the intervals; 0 leaves them out.
        refinement: what stands between vectors and ranking; the clusterings are those of the vectors as they are.

    Raises:
        DataError: there are no images but junk.
        ConfigError: an argument is out of its range.
    """
    checks.not_empty(gallery.records, "test")
    known = gallery.records.identities != JUNK
    others = int(np.count_nonzero(known)) - 1
    ranks = [k for k in RECALLS if k <= max(1, others)] if ranks is None else ranks
    checks.ranks(ranks)
    checks.average_precision(average_precision)
    checks.resamples(bootstrap)
    junk = len(known) - others - 1
    gallery = refinement.without_junk(gallery)
    known = gallery.records.identities != JUNK
    labels = Labels.of(gallery.records)
    pairs = PairHistogram(known) if verification else None
    found = rank_matches(
        refinement.distances(gallery.vectors, gallery.vectors),
        labels,
        labels,
        rules=Rules(same_image=True),
        memory=memory,
        watch=(pairs,) if pairs else (),
    )
    values = per_query(
        found,
        gallery.records,
        mutual_measures(ranks, average_precision),
        protocol="all-vs-all",
        average_precision=average_precision,
    )
    kept = gallery if known.all() else gallery.select(known)
    clustered = agreement(kept.vectors, kept.records.identities, seeds=nmi_seeds, seed=seed)
    return AllVsAllReport(
        recall={k: values.mean(f"R@{k}") for k in ranks},
        mAP=values.mean("mAP"),
        map_at_r=values.mean("map_at_r"),
        r_precision=values.mean("r_precision"),
        mINP=values.mean("mINP"),
        nmi=clustered.nmi,
        f1=clustered.f1,
        average_precision=average_precision,
        counts=replace(count(found, gallery.records, OTHER_PROTOCOL, gallery=others + 1), junk=junk, junk_queries=junk),
        curve=curve(found),
        per_query=values,
        precision=tuple(precision_at_recall(found).tolist()),
        intervals=intervals(values, resamples=bootstrap, seed=seed),
        verification=verify(pairs) if pairs else None,
    )
