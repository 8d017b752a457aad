"""Files of added images."""

import hashlib

import numpy as np
import pytest

from reid.gallery.entries import Stored
from reid.serve.decoding import Decoded
from reid.serve.problems import Problem
from reid.serve.uploads import Uploads

CONTENT = b"a picture"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
DECODED = Decoded(CONTENT, DIGEST, np.zeros((1, 1, 3), np.uint8), b"", ".png")


def test_kept_and_dropped(tmp_path):
    """The name follows from the content; nothing but such a file is ever deleted."""
    uploads = Uploads(tmp_path / "uploads")
    path = uploads.keep(DECODED)
    other = tmp_path / "other.png"
    other.write_bytes(b"mine")
    mine = tmp_path / "uploads" / "mine.png"
    mine.write_bytes(b"mine")
    uploads.drop(Stored(str(other), sha256="other"))
    uploads.drop(Stored(str(mine), sha256=DIGEST))
    uploads.drop(Stored(str(tmp_path / "uploads" / ".." / "other.png"), sha256="other"))
    kept = path.read_bytes()
    uploads.drop(Stored(str(path), sha256=DIGEST))
    uploads.drop(Stored(str(path), sha256=DIGEST))

    assert path == tmp_path / "uploads" / f"{DIGEST}.png"
    assert kept == CONTENT
    assert not path.exists()
    assert other.exists()
    assert mine.exists()


def test_without_a_folder():
    """Nothing is taken."""
    with pytest.raises(Problem, match="--uploads"):
        Uploads(None).keep(DECODED)
