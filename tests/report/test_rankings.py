"""Rank lists show what the protocol ranks, of the queries they say."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
import small_runs

from reid.evaluation.per_query import hardest_queries
from reid.evaluation.protocols import evaluate_test_set
from reid.evaluation.refinement import PLAIN, Refinement
from reid.evaluation.single_shot import single_shot
from reid.records import Embeddings, TestSet
from reid.report.rankings import HITS, lists_of
from reid.rerank import k_reciprocal


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """Twelve identities of three pictures on three cameras; the last identity is junk."""
    records = small_runs.patches(tmp_path_factory.mktemp("p"), identities=12, each=3)
    identities = np.where(records.identities == 11, -1, records.identities)
    records = dataclasses.replace(records, identities=identities, cameras=np.arange(36) % 3)
    vectors = np.random.default_rng(0).normal(size=(36, 8)).astype(np.float32)
    return Embeddings(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), records, "m")


def sets(embedded):
    """All against all, and the first twelve images against all (themselves among them)."""
    records = embedded.records
    return (
        (TestSet("every", records, None, ("all-vs-all",)), embedded),
        (
            TestSet("apart", records, records.select(slice(0, 12)), ("query-gallery",)),
            embedded.select(np.r_[0:12, 0:36]),
        ),
    )


def test_rows_leave_out_what_protocols_leave_out(embedded):
    """No junk; not the query itself, or nothing of its identity on its camera; the same queries for the same seed."""
    for test, vectors in sets(embedded):
        lists = lists_of(test, vectors, test.protocols[0])
        assert lists.drawn(1, 8) == lists.drawn(1, 8) != lists.drawn(2, 8)
        rows = list(lists.rows(lists.drawn(1, 8)))
        assert len(rows) == 8
        for row in rows:
            assert row.query.identity is not None
            assert len(row.hits) == HITS
            assert all(hit.identity is not None for hit in row.hits)
            assert all((hit.identity, hit.camera) != (row.query.identity, row.query.camera) for hit in row.hits)
            assert [hit.score for hit in row.hits] == sorted((hit.score for hit in row.hits), reverse=True)


def test_queries_are_chosen_by_average_precision(embedded):
    """The hardest are those of the report; the best have the highest values, and half of the others lie on either side."""
    for test, vectors in sets(embedded):
        (report,) = evaluate_test_set(test, vectors).values()
        lists, values = lists_of(test, vectors, test.protocols[0]), report.per_query
        assert lists.protocol == values.protocol
        images = test.images().paths
        assert [images[query] for query in lists.hardest(values, 8)] == [one.path for one in hardest_queries(values, 8)]
        precision = dict(zip(values.paths, values.figures["mAP"], strict=True))
        ordered = sorted(precision.values())
        best, median = ([precision[images[row]] for row in kind(values, 3)] for kind in (lists.best, lists.median))
        assert best == ordered[-3:][::-1]
        middle = (len(ordered) - 3) // 2
        assert median == ordered[middle : middle + 3]


def test_lists_are_those_of_the_refined_distances(embedded):
    """What re-ranking puts first stands first."""
    refinement = Refinement(rerank=k_reciprocal)
    test, vectors = sets(embedded)[0]
    lists = lists_of(test, vectors, "all-vs-all", refinement)
    known = refinement.without_junk(vectors)
    distances = k_reciprocal(known.vectors, known.vectors).rows(0, len(known.records))
    (row,) = lists.rows([3])
    expected = np.sort(np.delete(distances[3], 3))[:HITS]
    assert np.allclose([1 - hit.score for hit in row.hits], expected, atol=1e-6)


def _doubled(query, gallery):
    """Stands for query expansion: vectors that depend on what is searched."""
    return query + gallery.mean(axis=0), gallery


@pytest.mark.parametrize("refinement", [PLAIN, Refinement(rerank=k_reciprocal), Refinement(expand=_doubled)])
def test_single_shot_lists_are_those_of_its_first_trial(embedded, refinement):
    """One image of every identity is searched; every query's match has the rank that was scored."""
    values = single_shot(embedded, trials=1, seed=4, refinement=refinement, bootstrap=0).per_query
    test, _ = sets(embedded)[0]
    lists = lists_of(test, embedded, "single-shot", refinement, seed=4)

    assert lists.protocol == "single-shot"
    assert lists.query.records.paths.tolist() == values.paths.tolist()
    assert sorted(lists.gallery.records.identities) == [*range(11)]
    assert [lists.first_rank(query) for query in range(len(values))] == values.first_ranks.tolist()
    (row,) = lists.rows([5])
    rank = int(values.first_ranks[5])
    assert [hit.identity == row.query.identity for hit in row.hits] == [place == rank for place in range(1, HITS + 1)]


def test_queries_that_a_trial_does_not_ask_are_passed_over(embedded):
    """Of all trials the hardest, the median and the best that the first one asks; the first match of a query is counted."""
    values = single_shot(embedded, trials=9, seed=4, bootstrap=0).per_query
    lists = lists_of(sets(embedded)[0][0], embedded, "single-shot", seed=4)
    precision = dict(zip(values.paths, values.figures["mAP"], strict=True))
    asked = lists.query.records.paths
    every = sorted(precision[path] for path in asked)

    assert len(values) > len(asked)
    assert [precision[asked[row]] for row in lists.hardest(values, 4)] == every[:4]
    assert [precision[asked[row]] for row in lists.best(values, 4)] == every[::-1][:4]


def test_lists_are_those_of_the_protocol(embedded):
    """All images against all others, also of a set with queries of its own; a query without a match has no first rank."""
    test, vectors = sets(embedded)[1]
    mutual = lists_of(test, vectors, "all-vs-all")
    assert (mutual.protocol, len(mutual.query.records)) == ("all-vs-all", 48)
    apart = lists_of(test, vectors, "query-gallery")
    (report,) = evaluate_test_set(test, vectors).values()
    ranks = dict(zip(report.per_query.rows, report.per_query.first_ranks, strict=True))
    assert [apart.first_rank(query) for query in range(12)] == [ranks.get(query) for query in range(12)]


def test_a_match_stands_behind_what_is_as_near(embedded):
    """Where all vectors are the same, a first match comes after every image of another identity, as it is scored."""
    same = replace(embedded, vectors=np.ones_like(embedded.vectors))
    values = single_shot(same, trials=1, seed=4, bootstrap=0).per_query
    lists = lists_of(sets(same)[0][0], same, "single-shot", seed=4)

    assert (
        [lists.first_rank(query) for query in range(len(values))] == values.first_ranks.tolist() == [11] * len(values)
    )
