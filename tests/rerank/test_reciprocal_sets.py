"""Reciprocal neighbours and grown sets, by hand and against sets of Python."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.rerank.reciprocal_sets import expanded_sets, reciprocal


def test_by_hand() -> None:
    """Three images in a chain: the ends do not know each other."""
    neighbours = np.array([[0, 1, 2], [1, 0, 2], [2, 1, 0]], dtype=np.int32)

    assert reciprocal(neighbours, 2).tolist() == [[True, True], [True, True], [True, False]]
    assert reciprocal(neighbours, 9).all()


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 25), st.integers(1, 9), st.integers(1, 9))
def test_against_sets(seed: int, size: int, depth: int, near: int) -> None:
    """Every set is the one of the definition; a set does not grow from what it grew by."""
    random = np.random.Generator(np.random.Philox(seed))
    points = random.standard_normal(size)
    neighbours = np.argsort(np.abs(points[:, None] - points), axis=1, kind="stable")[:, :depth].astype(np.int32)

    def mutual(image: int, count: int) -> set[int]:
        return {int(other) for other in neighbours[image, :count] if image in neighbours[other, :count]}

    starts, members = expanded_sets(neighbours, reciprocal(neighbours, depth), reciprocal(neighbours, near))
    for image in range(size):
        expected = base = mutual(image, depth)
        for candidate in base:
            theirs = mutual(candidate, near)
            if 3 * len(theirs & base) > 2 * len(theirs):
                expected = expected | theirs
        found = members[starts[image] : starts[image + 1]].tolist()
        assert len(found) == len(set(found))
        assert set(found) == expected


@pytest.mark.parametrize("threads", ["1", "3"])
def test_threads_do_not_matter(monkeypatch: pytest.MonkeyPatch, threads: str) -> None:
    """Nor for the order of the members."""
    random = np.random.Generator(np.random.Philox(1))
    points = random.standard_normal((200, 3))
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    neighbours = np.argsort(distances, axis=1, kind="stable")[:, :9].astype(np.int32)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alone = expanded_sets(neighbours, reciprocal(neighbours, 9), reciprocal(neighbours, 5))
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    found = expanded_sets(neighbours, reciprocal(neighbours, 9), reciprocal(neighbours, 5))

    assert (found[0] == alone[0]).all()
    assert (found[1] == alone[1]).all()
