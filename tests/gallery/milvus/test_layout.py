"""The collections of a gallery."""

import json

import pytest
from fake_milvus import FakeServer
from gallery_contract import ABOUT

from reid.errors import ArtefactError, GalleryError, OutputError
from reid.gallery.address import MilvusAddress
from reid.gallery.milvus import layout
from reid.gallery.milvus.extras import Extras


@pytest.fixture
def server():
    """With no gallery yet."""
    return FakeServer(MilvusAddress("street", host="fake"), {})


def test_what_is_made_can_be_read(server):
    """By its name alone."""
    about = layout.make(server, ABOUT)
    assert layout.read(server) == about
    assert server.indexed("street_images", "vector") == "FLAT"
    assert server.indexed("street_images", "sha256") == "INVERTED"
    server.drop("street_images")


def test_a_gallery_that_is_not_there_is_told(server):
    """With those that are."""
    with pytest.raises(GalleryError, match=r"street \(there is none yet\)"):
        layout.read(server)
    layout.make(FakeServer(MilvusAddress("other", host="fake"), server.state), ABOUT)
    with pytest.raises(GalleryError, match="known there: other"):
        layout.read(server)


@pytest.mark.parametrize("call", ["make", "index", "load", "upsert"])
def test_a_making_that_fails_leaves_nothing(server, monkeypatch, call):
    """At whichever request."""

    def fail(*_, **__):
        raise ArtefactError("the server failed")

    monkeypatch.setattr(server, call, fail)
    with pytest.raises((ArtefactError, OutputError)):
        layout.make(server, ABOUT)
    assert server.state == {}


def test_of_two_makers_at_once_one_fails(server, monkeypatch):
    """And takes nothing away from the other."""
    rival = FakeServer(server.address, server.state)
    listed = server.collections

    def late():
        found = listed()
        if not server.state:
            layout.make(rival, ABOUT)
        return found

    monkeypatch.setattr(server, "collections", late)
    with pytest.raises(OutputError, match="cannot be made"):
        layout.make(server, ABOUT)
    assert layout.read(rival).model == ABOUT.model


def test_a_gallery_of_another_format_is_refused(server):
    """Both are named; so is what is no gallery at all."""
    layout.make(server, ABOUT)
    extras = Extras(server, "street_extras")
    told = json.loads(extras.get("about"))
    for text, words in (
        (json.dumps(told | {"format": 2}), "of format 2.*reads format 1"),
        (json.dumps(told | {"kind": "other"}), "holds a other"),
        (json.dumps(told | {"unknown": 1}), "damaged"),
        ("[]", "damaged"),
        ("{", "damaged"),
        (json.dumps(told | {"dimension": 16}), "16 numbers.*8"),
    ):
        extras.put({"about": text})
        with pytest.raises(ArtefactError, match=words):
            layout.read(server)


def test_other_collections_are_no_gallery(server):
    """Though their names are."""
    layout.make(server, ABOUT)
    server.state["street_images"].fields.append(("colour", "INT64", {}))
    with pytest.raises(ArtefactError, match="colour"):
        layout.read(server)


def test_a_making_anew_of_the_index_that_was_broken_off_is_completed(server):
    """By whoever opens the gallery next."""
    layout.make(server, ABOUT)
    server.drop_index("street_images", "vector")
    layout.read(server)
    assert server.loaded("street_images")
    assert server.indexed("street_images", "vector") == "FLAT"


@pytest.mark.parametrize(
    ("version", "index"), [("v2.3.5-lite", "Trie"), ("v2.4.0", "INVERTED"), ("3.0", "INVERTED"), ("odd", "INVERTED")]
)
def test_old_servers_have_another_index_of_texts(server, version, index):
    """Before 2.4."""
    server.version = version
    layout.make(server, ABOUT)
    assert server.indexed("street_images", "sha256") == index


def test_a_search_looks_at_more_than_it_returns():
    """A graph refuses less."""
    for limit in (1, 100, 1000, 16_384):
        assert layout.search_params(limit)["ef"] >= max(256, limit)
