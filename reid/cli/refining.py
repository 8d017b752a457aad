"""Query expansion and re-ranking as the settings say, and where they often do harm."""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from reid.config import EvaluateConfig, size_in_bytes
from reid.distances import CosineDistances, Distances
from reid.errors import ConfigError
from reid.evaluation.protocols import Options
from reid.evaluation.refinement import Refinement
from reid.records import JUNK, Floats, Records, TestSet
from reid.rerank import (
    alpha_query_expansion,
    database_augmentation,
    expanded_neighbourhood,
    graph_propagation,
    k_reciprocal,
)
from reid.rerank.neighbourhood import Compare
from reid.text import did_you_mean, printable

RERANKS: Mapping[str, Callable[..., Distances]] = MappingProxyType(
    {
        "k-reciprocal": k_reciprocal,
        "ecn": partial(expanded_neighbourhood, base="ranks"),
        "ecn-vectors": partial(expanded_neighbourhood, base="vectors"),
        "graph": graph_propagation,
    }
)
"""Re-ranking methods by the names of `evaluate.rerank`."""

_NOT_OPTIONS = {"memory", "base", "compare"}
_FEW_POSITIVES = 1.5  # gallery images of an identity on average, below which neighbours are mostly strangers


def to_options(settings: EvaluateConfig, seed: int, compare: Compare = CosineDistances) -> Options:
    """What `settings` say about how protocols score.

    Args:
        settings: of the evaluation.
        seed: of all that is drawn.
        compare: makes the distances of vectors.

    Raises:
        ConfigError: the re-ranking has no such option.
    """
    return Options(
        average_precision=settings.average_precision,
        memory=size_in_bytes(settings.memory),
        bootstrap=settings.bootstrap,
        camera_pairs=settings.camera_pairs,
        refinement=to_refinement(settings, compare),
        trials=settings.trials,
        seed=seed,
    )


def refined_by(settings: EvaluateConfig) -> dict[str, Any]:
    """The re-ranking and expansion of a report, as plain values for JSON."""
    return {
        "rerank": settings.rerank,
        "rerank_options": dict(settings.rerank_options),
        "expand": settings.expand,
        "expand_alpha": settings.expand_alpha,
        "augment": settings.augment,
    }


def to_refinement(settings: EvaluateConfig, compare: Compare = CosineDistances) -> Refinement:
    """What `settings` put between vectors and ranking.

    Raises:
        ConfigError: the re-ranking has no such option.
    """
    check_options(settings)
    memory = size_in_bytes(settings.memory)
    rerank = None
    if settings.rerank != "none":
        rerank = partial(RERANKS[settings.rerank], **settings.rerank_options, memory=memory, compare=compare)
    expand = _expansion(settings, memory) if settings.expand or settings.augment else None
    return Refinement(expand, None if rerank is None else _Remembered(rerank), compare)


def check_options(settings: EvaluateConfig) -> None:
    """Refuse options that the re-ranking does not have.

    Raises:
        ConfigError: there are such; they are named, with those that exist.
    """
    known = [] if settings.rerank == "none" else _options(RERANKS[settings.rerank])
    for name in settings.rerank_options:
        if name not in known:
            has = f"{settings.rerank} has {', '.join(known)}" if known else "choose a re-ranking with --rerank first"
            raise ConfigError(
                f"evaluate.rerank_options: {printable(name)!r} is not known{did_you_mean(name, known)} {has}"
            )


def cautions(tests: Mapping[str, TestSet], settings: EvaluateConfig) -> list[str]:
    """Where re-ranking or expansion often does harm: with about one positive per query, in words."""
    if settings.rerank == "none" and not settings.expand and not settings.augment:
        return []
    harmed = []
    for name, test in tests.items():
        protocols = settings.protocols or test.protocols
        if "single-shot" in protocols:
            harmed.append(f"{name} single-shot")
        if "query-gallery" in protocols and test.query is not None and _positives(test.gallery) < _FEW_POSITIVES:
            harmed.append(f"{name} query-gallery")
    if not harmed:
        return []
    return [
        (
            f"{', '.join(harmed)}: the gallery holds about one image per identity. Re-ranking and expansion often do "
            "harm there; where they help it is through the other queries, which are not there when one query is asked alone"
        )
    ]


def in_words(settings: EvaluateConfig) -> str:
    """What refines the distances, to follow a name: ", re-ranked by k-reciprocal (k1=30)"; nothing where nothing does."""
    words = []
    if settings.augment:
        words.append(f"gallery augmented with {settings.augment} neighbours")
    if settings.expand:
        words.append(f"queries expanded with {settings.expand} neighbours")
    if settings.rerank != "none":
        options = ", ".join(f"{name}={value}" for name, value in settings.rerank_options.items())
        words.append(f"re-ranked by {settings.rerank}" + (f" ({options})" if options else ""))
    return "".join(f", {word}" for word in words)


class _Remembered:
    """Keeps the distances made last: several protocols, and the pictures, ask for those of the same vectors."""

    def __init__(self, make: Callable[[Floats, Floats], Distances]) -> None:
        self._make = make
        self._kept: tuple[tuple[str, str], Distances] | None = None

    def __call__(self, query: Floats, gallery: Floats) -> Distances:
        own = hashlib.sha256(np.ascontiguousarray(query).data).hexdigest()
        key = own, "the same" if query is gallery else hashlib.sha256(np.ascontiguousarray(gallery).data).hexdigest()
        if self._kept is None or self._kept[0] != key:
            self._kept = None  # two at a time may be too large
            self._kept = key, self._make(query, gallery)
        return self._kept[1]


def _options(method: Callable[..., Distances]) -> list[str]:
    parameters = inspect.signature(method).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in _NOT_OPTIONS]


def _expansion(settings: EvaluateConfig, memory: int) -> Callable[[Floats, Floats], tuple[Floats, Floats]]:
    def expand(query: Floats, gallery: Floats) -> tuple[Floats, Floats]:
        same = query is gallery
        alpha = settings.expand_alpha
        if settings.augment:
            gallery = database_augmentation(gallery, count=settings.augment, alpha=alpha, memory=memory)
            query = gallery if same else query
        if settings.expand:
            query = alpha_query_expansion(query, gallery, count=settings.expand, alpha=alpha, memory=memory)
        return query, gallery

    return expand


def _positives(gallery: Records) -> float:
    """Images per identity."""
    known = gallery.identities[gallery.identities != JUNK]
    return len(known) / max(1, len(np.unique(known)))
