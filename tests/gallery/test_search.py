"""Exact search against a plain double loop."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import GalleryError, ShapeError
from reid.gallery import search as module
from reid.gallery.search import Hit, camera_filter, search
from reid.records import Embeddings, build


def gallery_of(vectors, names=None, cameras=None):
    """A gallery with these vectors, images 0.png, 1.png, ... of the identities `names`."""
    count = len(vectors)
    names = [str(row) for row in range(count)] if names is None else names
    records = build(Path("g"), [f"{row}.png" for row in range(count)], names, junk=frozenset({"-1"}), cameras=cameras)
    return Embeddings(np.asarray(vectors, dtype=np.float32), records, "m")


def plain(query, vectors, count, allowed):
    """Rows and scores, one cosine after another; equal ones in the gallery's order."""
    scored = [(float(np.dot(query, vector)), row) for row, vector in enumerate(vectors) if allowed[row]]
    return sorted(scored, key=lambda pair: (-pair[0], pair[1]))[:count]


@settings(deadline=None, max_examples=80)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 12), size=st.integers(1, 9), queries=st.integers(0, 5))
def test_equals_a_double_loop(seed, count, size, queries):
    """Rows, ranks and scores, with ties, with one mask for all and with one of each query.

    Vectors of (+-1, 0, 0, ...) and (+-1/2, +-1/2, +-1/2, +-1/2) have exact cosines, many of them equal.
    """
    random = np.random.default_rng(seed)
    pool = np.concatenate([np.eye(4), -np.eye(4), random.choice([-0.5, 0.5], (6, 4))]).astype(np.float32)
    vectors, asked = pool[random.integers(0, len(pool), size)], pool[random.integers(0, len(pool), queries)]
    gallery = gallery_of(vectors)
    masks = random.random((queries, size)) < 0.6

    for allowed in (None, masks[0] if queries else None, masks):
        found = search(asked, gallery, count=count, allowed=allowed)
        assert len(found) == queries
        for place, hits in enumerate(found):
            mask = np.ones(size, bool) if allowed is None else allowed if allowed.ndim == 1 else allowed[place]
            wanted = plain(asked[place], vectors, count, mask)
            assert [(hit.score, int(hit.path.stem)) for hit in hits] == wanted
            assert [hit.rank for hit in hits] == list(range(1, len(wanted) + 1))


def test_random_vectors_and_many_blocks(monkeypatch):
    """Real cosines within rounding, and the same whether queries are taken at once or one by one."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(70, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    gallery = gallery_of(vectors[:50])
    at_once = search(vectors[50:], gallery, count=7)
    monkeypatch.setattr(module, "_BLOCK", 1)
    one_by_one = search(vectors[50:], gallery, count=7)

    for query, hits, again in zip(vectors[50:], at_once, one_by_one, strict=True):
        wanted = plain(query, vectors[:50], 7, np.ones(50, bool))
        assert [int(hit.path.stem) for hit in hits] == [row for _, row in wanted]
        assert [hit.path for hit in again] == [hit.path for hit in hits]
        assert [hit.score for hit in hits] == pytest.approx([score for score, _ in wanted], abs=1e-6)


def test_fewer_hits_than_asked_for():
    """As many as there are, none where none is allowed or the gallery is empty."""
    gallery = gallery_of(np.eye(3))
    query = np.eye(3, dtype=np.float32)[:1]

    assert len(search(query, gallery, count=10)[0]) == 3
    assert search(query, gallery, count=10, allowed=np.zeros(3, bool)) == [[]]
    assert len(search(query, gallery, count=10, allowed=np.array([True, False, True]))[0]) == 2
    assert search(query, gallery_of(np.zeros((0, 3))), count=10) == [[]]
    assert search(query[:0], gallery, count=10) == []


def test_scores_are_cosines():
    """Rounding never gives more than 1."""
    vector = np.full((1, 3), np.float32(np.sqrt(1 / 3)) * np.float32(1.000001), dtype=np.float32)

    assert search(vector, gallery_of(vector), count=1)[0][0].score == 1.0
    assert search(-vector, gallery_of(vector), count=1)[0][0].score == -1.0


@pytest.mark.parametrize(("value", "shape"), [(np.nan, (1, 3)), (np.inf, (1, 3)), (1.0, (1, 4)), (1.0, (3,))])
def test_refused_queries(value, shape):
    """NaN, infinity, another dimension, a single vector."""
    with pytest.raises(ShapeError):
        search(np.full(shape, value, dtype=np.float32), gallery_of(np.eye(3)), count=1)


@pytest.mark.parametrize("count", [0, -1])
def test_no_hits_asked_for(count):
    """k below 1 is a mistake."""
    with pytest.raises(GalleryError, match=f"at least 1, got {count}"):
        search(np.eye(3, dtype=np.float32), gallery_of(np.eye(3)), count=count)


@pytest.mark.parametrize(
    ("only", "without", "wanted"),
    [
        ((), (), [True, True, True, True]),
        ((1,), (), [True, False, False, True]),
        ((), (1,), [False, True, True, False]),
        ((1, 2), (2,), [True, False, False, True]),
        ((1,), (1,), [False] * 4),
        ((9,), (), [False] * 4),
        ((), (9,), [True] * 4),
    ],
)
def test_camera_filter(only, without, wanted):
    """Of `only`, none of `without`; unknown cameras belong to no `only`."""
    gallery = gallery_of(np.eye(4), cameras=[1, 2, -1, 1])

    assert camera_filter(gallery, only=only, without=without).tolist() == wanted


def test_camera_filter_without_cameras():
    """Nothing to filter by is an error only where something is asked for."""
    gallery = gallery_of(np.eye(2))

    assert camera_filter(gallery).all()
    for filters in ({"only": [1]}, {"without": [1]}):
        with pytest.raises(GalleryError, match="no camera numbers"):
            camera_filter(gallery, **filters)


def test_hits_know_what_they_found():
    """Names, cameras and paths; what is unknown is None."""
    gallery = gallery_of(np.eye(2), names=["b", "-1"], cameras=[4, -1])
    known, unknown = search(np.array([[1, 0]], np.float32), gallery, count=2)[0]

    assert known == Hit(1, "b", 1.0, Path("g/0.png"), 4)
    assert known.to_dict() == {"rank": 1, "identity": "b", "score": 1.0, "path": "g/0.png", "camera": 4}
    assert unknown.to_dict() == {"rank": 2, "identity": None, "score": 0.0, "path": "g/1.png", "camera": None}
