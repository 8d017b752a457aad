"""Texts as Milvus keeps them: any name of a file goes in and comes back, and none has to be quoted in an expression."""

import base64
import binascii
import re

from reid.errors import ArtefactError, GalleryError
from reid.text import printable

# What the expressions of one server or another cannot hold, what UTF-8 cannot, and the mark itself.
_AWKWARD = re.compile("[\x00-\x1f\"'\\\\^\x7f-\x9f\ud800-\udfff]")
_ESCAPED = re.compile("\\^([0-9a-f]{1,4});")


def encode(text: str) -> str:
    """`text` with quotes, backslashes, control characters and undecodable bytes as `^22;`, and `^` itself as `^5e;`.

    A prefix of the text is a prefix of what comes out, so that folders can be searched for.
    """
    return _AWKWARD.sub(lambda found: f"^{ord(found[0]):x};", text)


def decode(kept: str) -> str:
    """The text that was encoded."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), kept)


def literal(text: str) -> str:
    """A text as it stands in an expression."""
    return f'"{encode(text)}"'


def fitting(text: str, limit: int, what: str, path: str) -> str:
    """The encoded text of an image.

    Raises:
        GalleryError: it is longer than `limit` bytes; the image at `path` is named.
    """
    kept = encode(text)
    size = len(kept.encode())
    if size > limit:
        raise GalleryError(
            f"the {what} of {printable(path[:200])} takes {size:,} bytes; a gallery on Milvus keeps at most {limit:,}"
        )
    return kept


def packed(picture: bytes | None, limit: int, path: str) -> str | None:
    """A picture as text, where there is one.

    Raises:
        GalleryError: it is longer than `limit` bytes as text; the image at `path` is named.
    """
    if picture is None:
        return None
    text = base64.b64encode(picture).decode("ascii")
    if len(text) > limit:
        raise GalleryError(
            f"the thumbnail of {printable(path[:200])} has {len(picture):,} bytes; a gallery on Milvus keeps at most "
            f"{limit * 3 // 4:,}"
        )
    return text


def unpacked(text: str, what: str) -> bytes:
    """The picture that was packed.

    Raises:
        ArtefactError: the text is none that was; `what` it is is told.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ArtefactError(f"{what} is damaged") from None
