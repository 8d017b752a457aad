"""The collection of images."""

import pytest
from fake_milvus import FakeServer
from gallery_contract import images as some_images
from gallery_contract import unit

from reid.gallery.filters import Where
from reid.gallery.milvus import images as module
from reid.gallery.milvus.images import Images
from reid.gallery.milvus.layout import _image_fields
from reid.gallery.milvus.rows import to_row


@pytest.fixture
def images():
    """Fifty of every other number."""
    server = FakeServer(None, {})
    server.make("i", _image_fields(8), "")
    server.index("i", "vector", "FLAT", {})
    server.load("i")
    made = Images(server, "i", 8)
    made.insert(
        [
            to_row(entry, 2 * n + 2, vector)
            for n, (entry, vector) in enumerate(zip(some_images(50), unit(50), strict=True))
        ]
    )
    return made


@pytest.mark.parametrize("size", [1, 7, 25, 50, 51])
def test_pages_hold_everything_once(images, size):
    """By id, whether the last one is full or not."""
    pages = list(images.pages(Where(), ["id"], size))
    assert [row["id"] for page in pages for row in page] == list(range(2, 102, 2))
    assert all(len(page) == size for page in pages[:-1])
    assert list(images.pages(Where(cameras=()), ["id"], size)) == []
    found = [row["camera"] for page in images.pages(Where(cameras=(3,)), ["id", "camera"], size) for row in page]
    assert found == [3] * len(found)


def test_rows_by_content(images, monkeypatch):
    """Several of one content, in pieces of any size; what has no digest is nobody's."""
    monkeypatch.setattr(module, "PAGE", 3)
    digests = [f"{n:064x}" for n in range(60)]
    images.insert([to_row(some_images(2)[1], number, unit(1)[0]) for number in (999, 500)])
    found = images.with_content([*digests, ""])

    assert found[digests[1]] == [4, 500, 999]
    assert {*found} == {entry.sha256 for entry in some_images(50)} - {""}


def test_requests_stay_below_what_a_message_may_hold(images, monkeypatch):
    """Whatever the dimension."""
    assert Images(None, "i", 8).at_once == 10_000
    assert 1000 < Images(None, "i", 2048).at_once * 9 * 1024 / 1000 <= 16_800
    sizes = []
    monkeypatch.setattr(images, "at_once", 7)
    monkeypatch.setattr(images._server, "upsert", lambda _, rows: sizes.append(len(rows)))
    images.replace([{}] * 20)
    assert sizes == [7, 7, 6]
    assert sorted(images.vectors([2, 3, 100, 2**70, -1])) == [2, 100]


def test_rows_go(images, monkeypatch):
    """In pieces; those that are not there do no harm."""
    monkeypatch.setattr(module, "PAGE", 3)
    images.delete(list(range(1, 95)))
    assert [row["id"] for page in images.pages(Where(), ["id"]) for row in page] == [96, 98, 100]
    images.delete([])
