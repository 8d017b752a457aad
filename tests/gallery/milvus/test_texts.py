"""Texts that Milvus keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid.errors import ArtefactError, GalleryError
from reid.gallery.milvus.texts import decode, encode, fitting, literal, packed, unpacked

ANY = st.text(st.characters(codec=None, exclude_categories=()))


@given(ANY)
def test_any_text_comes_back(text):
    """What is kept is valid UTF-8 and needs no quoting."""
    kept = encode(text)

    assert decode(kept) == text
    assert kept.encode().decode() == kept
    assert not {*kept} & {*"\"'\\\n\t\r\x00"}
    assert literal(text) == f'"{kept}"'
    assert eval(literal(text)) == kept  # noqa: S307


@given(ANY, ANY)
def test_a_prefix_stays_a_prefix(one, other):
    """And what is no prefix becomes none, so that folders can be looked for."""
    assert encode(one + other) == encode(one) + encode(other)
    assert encode(other).startswith(encode(one) + "/") == other.startswith(one + "/")


def test_usual_texts_stay_as_they_are():
    """So that others who look at the collection can read them."""
    for text in ("/data/cam 1/é車😀_%.jpg", "car-7", "a;b:c,d{e}"):
        assert encode(text) == text
    assert encode('say "hi"^') == "say ^22;hi^22;^5e;"


def test_texts_that_are_too_long_are_refused():
    """By their size in bytes; the image is named."""
    assert fitting("é" * 5, 10, "identity", "/x.jpg") == "é" * 5
    with pytest.raises(GalleryError, match=r"identity of /x\.jpg takes 12 bytes.*10"):
        fitting("é" * 6, 10, "identity", "/x.jpg")


@given(st.binary(max_size=300))
def test_pictures_come_back(picture):
    """From text that needs no quoting."""
    text = packed(picture, 400, "/x.jpg")
    assert unpacked(text, "it") == picture
    assert encode(text) == text


def test_pictures_have_a_limit():
    """The image is named; so is one that does not come back."""
    assert packed(None, 4, "/x.jpg") is None
    assert packed(b"xxx", 4, "/x.jpg") == "eHh4"
    with pytest.raises(GalleryError, match=r"thumbnail of /x\.jpg has 4 bytes.*at most 3"):
        packed(b"xxxx", 4, "/x.jpg")
    for text in ("eHh", "eHh4\n", "é", "e!h4"):
        with pytest.raises(ArtefactError, match="thumbnail of image 3 is damaged"):
            unpacked(text, "the thumbnail of image 3")
