"""Which pairs of query and gallery image belong together, and which are taken out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import ShapeError
from reid.evaluation.matches import Labels, Matches, Rules


def labels(identities, cameras=None) -> Labels:
    return Labels(np.array(identities, dtype=np.int64), None if cameras is None else np.array(cameras, dtype=np.int64))


column = st.lists(st.integers(-1, 3), min_size=6, max_size=6)


@settings(deadline=None, max_examples=80)
@given(st.tuples(column, column), st.tuples(column, column), st.booleans(), st.booleans(), st.integers(1, 6))
def test_pairs_are_those_of_the_definition(queries, images, same_camera, same_image, step):
    """Every pair of equal identities but junk is listed once, block by block, and kept unless a rule says no."""
    (query, query_cameras), (gallery, cameras) = queries, images
    matches = Matches(labels(query, query_cameras), labels(gallery, cameras), Rules(same_camera, same_image))
    found = {}
    for start in range(0, 6, step):
        pairs = matches.block(start, min(6, start + step))
        assert (np.diff(pairs.rows) >= 0).all()
        found |= {
            (start + r, c): k
            for r, c, k in zip(pairs.rows.tolist(), pairs.columns.tolist(), pairs.kept.tolist(), strict=True)
        }
    expected = {
        (q, g): not ((same_image and q == g) or (same_camera and query_cameras[q] == cameras[g] and cameras[g] != -1))
        for q in range(6)
        for g in range(6)
        if query[q] == gallery[g] != -1
    }

    assert found == expected


def test_without_cameras_nothing_is_taken_out():
    """The camera rule needs cameras on both sides."""
    for query, gallery in [(None, [1, 1]), ([1], None), (None, None)]:
        pairs = Matches(labels([0], query), labels([0, 0], gallery), Rules(same_camera=True)).block(0, 1)
        assert pairs.kept.all()


def test_only_asked_queries_take_part():
    """Queries that are not asked, and junk, have no pairs; junk of the gallery is listed."""
    matches = Matches(labels([0, 0, -1]), labels([0, -1]), Rules(), np.array([False, True, True]))

    assert matches.block(0, 3).rows.tolist() == [1]
    assert matches.asked.tolist() == [False, True, False]
    assert matches.junk.tolist() == [1]


def test_lengths_are_checked():
    """A mask of another length, or a gallery that cannot be the queries themselves, is refused."""
    with pytest.raises(ShapeError, match="asked"):
        Matches(labels([0]), labels([0]), Rules(), np.array([True, True]))
    with pytest.raises(ShapeError, match="themselves"):
        Matches(labels([0]), labels([0, 0]), Rules(same_image=True))


def test_a_query_does_not_find_its_own_file() -> None:
    """Wherever it stands in the gallery, also in a part of the gallery; other images of its identity stay."""
    query, gallery = Labels(np.array([0, 0, 1])), Labels(np.array([1, 0, 0, 1]))
    rules = Rules(itself=np.array([2, -1, 0]))
    pairs = Matches(query, gallery, rules).block(0, 3)
    kept = [(row, column) for row, column in zip(pairs.rows[pairs.kept], pairs.columns[pairs.kept], strict=True)]
    assert kept == [(0, 1), (1, 1), (1, 2), (2, 3)]

    assert rules.among(np.array([0, 2])).itself.tolist() == [1, -1, 0]
    assert rules.among(np.array([1, 3])).itself.tolist() == [-1, -1, -1]
    assert rules.among(np.zeros(0, dtype=np.int64)).itself.tolist() == [-1, -1, -1]
    assert Rules().among(np.array([1])).itself is None
