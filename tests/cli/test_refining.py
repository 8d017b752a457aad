"""Re-ranking and expansion from settings: which methods there are, what they take, where they do harm."""

import typing
from dataclasses import replace

import numpy as np
import pytest

from reid import rerank
from reid.cli.refining import (
    RERANKS,
    cautions,
    check_options,
    in_words,
    refined_by,
    to_options,
    to_refinement,
)
from reid.config import EvaluateConfig
from reid.errors import ConfigError
from reid.records import Records, TestSet, build
from reid.rerank.estimate import METHODS

BASE = EvaluateConfig()


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape).astype(np.float32)


def records(identities: list[int]) -> Records:
    names = [str(identity) for identity in identities]
    return build("r", [f"{row}.jpg" for row in range(len(names))], names, table=tuple(sorted(set(names))))


def test_names_of_methods_are_those_of_the_settings() -> None:
    """A method that the settings allow exists and can be estimated."""
    allowed = typing.get_args(typing.get_type_hints(EvaluateConfig, include_extras=True)["rerank"])

    assert set(allowed) == {"none", *RERANKS}
    assert set(RERANKS) <= set(METHODS)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("k-reciprocal", {"k1": 5, "weight": 0.5}, lambda q, g: rerank.k_reciprocal(q, g, k1=5, weight=0.5)),
        ("ecn", {"t": 2}, lambda q, g: rerank.expanded_neighbourhood(q, g, t=2)),
        ("ecn-vectors", {}, lambda q, g: rerank.expanded_neighbourhood(q, g, base="vectors")),
        ("graph", {"layers": 1}, lambda q, g: rerank.graph_propagation(q, g, layers=1)),
    ],
)
def test_options_reach_the_method(name: str, options: dict[str, float], expected: typing.Any) -> None:
    """The distances are those of the function."""
    query, gallery = normal(1, 6, 8), normal(2, 30, 8)
    found = to_refinement(replace(BASE, rerank=name, rerank_options=options)).distances(query, gallery)

    assert np.array_equal(found.rows(0, 6), expected(query, gallery).rows(0, 6))


def test_the_last_distances_are_kept() -> None:
    """The same vectors, wherever they lie, are not re-ranked again; others are, and so are they as one set."""
    vectors = normal(1, 30, 8)
    refinement = to_refinement(replace(BASE, rerank="k-reciprocal"))
    first = refinement.distances(vectors, vectors)

    again = vectors.copy()
    assert refinement.distances(again, again) is first
    assert refinement.distances(again, vectors).shape == (30, 30)
    assert refinement.distances(again, again) is not first


def test_expansion() -> None:
    """Queries and gallery become what the functions make of them; all against all stays so."""
    query, gallery = normal(1, 6, 8), normal(2, 30, 8)
    settings = replace(BASE, expand=3, expand_alpha=2.0, augment=4)
    expand = to_refinement(settings).expand
    assert expand is not None
    augmented = rerank.database_augmentation(gallery, count=4, alpha=2.0)
    queries = rerank.alpha_query_expansion(query, augmented, count=3, alpha=2.0)
    found = expand(query, gallery)
    assert np.array_equal(found[0], queries)
    assert np.array_equal(found[1], augmented)

    only_augmented = to_refinement(replace(BASE, augment=4)).expand
    assert only_augmented is not None
    same = only_augmented(gallery, gallery)
    assert same[0] is same[1]
    assert to_refinement(BASE).plain


def test_unknown_options_are_refused() -> None:
    """With those that exist; internal ones are none."""
    with pytest.raises(
        ConfigError, match="'wieght' is not known; did you mean 'weight'\\? k-reciprocal has k1, k2, weight"
    ):
        check_options(replace(BASE, rerank="k-reciprocal", rerank_options={"wieght": 1}))
    with pytest.raises(ConfigError, match="'memory' is not known"):
        check_options(replace(BASE, rerank="graph", rerank_options={"memory": 1}))
    with pytest.raises(ConfigError, match="choose a re-ranking with --rerank first"):
        check_options(replace(BASE, rerank_options={"k1": 1}))


def test_every_setting_reaches_the_options() -> None:
    """Of the protocols, and of the report."""
    options = to_options(replace(BASE, memory="2GiB", bootstrap=7, camera_pairs=False, trials=3), 5)

    assert (options.memory, options.bootstrap, options.camera_pairs) == (2**31, 7, False)
    assert (options.trials, options.seed, options.average_precision) == (3, 5, "step")
    assert options.refinement.plain
    refined = replace(BASE, rerank="ecn", rerank_options={"t": 2}, expand=2)
    assert refined_by(refined)["expand"] == 2
    assert in_words(refined) == ", queries expanded with 2 neighbours, re-ranked by ecn (t=2)"
    assert in_words(BASE) == ""


def test_where_neighbours_are_strangers() -> None:
    """Single-shot always, and a gallery of one image per identity; only where something is re-ranked."""
    one = TestSet("one", records([0, 1, 2]), records([0, 1]), ("query-gallery",))
    many = TestSet("many", records([0, 0, 1, 1]), records([0, 1]), ("query-gallery", "single-shot"))
    settings = replace(BASE, rerank="k-reciprocal")

    assert cautions({"one": one, "many": many}, BASE) == []
    (caution,) = cautions({"one": one, "many": many}, settings)
    assert caution.startswith("one query-gallery, many single-shot: the gallery holds about one image per identity")
    assert cautions({"many": many}, replace(settings, protocols=("query-gallery",))) == []
