"""An image as a row of Milvus.

No field can be empty in every version of the server, so what is not known is told by a field of its own: `named` and
`timed`. A camera that is not known is -1, which none has.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.errors import ArtefactError, GalleryError
from reid.gallery.entries import Box, Entry, Stored
from reid.gallery.milvus.texts import decode, fitting
from reid.text import printable

LIMITS = {"path": 16384, "identity": 4096, "source": 16384, "box": 128, "sha256": 128}
"""Bytes of each text at most."""

FIELDS = ["id", "path", "identity", "named", "camera", "time", "timed", "source", "box", "sha256"]
"""All but the vector."""

_NO_CAMERA = -1
_LARGEST = 2**63 - 1


def to_row(entry: Entry, image: int, vector: NDArray[np.float32]) -> dict[str, Any]:
    """The row of an image.

    Raises:
        GalleryError: a text is too long, or the camera or the time no number that can be kept; the image is named.
    """
    camera = _NO_CAMERA if entry.camera is None else entry.camera
    time = 0.0 if entry.time is None else float(entry.time)
    if not _NO_CAMERA <= camera <= _LARGEST or not math.isfinite(time):
        raise GalleryError(f"{printable(entry.path)} has camera {camera} and time {time}, which cannot be kept")
    texts = {
        "path": entry.path,
        "identity": entry.identity or "",
        "source": entry.source,
        "box": "" if entry.box is None else ",".join(map(str, entry.box)),
        "sha256": entry.sha256,
    }
    return {
        "id": image,
        "vector": vector,
        **{name: fitting(text, LIMITS[name], name, entry.path) for name, text in texts.items()},
        "named": entry.identity is not None,
        "camera": camera,
        "time": time,
        "timed": entry.time is not None,
    }


def to_stored(row: Mapping[str, Any]) -> Stored:
    """The image of a row.

    Raises:
        ArtefactError: its box is none that was written here.
    """
    return Stored(
        path=decode(row["path"]),
        identity=decode(row["identity"]) if row["named"] else None,
        camera=None if row["camera"] == _NO_CAMERA else int(row["camera"]),
        time=float(row["time"]) if row["timed"] else None,
        source=decode(row["source"]),
        box=_box(row["box"], int(row["id"])),
        sha256=decode(row["sha256"]),
        id=int(row["id"]),
    )


def _box(text: str, image: int) -> Box | None:
    if not text:
        return None
    try:
        left, top, right, bottom = map(int, text.split(","))
    except ValueError:
        raise ArtefactError(
            f"the box of image {image} reads {printable(text)!r}, which this toolkit did not write"
        ) from None
    return left, top, right, bottom
