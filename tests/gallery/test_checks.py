"""What every store refuses."""

import galleries
import numpy as np
import pytest

from reid.errors import GalleryError
from reid.gallery.checks import check_model, check_queries, check_vectors, new_places
from reid.gallery.entries import Entry


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "NaN or infinity"),
        (np.inf, "NaN or infinity"),
        (0, "the length 0 "),
        (5, r"the length \S+ instead of 1"),
    ],
)
def test_a_vector_that_cannot_be_searched(value, message):
    """Its image is named, and how many others are wrong."""
    vectors = galleries.unit(5)
    vectors[2:4] = value
    with pytest.raises(GalleryError, match=rf"vector of /crops/2/2.jpg has {message}.* and 1 other"):
        check_vectors(galleries.entries(5), vectors, 8)


def test_shapes():
    """Both lengths are named."""
    check_vectors([], galleries.unit(0), 8)
    with pytest.raises(GalleryError, match="have 8 numbers, those of the gallery 9"):
        check_vectors(galleries.entries(5), galleries.unit(5), 9)
    with pytest.raises(GalleryError, match="4 images came with vectors of shape"):
        check_vectors(galleries.entries(4), galleries.unit(5), 8)


def test_queries():
    """Of another length, not numbers, and too few or too many hits."""
    check_queries(galleries.unit(2), 10_000, 8)
    for queries, count in ((galleries.unit(2, 7), 5), (galleries.unit(2)[0], 5), (galleries.unit(2) * np.nan, 5)):
        with pytest.raises(GalleryError, match="quer"):
            check_queries(queries, count, 8)
    for count in (0, -1, 10_001, 10**9):
        with pytest.raises(GalleryError, match=f"from 1 to 10,000, got {count}"):
            check_queries(galleries.unit(2), count, 8)


def test_models():
    """Another one is refused, and both are named."""
    check_model(galleries.about(), "f" * 64)
    with pytest.raises(GalleryError, match=r"of model ffffffffffff, .* is eeeeeeeeeeee: .*migrate"):
        check_model(galleries.about(), "e" * 64)
    with pytest.raises(GalleryError, match="unknown"):
        check_model(galleries.about(), "")


def test_new_places():
    """Each content once, those that are there not at all, and every image without a content."""
    images = [Entry(f"{n}.jpg", sha256=digest) for n, digest in enumerate(["a", "", "b", "a", "", "c"])]

    assert new_places(images, {"c"}) == [0, 1, 2, 4]
