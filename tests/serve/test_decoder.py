"""What a decoding process answers, line by line."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from pictures import encode, oriented, photo

from reid.data.images import decode_image
from reid.data.transforms import TestTransform
from reid.serve.decoder import LENGTH, white

SETTINGS = {
    "size": [16, 12],
    "crop": "resize",
    "interpolation": "area",
    "megapixels": 1.0,
    "memory": 2**28,
    "seconds": 5.0,
}


@pytest.fixture(scope="module")
def answers():
    """Of one process to several contents, in turn."""
    contents = [
        encode(photo(60, 50), "PNG"),
        b"no picture",
        b"",
        oriented(photo(60, 50), "JPEG", 6),
        encode(photo(1100, 1000), "PNG"),
        encode(photo(60, 50), "GIF"),
    ]
    asked = b"".join(len(content).to_bytes(LENGTH, "little") + content for content in contents)
    code = "import sys; from reid.serve.decoder import serve; serve(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(SETTINGS)], input=asked, capture_output=True, check=True
    )
    file, read = io.BytesIO(done.stdout), []
    while line := file.readline():
        header = json.loads(line)
        read.append((header, file.read(header.get("picture", 0)), file.read(header.get("thumbnail", 0))))
    return contents, read


def test_it_says_when_it_is_ready(answers):
    """And answers as many as were asked."""
    contents, read = answers

    assert read[0][0] == {"ready": True}
    assert len(read) == 1 + len(contents)


@pytest.mark.parametrize(("place", "suffix"), [(0, ".png"), (3, ".jpg"), (5, ".gif")])
def test_pictures_are_prepared_as_everywhere_else(answers, place, suffix):
    """Upright, and to the bit as a search from the command line prepares them."""
    contents, read = answers
    header, picture, small = read[1 + place]
    expected = TestTransform((16, 12))(decode_image(contents[place], "x"))

    np.testing.assert_array_equal(np.frombuffer(picture, np.uint8).reshape(16, 12, 3), expected)
    assert header["suffix"] == suffix
    assert small.startswith(b"\xff\xd8")


@pytest.mark.parametrize(("place", "words"), [(1, "looks like text"), (2, "is empty"), (4, "megapixel")])
def test_what_is_no_picture_is_told(answers, place, words):
    """And the process goes on."""
    assert words in answers[1][1 + place][0]["problem"]


def test_the_picture_of_nobody():
    """Is white and can be opened."""
    assert decode_image(white(), "white").min() > 250
