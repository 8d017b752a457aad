"""Every image against all others."""

from collections.abc import Sequence

import numpy as np

from reid.distances import CosineDistances
from reid.evaluation import checks, metrics
from reid.evaluation.clustering import nmi
from reid.evaluation.matches import Labels, Rules
from reid.evaluation.outcome import OTHER_PROTOCOL, count, curve
from reid.evaluation.ranking import MEMORY, rank_matches
from reid.evaluation.reports import AllVsAllReport
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
) -> AllVsAllReport:
    """Ask every image against all others: SOP, CUB, CARS, and VehicleID in metric learning.

    Args:
        gallery: the images; junk is left out.
        ranks: k of recall@k; None means `RECALLS`, as far as a query has that many others.
        average_precision: definition of mAP.
        memory: bytes of scratch beyond the vectors.
        nmi_seeds: clusterings that NMI is the mean of; 0 leaves it out.
        seed: decides where the clusterings start.

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
    labels = Labels.of(gallery.records)
    distances = CosineDistances(gallery.vectors, gallery.vectors)
    found = rank_matches(distances, labels, labels, rules=Rules(same_image=True), memory=memory)
    kept = gallery if known.all() else gallery.select(known)
    return AllVsAllReport(
        recall={k: metrics.mean(metrics.hits(found, k)) for k in ranks},
        mAP=metrics.mean(metrics.AVERAGE_PRECISIONS[average_precision](found)),
        map_at_r=metrics.mean(metrics.map_at_r(found)),
        r_precision=metrics.mean(metrics.r_precision(found)),
        mINP=metrics.mean(metrics.inverse_negative_penalty(found)),
        nmi=nmi(kept.vectors, kept.records.identities, seeds=nmi_seeds, seed=seed) if nmi_seeds else (),
        average_precision=average_precision,
        counts=count(found, gallery.records, OTHER_PROTOCOL, gallery=others + 1),
        curve=curve(found),
    )
