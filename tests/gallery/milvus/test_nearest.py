"""The order of hits, over a stand-in that adds noise to scores and gives equal ones the wrong way round."""

import numpy as np
import pytest
from fake_milvus import FakeServer
from gallery_contract import images, unit

from reid.gallery.milvus.images import Images
from reid.gallery.milvus.layout import _image_fields
from reid.gallery.milvus.nearest import MOST, nearest
from reid.gallery.milvus.rows import to_row


def served(vectors):
    """A server with images of these vectors, from id 1."""
    server = FakeServer(None, {})
    server.make("i", _image_fields(8), "")
    server.index("i", "vector", "FLAT", {})
    server.load("i")
    made = Images(server, "i", 8)
    made.insert(
        [to_row(entry, n + 1, v) for n, (entry, v) in enumerate(zip(images(len(vectors)), vectors, strict=True))]
    )
    return server, made


@pytest.mark.parametrize("count", [1, 2, 9, 10, 15, 39, 40, 60])
def test_equal_scores_go_by_id(count):
    """Where many are equal, the lowest ids are found."""
    vectors = np.tile(unit(4), (10, 1))
    server, made = served(vectors)
    queries = unit(3, 5)

    for query, hits in zip(queries, nearest(server, made, queries, count, ""), strict=True):
        exact = (vectors.astype(np.float64) * query).sum(axis=1)
        expected = np.lexsort((np.arange(40), -exact))[:count]
        assert [image.id - 1 for image, _ in hits] == expected.tolist()
        np.testing.assert_allclose([score for _, score in hits], exact[expected], atol=1e-9)


def test_more_equal_ones_than_a_server_gives(monkeypatch):
    """End in as many as it does give."""
    vectors = np.repeat(unit(1), 100, axis=0)
    server, made = served(vectors)
    monkeypatch.setattr("reid.gallery.milvus.nearest.MOST", 50)
    (hits,) = nearest(server, made, unit(1), 3, "")
    assert len(hits) == 3
    assert all(score == pytest.approx(1) and score <= 1 for _, score in hits)
    assert MOST == 16_384


def test_many_queries_go_in_several_requests(monkeypatch):
    """Each gets its own answer."""
    server, made = served(unit(30))
    sizes = []
    search = server.search
    monkeypatch.setattr(
        server, "search", lambda name, some, *more: sizes.append(len(some)) or search(name, some, *more)
    )
    monkeypatch.setattr("reid.gallery.milvus.nearest._HITS", 12)
    found = nearest(server, made, unit(30), 2, "")
    assert [hits[0][0].id for hits in found] == list(range(1, 31))
    assert sizes == [4] * 7 + [2]
