"""Queries against a gallery."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from reid.distances import CosineDistances, Distances
from reid.errors import ConfigError, DataError
from reid.evaluation import checks
from reid.evaluation.bootstrap import RESAMPLES, intervals
from reid.evaluation.camera_pairs import score_camera_pairs
from reid.evaluation.matches import Labels, Rules
from reid.evaluation.metrics import precision_at_recall
from reid.evaluation.open_set import Nearest, non_mated, open_set
from reid.evaluation.outcome import count, ranking_report
from reid.evaluation.per_query import per_query, ranking_measures
from reid.evaluation.ranking import MEMORY, MatchRanks, Watch, rank_matches
from reid.evaluation.refinement import PLAIN, Refinement
from reid.evaluation.reports import RANKS, Counts, RankingReport
from reid.evaluation.verification import PairHistogram, verify
from reid.records import JUNK, NO_CAMERA, Embeddings, Integers, Records


def query_gallery(
    query: Embeddings,
    gallery: Embeddings,
    *,
    ranks: Sequence[int] = RANKS,
    average_precision: str = "step",
    memory: int = MEMORY,
    same_camera: str = "remove",
    verification: bool = True,
    bootstrap: int = RESAMPLES,
    camera_pairs: bool = False,
    seed: int = 0,
    refinement: Refinement = PLAIN,
) -> RankingReport:
    """Ask every query against the gallery: Market-1501, DukeMTMC, MSMT17, VeRi-776, In-shop.

    Junk is removed. A gallery image of the query's identity *and* camera is removed where both cameras are known, and
    so is the query's own file.

    Args:
        query: the queries.
        gallery: what they are asked against.
        ranks: of the CMC.
        average_precision: definition of mAP.
        memory: bytes of scratch beyond the vectors.
        same_camera: "remove" or "keep" gallery images of the query's identity and camera.
        verification: also count all pairs by distance and, if there are queries whose identity the gallery lacks,
            measure open-set identification.
        bootstrap: resamples for the intervals; 0 leaves them out.
        camera_pairs: also score every pair of cameras, which takes as long again; not where distances are refined,
            as these depend on the whole gallery.
        seed: of the resamples.
        refinement: what stands between vectors and ranking.

    Raises:
        DataError: nothing is left to ask or to search, the two were embedded by different models, or no query has
            a match.
        ShapeError: vectors of different dimension.
        ConfigError: an argument is out of its range.
    """
    checks.ranks(ranks)
    checks.average_precision(average_precision)
    checks.resamples(bootstrap)
    _refuse_other_model(query, gallery)
    checks.not_empty(query.records, "query")
    checks.not_empty(gallery.records, "gallery")
    rule = _camera_rule(query.records, gallery.records, same_camera)
    junk = int(np.count_nonzero(gallery.records.identities == JUNK))
    gallery = refinement.without_junk(gallery)
    itself = _itself(query.records, gallery.records)
    rules = Rules(same_camera=rule == "applied", itself=itself)
    labels = Labels.of(query.records), _labels_like(query.records, gallery.records)
    distances = refinement.distances(query.vectors, gallery.vectors)
    watch = _Watch.of(distances, *labels) if verification else _Watch()
    found = replace(rank_matches(distances, *labels, rules=rules, memory=memory, watch=watch.all()), junk=junk)
    seen = _cameras(query.records), _cameras(gallery.records)
    counts = replace(
        count(found, query.records, rule, gallery=int(np.count_nonzero(gallery.records.identities != JUNK))),
        queries_in_gallery=0 if itself is None else int(np.count_nonzero(itself >= 0)),
        query_cameras=len(seen[0]),
        gallery_cameras=len(seen[1]),
        common_cameras=len(seen[0] & seen[1]),
    )
    _refuse_without_match(counts, found)
    measures = ranking_measures(ranks, average_precision)
    values = per_query(found, query.records, measures, protocol="query-gallery", average_precision=average_precision)
    return replace(
        ranking_report(found, values, counts, ranks),
        per_query=values,
        precision=tuple(precision_at_recall(found).tolist()),
        intervals=intervals(values, resamples=bootstrap, seed=seed),
        verification=verify(watch.pairs) if watch.pairs else None,
        open_set=open_set(watch.nearest, found) if watch.nearest else None,
        camera_pairs=score_camera_pairs(
            distances, *labels, rules=rules, average_precision=average_precision, memory=memory
        )
        if camera_pairs and isinstance(distances, CosineDistances) and refinement.plain
        else None,
    )


@dataclass(frozen=True)
class _Watch:
    """What looks at the distances while they are ranked."""

    pairs: PairHistogram | None = None
    nearest: Nearest | None = None

    @classmethod
    def of(cls, distances: Distances, query: Labels, gallery: Labels) -> Self:
        strangers = non_mated(query, gallery)
        nearest = Nearest(distances, strangers) if strangers.any() else None
        return cls(PairHistogram(query.identities != JUNK), nearest)

    def all(self) -> list[Watch]:
        return [watch for watch in (self.pairs, self.nearest) if watch is not None]


def _camera_rule(query: Records, gallery: Records, same_camera: str) -> str:
    if same_camera not in {"remove", "keep"}:
        raise ConfigError(f"same_camera must be 'remove' or 'keep', got {same_camera!r}")
    if same_camera == "keep":
        return "off"
    known = all(r.cameras is not None and bool((r.cameras != NO_CAMERA).any()) for r in (query, gallery))
    return "applied" if known else "no cameras"


def _cameras(records: Records) -> set[int]:
    """Known cameras of images that are not junk."""
    if records.cameras is None:
        return set()
    return {*records.cameras[records.identities != JUNK].tolist()} - {NO_CAMERA}


def _labels_like(query: Records, gallery: Records) -> Labels:
    """Labels of the gallery in the codes of the query, which differ where the two were stored apart."""
    if gallery.identity_names == query.identity_names:
        return Labels.of(gallery)
    code_of = {name: code for code, name in enumerate(query.identity_names)}
    codes = np.array([code_of.setdefault(name, len(code_of)) for name in gallery.identity_names], dtype=np.int64)
    junk = gallery.identities == JUNK
    identities = np.full(len(gallery), JUNK, dtype=np.int64)
    identities[~junk] = codes[gallery.identities[~junk]]
    return Labels(identities, gallery.cameras)


def _itself(query: Records, gallery: Records) -> Integers | None:
    """(Q,) gallery image that is the very file of each query, -1 where there is none; None where no query is there."""
    if query.root != gallery.root:
        return None
    place = {path: row for row, path in enumerate(gallery.paths) if gallery.identities[row] != JUNK}
    known = query.identities != JUNK
    found = [place.get(path, -1) if asked else -1 for path, asked in zip(query.paths, known, strict=True)]
    return np.array(found, dtype=np.int64) if max(found, default=-1) >= 0 else None


def _refuse_other_model(query: Embeddings, gallery: Embeddings) -> None:
    if query.model and gallery.model and query.model != gallery.model:
        raise DataError(
            f"queries were embedded by model {query.model[:12]} and the gallery by {gallery.model[:12]}, whose vectors "
            "cannot be compared; embed both with the same model"
        )


def _refuse_without_match(counts: Counts, found: MatchRanks) -> None:
    if counts.queries_without_match < counts.queries:
        return
    removed = int(np.count_nonzero(found.asked & (found.taken_out > 0)))
    alone = removed - counts.queries_only_same_camera
    reasons = (
        [f"{counts.queries - removed} have an identity that the gallery lacks"] if counts.queries > removed else []
    )
    if counts.queries_only_same_camera:
        reasons.append(
            f"{counts.queries_only_same_camera} have their identity in the gallery only on their own camera, "
            "and pictures of the same identity and camera are removed"
        )
    if alone:
        reasons.append(f"{alone} have no other picture of their identity in the gallery than their own file")
    raise DataError(
        f"none of the {counts.queries} queries has a match: {'; '.join(reasons)}. Check the identities and camera "
        "numbers of both sets, or keep pictures of the same camera (same_camera='keep')"
    )
