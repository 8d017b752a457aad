"""Queries whose identity the gallery lacks: alarms and identifications equal the definition."""

import copy
from dataclasses import replace

import evaluation_oracles
import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import drawn, embeddings

from reid.distances import CosineDistances, MatrixDistances
from reid.evaluation.blocks import Block, Matched
from reid.evaluation.matches import Labels, Rules
from reid.evaluation.open_set import RATES, Nearest, OpenSet, non_mated, open_set
from reid.evaluation.protocols import query_gallery
from reid.evaluation.ranking import rank_matches


def asked(distances, query, gallery, **options) -> OpenSet:
    """Rank and look."""
    nearest = Nearest(distances, non_mated(query, gallery))
    return open_set(nearest, rank_matches(distances, query, gallery, watch=[nearest], **options))


def expected(distances, query, gallery) -> dict[str, float | None]:
    """The rates by the definition, the camera rule applied."""
    known, judged, mated = set(gallery.identities.tolist()), [], []
    plain = gallery.identities.tolist(), gallery.cameras.tolist()
    for row, (identity, camera) in enumerate(zip(query.identities.tolist(), query.cameras.tolist(), strict=True)):
        verdicts = oracles.judged(identity, camera, *plain, same_camera=True)
        if identity != -1 and (identity not in known or True in verdicts):
            judged.append((distances[row], verdicts))
            mated.append(identity in known)
    return {name: evaluation_oracles.open_set(judged, mated, rate) for name, rate in RATES.items()}


def labels(generator, number, identities) -> Labels:
    return Labels(generator.integers(-1, identities, number), generator.integers(-1, 3, number))


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 20))
def test_rates_equal_the_definition(seed, queries, images):
    """Vectors with many ties, junk, own cameras and several blocks: compared exactly."""
    generator = np.random.Generator(np.random.Philox(seed))
    query, gallery = labels(generator, queries, 8), labels(generator, images, 4)
    vectors = generator.integers(-1, 2, (queries + images, 3)).astype(np.float32)
    vectors += np.float32(1e-7) * generator.integers(-1, 2, vectors.shape).astype(np.float32)
    distances = CosineDistances(vectors[:queries], vectors[queries:])
    exact = oracles.cosine_distances(vectors[:queries].tolist(), vectors[queries:].tolist())
    found = asked(distances, query, gallery, rules=Rules(same_camera=True), memory=int(generator.integers(1, 5000)))

    assert found.dir == pytest.approx(expected(exact, query, gallery))
    assert found.mated + found.non_mated + found.left_out == np.count_nonzero(query.identities != -1)


def test_given_distances():
    """Distances from elsewhere are compared as they are."""
    generator = np.random.Generator(np.random.Philox(4))
    query, gallery = labels(generator, 80, 12), labels(generator, 30, 6)
    matrix = generator.integers(0, 40, (80, 30)).astype(np.float32)
    found = asked(MatrixDistances(matrix), query, gallery, rules=Rules(same_camera=True))

    assert found.dir == pytest.approx(expected(matrix.tolist(), query, gallery))
    assert found.thresholds["1e-1"] in matrix


def test_by_hand():
    """Ten strangers: at a rate of 0.1 one of them may raise an alarm, so the second nearest sets the threshold."""
    query = Labels(np.array([0, 0, 1, 1, *range(10, 20)]))
    gallery = Labels(np.array([0, 1, 5]))
    matrix = np.full((14, 3), 0.9)
    matrix[0] = [0.1, 0.5, 0.5]  # right and near
    matrix[1] = [0.4, 0.5, 0.5]  # right but not near enough
    matrix[2] = [0.1, 0.2, 0.5]  # near and wrong
    matrix[3] = [0.8, 0.25, 0.7]  # right and near
    matrix[4:, 2] = [0.2, 0.3, 0.6, 0.6, 0.6, 0.7, 0.7, 0.7, 0.8, 0.8]
    found = asked(MatrixDistances(matrix), query, gallery)

    assert found.dir == {"1e-2": 0.25, "1e-1": 0.5}
    assert found.thresholds == {"1e-2": pytest.approx(0.2), "1e-1": pytest.approx(0.3)}
    assert found.to_dict() == {
        "mated": 4,
        "non_mated": 10,
        "left_out": 0,
        "dir_at_far": {"1e-2": 0.25, "1e-1": 0.5},
        "thresholds": found.thresholds,
    }


