"""Pictures of a gallery's images."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reid.data.boxes import cut
from reid.data.images import MAX_MEGAPIXELS, read_image
from reid.data.videos import parse_frame, read_frame
from reid.errors import DataError
from reid.gallery.entries import Entry
from reid.text import printable

Pixels = NDArray[np.uint8]


def read_picture(entry: Entry, *, max_megapixels: float = MAX_MEGAPIXELS) -> Pixels:
    """(H, W, 3) uint8 RGB picture of an image in a gallery, read from its file.

    Raises:
        MissingInputError: its file is not there.
        DataError: it is not a readable image, or the box lies outside it.
    """
    if (of := parse_frame(entry.path)) is not None:
        picture = read_frame(*of, max_megapixels=max_megapixels)
    else:
        picture = read_image(Path(entry.path), max_megapixels=max_megapixels)
    if entry.box is None:
        return picture
    try:
        return np.ascontiguousarray(cut(picture, entry.box)[0])
    except DataError as error:
        raise DataError(f"{printable(entry.path)}: {error}") from error
