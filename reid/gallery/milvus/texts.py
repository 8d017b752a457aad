"""Texts as Milvus keeps them: any name of a file goes in and comes back, and none has to be quoted in an expression."""

import re

from reid.errors import GalleryError
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
