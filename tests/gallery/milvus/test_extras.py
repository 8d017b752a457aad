"""Texts by key."""

import pytest
from fake_milvus import FakeServer
from gallery_contract import ODD

from reid.errors import GalleryError
from reid.gallery.milvus import extras as module
from reid.gallery.milvus.extras import FIELDS, Extras


@pytest.fixture
def extras():
    """None yet."""
    server = FakeServer(None, {})
    server.make("e", FIELDS, "")
    server.index("e", "vector", "FLAT", {})
    server.load("e")
    return Extras(server, "e")


def test_values_come_back(extras):
    """Under any key, new or replaced, until they are removed."""
    keys = [key[:200] for key in ODD]
    extras.put(dict.fromkeys(keys, "first"), new=True)
    extras.put({key: f"of {number}" for number, key in enumerate(keys)})

    assert [extras.get(key) for key in keys] == [f"of {number}" for number in range(len(keys))]
    assert extras.get("other") is None
    extras.remove([keys[0], keys[3], "other"])
    extras.remove([])
    assert [extras.get(key) is None for key in keys[:5]] == [True, False, False, True, False]


def test_all_below_a_prefix(extras, monkeypatch):
    """And nothing beside it, in pages."""
    monkeypatch.setattr(module, "_PAGE", 3)
    inside = {f"a b/{number} \"x'": str(number) for number in range(10)}
    extras.put({**inside, "a b": "no", "a b0": "no", "a ba": "no", "a": "no", "b/1": "no"})

    assert extras.below("a b/") == inside
    assert extras.below("c/") == {}


def test_many_go_in_several_requests(extras, monkeypatch):
    """All of them."""
    monkeypatch.setattr(module, "_CHUNK", 100)
    values = {f"k/{number}": "x" * 40 for number in range(10)}
    extras.put(values)
    assert extras.below("k/") == values


def test_what_is_too_long_is_refused(extras):
    """The limits are named."""
    extras.put({"k": "x" * 65535})
    for key, value in (("k", "x" * 65536), ("k", "é" * 40_000), ("k" * 1025, "")):
        with pytest.raises(GalleryError, match="65,535 bytes under a name of 1024"):
            extras.put({key: value})
