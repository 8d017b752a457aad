"""Queries against a gallery."""

from collections.abc import Sequence

import numpy as np

from reid.distances import CosineDistances
from reid.errors import ConfigError, DataError
from reid.evaluation import checks
from reid.evaluation.matches import Labels, Rules
from reid.evaluation.outcome import count, ranking_report
from reid.evaluation.ranking import MEMORY, rank_matches
from reid.evaluation.reports import RANKS, Counts, RankingReport
from reid.records import JUNK, NO_CAMERA, Embeddings, Records


def query_gallery(
    query: Embeddings,
    gallery: Embeddings,
    *,
    ranks: Sequence[int] = RANKS,
    average_precision: str = "step",
    memory: int = MEMORY,
    same_camera: str = "remove",
) -> RankingReport:
    """Ask every query against the gallery: Market-1501, DukeMTMC, MSMT17, VeRi-776, In-shop.

    Junk is removed. A gallery image of the query's identity *and* camera is removed where both cameras are known.

    Raises:
        DataError: nothing is left to ask or to search, the two were embedded by different models, or no query has
            a match.
        ShapeError: vectors of different dimension.
        ConfigError: an argument is out of its range.
    """
    checks.ranks(ranks)
    checks.average_precision(average_precision)
    _refuse_other_model(query, gallery)
    checks.not_empty(query.records, "query")
    checks.not_empty(gallery.records, "gallery")
    rule = _camera_rule(query.records, gallery.records, same_camera)
    found = rank_matches(
        CosineDistances(query.vectors, gallery.vectors),
        Labels.of(query.records),
        _labels_like(query.records, gallery.records),
        rules=Rules(same_camera=rule == "applied"),
        memory=memory,
    )
    counts = count(
        found,
        query.records,
        rule,
        gallery=len(gallery.records) - found.junk,
        queries_in_gallery=_shared(query.records, gallery.records),
    )
    _refuse_without_match(counts)
    return ranking_report(found, counts, ranks, average_precision)


def _camera_rule(query: Records, gallery: Records, same_camera: str) -> str:
    if same_camera not in {"remove", "keep"}:
        raise ConfigError(f"same_camera must be 'remove' or 'keep', got {same_camera!r}")
    if same_camera == "keep":
        return "off"
    known = all(r.cameras is not None and bool((r.cameras != NO_CAMERA).any()) for r in (query, gallery))
    return "applied" if known else "no cameras"


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


def _shared(query: Records, gallery: Records) -> int:
    """Queries whose own file is in the gallery as well."""
    if query.root != gallery.root:
        return 0
    files = set(gallery.paths[gallery.identities != JUNK])
    return sum(path in files for path in query.paths[query.identities != JUNK])


def _refuse_other_model(query: Embeddings, gallery: Embeddings) -> None:
    if query.model and gallery.model and query.model != gallery.model:
        raise DataError(
            f"queries were embedded by model {query.model[:12]} and the gallery by {gallery.model[:12]}, whose vectors "
            "cannot be compared; embed both with the same model"
        )


def _refuse_without_match(counts: Counts) -> None:
    if counts.queries_without_match < counts.queries:
        return
    absent = counts.queries - counts.queries_only_same_camera
    reasons = [f"{absent} have an identity that the gallery lacks"] if absent else []
    if counts.queries_only_same_camera:
        reasons.append(
            f"{counts.queries_only_same_camera} have their identity in the gallery only on their own camera, "
            "and pictures of the same identity and camera are removed"
        )
    raise DataError(
        f"none of the {counts.queries} queries has a match: {'; '.join(reasons)}. Check the identities and camera "
        "numbers of both sets, or keep pictures of the same camera (same_camera='keep')"
    )
