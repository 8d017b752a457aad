"""Addresses of galleries."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid.errors import GalleryError
from reid.gallery.address import PASSWORD, MilvusAddress, parse_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("galleries/street", Path("galleries/street")),
        ("/a/b c", Path("/a/b c")),
        ("milvus", Path("milvus")),
        ("milvus://host/street", MilvusAddress("street", host="host")),
        ("milvus://host:1234/street_2", MilvusAddress("street_2", host="host", port=1234)),
        ("milvus://[::1]:7/_s", MilvusAddress("_s", host="::1", port=7)),
        ("milvus://reid:p%40%2F:x@host/s", MilvusAddress("s", host="host", user="reid", password="p@/:x")),  # noqa: S106
        ("milvus://:key@host/s", MilvusAddress("s", host="host", password="key")),  # noqa: S106
        (
            "milvus://host/s?tls=1&database=cars&consistency=session&timeout=2.5",
            MilvusAddress("s", host="host", tls=True, database="cars", consistency="session", timeout=2.5),
        ),
        ("milvus+lite:///a/b.db/s", MilvusAddress("s", file=Path("/a/b.db"))),
        ("milvus+lite:///a/b.db", MilvusAddress("gallery", file=Path("/a/b.db"))),
        ("milvus+lite:///a%20b/c.db/s", MilvusAddress("s", file=Path("/a b/c.db"))),
        ("here/b.db", MilvusAddress("gallery", file=Path("here/b.db"))),
    ],
)
def test_what_people_type(text, expected):
    """A folder, a server, a file."""
    assert parse_address(text, {}) == expected


def test_a_path_is_a_path():
    """Not only a text."""
    assert parse_address(Path("/a/b")) == Path("/a/b")


def test_the_password_may_stand_in_the_environment():
    """For a user that the address names without one; it is no token for anybody."""
    environ = {PASSWORD: "from outside"}
    assert parse_address("milvus://reid@host/s", environ).token == "reid:from outside"  # noqa: S105
    assert parse_address("milvus://reid:own@host/s", environ).token == "reid:own"  # noqa: S105
    assert parse_address("milvus://host/s", environ).token == ""


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("http://host/s", "milvus://"),
        ("milvs://host/s", "did you mean 'milvus'"),
        ("milvus://", "no host"),
        ("milvus:///s", "no host"),
        ("milvus://host", "there is none"),
        ("milvus://host/", "there is none"),
        ("milvus://host/two/parts", "'two/parts'"),
        ("milvus://host/1st", "'1st'"),
        ("milvus://host/a-b", "'a-b'"),
        ("milvus://host/" + "n" * 201, "at most"),
        ("milvus://host:port/s", "number from 0 to 65535"),
        ("milvus://host:70000/s", "number from 0 to 65535"),
        ("milvus://[::1/s", "malformed"),
        ("milvus://host/s?tls=yes", "tls=yes"),
        ("milvus://host/s?timeout=0", "timeout=0"),
        ("milvus://host/s?consistency=weak", "consistency=weak"),
        ("milvus://host/s?other=1", "other=1"),
        ("milvus://host/s#part", "%23"),
        ("milvus+lite:///a/b/s", ".db"),
        ("milvus+lite://host/a.db/s", ".db"),
        ("milvus+lite:///a.db/b c", "'b c'"),
    ],
)
def test_malformed_ones_are_told(text, word):
    """With what is wrong and how to write it."""
    with pytest.raises(GalleryError) as told:
        parse_address(text, {})
    assert word in str(told.value)


@pytest.mark.parametrize(
    "text",
    [
        "milvus://reid:very%20secret@host/s/t",
        "milvus://reid:secret@host:port/s",
        "milvus://reid:secret@/s",
        "milvus://reid:secret@[host/s",
        "milvus://reid:secret@host/s?x=1",
        "mivlus://reid:secret@host/s",
        "milvus://reid:sec#ret@host/s",
        "milvus://reid:secret/@host/s",
    ],
)
def test_passwords_are_not_repeated(text):
    """By any message."""
    with pytest.raises(GalleryError) as told:
        parse_address(text, {})
    assert "sec" not in str(told.value)


def test_an_address_is_shown_without_its_password():
    """And can be read again."""
    address = parse_address("milvus://re%20id:secret@host:7/s?tls=1", {})

    assert str(address) == "milvus://re%20id@host:7/s"
    assert "secret" not in repr(address)
    assert address.uri == "https://host:7"
    assert parse_address("milvus://[::1]/s").uri == "http://[::1]:19530"
    assert parse_address("milvus+lite:///a/b.db/s").uri == "/a/b.db"
    assert str(parse_address("a/b.db")) == "milvus+lite://a/b.db/gallery"


@given(st.text())
def test_any_text_is_an_address_or_refused(text):
    """In one line."""
    for whole in (text, f"milvus://{text}", f"milvus+lite://{text}"):
        told = ""
        try:
            parse_address(whole, {})
        except GalleryError as error:
            told = str(error)
        assert "\n" not in told
