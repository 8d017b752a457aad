"""Images as rows."""

import dataclasses

import gallery_contract
import pytest

from reid.errors import ArtefactError, GalleryError
from reid.gallery.entries import Entry, Stored
from reid.gallery.milvus.rows import FIELDS, to_row, to_stored

VECTOR = gallery_contract.unit(1)[0]


def test_images_come_back():
    """With what is not known apart from what is nothing, zero or empty."""
    entries = [
        *gallery_contract.images(50),
        *(Entry(path, path, source=path) for path in gallery_contract.ODD),
        Entry("", "", 0, 0.0),
        Entry("", None, None, None),
        Entry("x", time=-0.0, box=(-1, -2, 3, 2**40)),
    ]
    for number, entry in enumerate(entries, 1):
        row = to_row(entry, number, VECTOR)
        assert {*row} == {*FIELDS, "vector"}
        assert to_stored(row) == Stored(**{**dataclasses.asdict(entry), "id": number})


@pytest.mark.parametrize(
    "entry",
    [
        Entry("/x.jpg", time=float("inf")),
        Entry("/x.jpg", time=float("nan")),
        Entry("/x.jpg", camera=-2),
        Entry("/x.jpg", camera=2**63),
        Entry("/x.jpg", identity="i" * 5000),
        Entry("/x.jpg", source="s" * 20_000),
        Entry("/x.jpg", sha256="0" * 129),
    ],
    ids=["infinite", "nan", "negative", "large", "identity", "source", "sha256"],
)
def test_what_cannot_be_kept_is_refused(entry):
    """The image is named."""
    with pytest.raises(GalleryError, match=r"/x\.jpg"):
        to_row(entry, 1, VECTOR)


def test_a_box_of_somebody_else_is_told():
    """The image is named."""
    with pytest.raises(ArtefactError, match="box of image 7"):
        to_stored(to_row(Entry("/x.jpg"), 7, VECTOR) | {"box": "1,2,3"})
