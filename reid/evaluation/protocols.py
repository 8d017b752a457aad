"""How a test set is scored: the choice of a protocol by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from reid import text
from reid.errors import ConfigError, DataError
from reid.evaluation.all_vs_all import all_vs_all
from reid.evaluation.bootstrap import RESAMPLES
from reid.evaluation.query_gallery import query_gallery
from reid.evaluation.ranking import MEMORY
from reid.evaluation.refinement import PLAIN, Refinement
from reid.evaluation.reports import RANKS, Report
from reid.evaluation.single_shot import single_shot
from reid.records import Embeddings, TestSet, concatenate

__all__ = ["PROTOCOLS", "Options", "all_vs_all", "evaluate", "evaluate_test_set", "query_gallery", "single_shot"]


@dataclass(frozen=True)
class Options:
    """What may be chosen about an evaluation; a protocol takes what concerns it.

    Attributes:
        ranks: k of rank-k or recall@k; None means the protocol's own.
        average_precision: "step" or "trapezoid" (`metrics.AVERAGE_PRECISIONS`).
        memory: bytes of scratch beyond the vectors.
        same_camera: query-gallery: "remove" or "keep" gallery images of the query's identity and camera.
        trials: single-shot: how many galleries are drawn.
        seed: what the draws, the resamples and the starts of k-means depend on.
        nmi_seeds: all-vs-all: how many clusterings NMI and F1 are the means of; 0 leaves them out.
        verification: query-gallery and all-vs-all: also count all pairs by distance, for ROC and open set.
        bootstrap: resamples of identities for the intervals; 0 leaves them out.
        camera_pairs: query-gallery: also score every pair of cameras.
        refinement: what stands between vectors and ranking: query expansion, re-ranking.
    """

    ranks: tuple[int, ...] | None = None
    average_precision: str = "step"
    memory: int = MEMORY
    same_camera: str = "remove"
    trials: int = 10
    seed: int = 0
    nmi_seeds: int = 3
    verification: bool = True
    bootstrap: int = RESAMPLES
    camera_pairs: bool = False
    refinement: Refinement = PLAIN


def evaluate(
    embeddings: Embeddings | tuple[Embeddings, Embeddings], protocol: str, options: Options | None = None
) -> Report:
    """Score embeddings by a protocol's name.

    Args:
        embeddings: one set of images, or queries and gallery.
        protocol: "query-gallery", "single-shot" or "all-vs-all".
        options: what else may be chosen.

    Raises:
        ConfigError: no such protocol, an option out of its range, or the protocol needs queries of their own and there are none.
        DataError: the images cannot be scored so; see the protocols.
    """
    if protocol not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        hint = text.did_you_mean(protocol, PROTOCOLS)
        raise ConfigError(f"protocol {text.printable(protocol)!r} is not known{hint} There are: {known}")
    query, gallery = embeddings if isinstance(embeddings, tuple) else (None, embeddings)
    return PROTOCOLS[protocol](query, gallery, options or Options())


def evaluate_test_set(
    test: TestSet, embeddings: Embeddings, protocols: Sequence[str] | None = None, options: Options | None = None
) -> dict[str, Report]:
    """Score a test set by each of its protocols.

    Args:
        test: the test set.
        embeddings: of `test.images()`, in that order: the queries, if any, then the gallery.
        protocols: names; None means those of the test set.
        options: what else may be chosen.

    Returns:
        Reports by protocol.

    Raises:
        DataError: the embeddings are of other images, or the set cannot be scored.
        ConfigError: see `evaluate`.
    """
    _refuse_other_images(test, embeddings)
    queries = 0 if test.query is None else len(test.query)
    apart = (embeddings.select(slice(0, queries)), embeddings.select(slice(queries, None)))
    chosen = test.protocols if protocols is None else protocols
    return {
        name: evaluate(apart if queries and name == "query-gallery" else embeddings, name, options) for name in chosen
    }


def _query_gallery(query: Embeddings | None, gallery: Embeddings, options: Options) -> Report:
    if query is None:
        raise ConfigError(
            "protocol query-gallery needs queries of their own, and this set has none; choose all-vs-all or single-shot"
        )
    return query_gallery(
        query,
        gallery,
        ranks=RANKS if options.ranks is None else options.ranks,
        average_precision=options.average_precision,
        memory=options.memory,
        same_camera=options.same_camera,
        verification=options.verification,
        bootstrap=options.bootstrap,
        refinement=options.refinement,
        camera_pairs=options.camera_pairs,
        seed=options.seed,
    )


def _single_shot(query: Embeddings | None, gallery: Embeddings, options: Options) -> Report:
    return single_shot(
        _joined(query, gallery),
        trials=options.trials,
        seed=options.seed,
        ranks=RANKS if options.ranks is None else options.ranks,
        average_precision=options.average_precision,
        memory=options.memory,
        bootstrap=options.bootstrap,
        refinement=options.refinement,
    )


def _all_vs_all(query: Embeddings | None, gallery: Embeddings, options: Options) -> Report:
    return all_vs_all(
        _joined(query, gallery),
        ranks=options.ranks,
        average_precision=options.average_precision,
        memory=options.memory,
        nmi_seeds=options.nmi_seeds,
        seed=options.seed,
        verification=options.verification,
        bootstrap=options.bootstrap,
        refinement=options.refinement,
    )


def _refuse_other_images(test: TestSet, embeddings: Embeddings) -> None:
    expected, found = test.images().paths, embeddings.records.paths
    if len(expected) != len(found):
        raise DataError(f"test set {test.name} has {len(expected)} images, but there are vectors of {len(found)}")
    other = np.flatnonzero(expected != found)
    if len(other):
        row = int(other[0])
        raise DataError(
            f"the vectors are not those of test set {test.name}: row {row} should be {text.printable(expected[row])} "
            f"but is {text.printable(found[row])}; embed the set again"
        )


def _joined(query: Embeddings | None, gallery: Embeddings) -> Embeddings:
    if query is None:
        return gallery
    return replace(
        gallery,
        vectors=np.concatenate([query.vectors, gallery.vectors]),
        records=concatenate([query.records, gallery.records]),
    )


PROTOCOLS: Mapping[str, Callable[[Embeddings | None, Embeddings, Options], Report]] = MappingProxyType(
    {"query-gallery": _query_gallery, "single-shot": _single_shot, "all-vs-all": _all_vs_all}
)
"""The protocols by name: functions of the queries, if they are apart, the gallery and the options."""