def test_shares_are_not_lost_to_rounding():
    """29 of 2,900 is one in a hundred, though 0.01 * 2,900 is 28.999...: 29 alarms are allowed."""
    query = Labels(np.array([0, *range(1, 2901)]))
    matrix = np.append([0.5], np.arange(2900) / 2900)[:, np.newaxis]
    found = asked(MatrixDistances(matrix), query, Labels(np.array([0])))

    assert found.thresholds["1e-2"] == pytest.approx(29 / 2900)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 7))
def test_parts_of_rows_in_any_order(seed, height, width):
    """Blocks may hold some of the columns and come as they like: what is nearest stays."""
    generator = np.random.Generator(np.random.Philox(seed))
    query, gallery = labels(generator, 20, 8), labels(generator, 15, 4)
    vectors = generator.integers(-1, 2, (35, 3)) + 1e-7 * generator.integers(-1, 2, (35, 3))
    distances = CosineDistances(vectors[:20], vectors[20:])
    whole = Nearest(distances, non_mated(query, gallery))
    blocks: list[Block] = []
    rank_matches(distances, query, gallery, watch=[whole, lambda block: blocks.append(copy.deepcopy(block))])
    parts = []
    for block in blocks:
        for start in range(0, len(block.others), height):
            for first in range(0, 15, width):
                others = block.others[start : start + height, first : first + width]
                rows, columns = block.matched.rows - start, block.matched.columns
                inside = (rows >= 0) & (rows < height) & (columns >= first) & (columns < first + width)
                matched = Matched(rows[inside], columns[inside], block.matched.near[inside])
                parts.append(Block(block.start + start, others, matched, first))
    pieces = Nearest(distances, non_mated(query, gallery))
    for place in generator.permutation(len(parts)).tolist():
        pieces(parts[place])

    assert (pieces.order() == whole.order()).all()
    assert (pieces.quick == whole.quick).all()


def test_strangers_that_see_only_junk_raise_no_alarm():
    """With nothing that counts any distance will do, and the rate is that of rank 1."""
    query, gallery = Labels(np.array([3, 4])), Labels(np.array([-1, -1]))
    nearest = Nearest(MatrixDistances(np.zeros((2, 2))), non_mated(query, gallery))
    found = rank_matches(MatrixDistances(np.zeros((2, 2))), query, gallery, watch=[nearest])

    assert np.isinf(nearest.order()).all()
    assert open_set(nearest, found) == OpenSet(0, 2, 0, dict.fromkeys(RATES), {})


def test_part_of_the_report_only_where_there_are_strangers():
    """Queries of unknown identity make it; junk, and identities on their own camera only, do not."""
    eye = np.eye(4)
    gallery = embeddings(eye[:2], ["a", "b"], [2, 1], prefix="g")
    some = embeddings(eye[:3], ["a", "b", "x"], [1, 1, 1])
    none = embeddings(eye[:3], ["a", "b", "-1"], [1, 1, 1])
    found = query_gallery(some, gallery).open_set

    assert (found.mated, found.non_mated, found.left_out) == (1, 1, 1)
    assert found.dir == {"1e-2": 1.0, "1e-1": 1.0}
    assert query_gallery(none, gallery).open_set is None
    assert query_gallery(some, gallery, verification=False).open_set is None


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_laws(seed):
    """The order of the gallery and junk in it do not matter; more alarms find more; nothing beats rank 1."""
    images = drawn(80, 10, seed=seed)
    images.records.identities[:40] %= 8
    gallery = images.select(slice(40))
    gallery = replace(gallery, records=replace(gallery.records, cameras=None))
    query = images.select(slice(40, None))
    if not set(query.records.identities) & {8, 9}:
        return
    report = query_gallery(query, gallery)
    order = np.random.Generator(np.random.Philox(seed)).permutation(40)

    assert query_gallery(query, gallery.select(order)).open_set == report.open_set
    assert 0 <= report.open_set.dir["1e-2"] <= report.open_set.dir["1e-1"] <= report.cmc[1]
