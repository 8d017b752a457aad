"""Rank lists show what the protocol ranks, of the queries they say."""

import dataclasses

import numpy as np
import pytest
import small_runs

from reid.evaluation.per_query import hardest_queries
from reid.evaluation.protocols import evaluate_test_set
from reid.evaluation.refinement import Refinement
from reid.records import Embeddings, TestSet
from reid.report.rankings import HITS, RankLists
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
        lists = RankLists(test, vectors)
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
        lists, values = RankLists(test, vectors), report.per_query
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
    lists = RankLists(test, vectors, refinement)
    known = refinement.without_junk(vectors)
    distances = k_reciprocal(known.vectors, known.vectors).rows(0, len(known.records))
    (row,) = lists.rows([3])
    expected = np.sort(np.delete(distances[3], 3))[:HITS]
    assert np.allclose([1 - hit.score for hit in row.hits], expected, atol=1e-6)
