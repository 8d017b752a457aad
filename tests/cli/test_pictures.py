"""Pictures of an evaluation show what the protocol ranks."""

import dataclasses

import cv2
import numpy as np
import pytest
import small_runs

from reid.cli.pictures import HITS, QUERIES, _RankLists, draw_pictures
from reid.evaluation.per_query import hardest_queries
from reid.evaluation.protocols import evaluate_test_set
from reid.evaluation.refinement import PLAIN, Refinement
from reid.records import Embeddings, TestSet
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
        lists = _RankLists(test, vectors, PLAIN)
        assert lists.drawn(1) == lists.drawn(1) != lists.drawn(2)
        rows = list(lists.rows(lists.drawn(1)))
        assert len(rows) == QUERIES
        for row in rows:
            assert row.query.identity is not None
            assert len(row.hits) == HITS
            assert all(hit.identity is not None for hit in row.hits)
            assert all((hit.identity, hit.camera) != (row.query.identity, row.query.camera) for hit in row.hits)
            assert [hit.score for hit in row.hits] == sorted((hit.score for hit in row.hits), reverse=True)


def test_hardest_queries_are_those_of_the_report(embedded):
    """By average precision; none where no such list was scored."""
    for test, vectors in sets(embedded):
        reports = evaluate_test_set(test, vectors)
        (report,) = reports.values()
        lists = _RankLists(test, vectors, PLAIN)
        paths = [test.images().paths[query] for query in lists.hardest(reports)]
        assert paths == [one.path for one in hardest_queries(report.per_query, QUERIES)]
        assert lists.hardest({}) == []


def test_lists_are_those_of_the_refined_distances(embedded):
    """What re-ranking puts first stands first."""
    refinement = Refinement(rerank=k_reciprocal)
    test, vectors = sets(embedded)[0]
    lists = _RankLists(test, vectors, refinement)
    known = refinement.without_junk(vectors)
    distances = k_reciprocal(known.vectors, known.vectors).rows(0, len(known.records))
    (row,) = lists.rows([3])
    expected = np.sort(np.delete(distances[3], 3))[:HITS]
    assert np.allclose([1 - hit.score for hit in row.hits], expected, atol=1e-6)


def test_files(embedded, tmp_path):
    """Those that are named are there and can be read."""
    tests = {test.name: test for test, _ in sets(embedded)}
    vectors = {test.name: made for test, made in sets(embedded)}
    results = {name: evaluate_test_set(test, vectors[name]) for name, test in tests.items()}
    drawn = draw_pictures(tests, vectors, results, tmp_path, seed=0)

    names = ["cmc.png", "ranks-every.png", "hardest-every.png", "ranks-apart.png", "hardest-apart.png"]
    assert [path.name for path in drawn] == names
    assert all(cv2.imread(str(path)).std() > 1 for path in drawn)
