"""Pictures of a gallery's images."""

import numpy as np
import pytest
from pictures import oriented, photo

from reid.data.images import read_image
from reid.errors import DataError, MissingInputError
from reid.gallery.entries import Entry
from reid.gallery.pictures import read_picture


def test_pictures_of_entries(tmp_path):
    """The whole file or a part of it as it is seen, upright; what cannot be had is named."""
    (tmp_path / "f.jpg").write_bytes(oriented(photo(60, 40), "JPEG", 6))
    path = str(tmp_path / "f.jpg")
    upright = read_image(tmp_path / "f.jpg")

    assert upright.shape == (40, 60, 3)
    assert np.array_equal(read_picture(Entry(path)), upright)
    assert np.array_equal(read_picture(Entry(path, box=(20, 10, 70, 30))), upright[10:30, 20:60])
    with pytest.raises(DataError, match=r"f\.jpg: box \(60, 0, 70, 10\) lies outside the frame, which has 60 x 40"):
        read_picture(Entry(path, box=(60, 0, 70, 10)))
    with pytest.raises(MissingInputError, match=r"none\.jpg"):
        read_picture(Entry(str(tmp_path / "none.jpg")))
