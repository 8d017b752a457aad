"""A row of the catalogue: what stands in its columns, and the checksum that proves it."""

import struct
import zlib
from typing import Any, NamedTuple

from reid.errors import ArtefactError
from reid.gallery.entries import Box, Entry, Stored, stored

COLUMNS = "slot, id, path, identity, camera, time, source, box, digest, rest, vector, checksum"
NO_CAMERA = -1
_NO_TIME = float("nan")  # which SQLite cannot keep
_pack, _crc32 = struct.Struct("<qqqq?qdiiii").pack, zlib.crc32


class Row(NamedTuple):
    """An image as the catalogue keeps it.

    Texts are bytes, because names of files need not be valid text. The sha256 is split: an index over its first eight
    bytes as a number takes a third of the room. `vector` is the checksum of the vector in the slot.
    """

    slot: int
    id: int
    path: bytes
    identity: bytes | None
    camera: int
    time: float | None
    source: int
    box: str | None
    digest: int | None
    rest: bytes | None
    vector: int
    checksum: int

    def proof(self) -> int:
        """The checksum that this row must have: of all columns but the slot, which compaction changes."""
        return _row_proof(self[1:-1])

    def sealed(self) -> "Row":
        """The same row with its checksum."""
        return self._replace(checksum=self.proof())


def to_row(entry: Entry, *, slot: int, image: int, source: int, vector: int) -> Row:
    """The row of a new image."""
    identity, camera, time, box = entry.identity, entry.camera, entry.time, entry.box
    digest, rest = split_digest(entry.sha256) if entry.sha256 else (None, None)
    content = (
        image,
        to_bytes(entry.path),
        None if identity is None else to_bytes(identity),
        NO_CAMERA if camera is None else camera,
        None if time is None else float(time) + 0.0,  # SQLite keeps -0.0 as 0.0
        source,
        None if box is None else ",".join(map(str, box)),
        digest,
        rest,
        vector,
    )
    return Row._make((slot, *content, _row_proof(content)))


def to_stored(row: Row, source: str) -> Stored:
    """The image of a row whose checksum was compared."""
    _, image, path, identity, camera, time, _, box, digest, rest, _, _ = row
    return stored(
        to_text(path),
        None if identity is None else to_text(identity),
        None if camera == NO_CAMERA else camera,
        time,
        source,
        None if box is None else _box(box),
        "" if digest is None or rest is None else join_digest(digest, rest),
        image,
    )


def proven(values: tuple[Any, ...]) -> Row:
    """A row read from the catalogue.

    Raises:
        ArtefactError: it is not what was written; its image is named.
    """
    try:
        whole = _row_proof(values[1:-1]) == values[-1]
    except (TypeError, ValueError, AttributeError, struct.error):  # a value of another type than was written
        whole = False
    if not whole:
        raise ArtefactError(
            f"the catalogue's row of image {values[1]} is corrupt: its checksum differs; "
            "run reid-gallery check with --repair"
        )
    return Row._make(values)


def _row_proof(content: tuple[Any, ...]) -> int:
    """The checksum of a row's content: of its numbers and the lengths of its texts, then of its texts."""
    image, path, identity, camera, time, source, box, digest, rest, vector = content
    numbers = _pack(
        image,
        camera,
        source,
        vector,
        digest is None,
        digest or 0,
        _NO_TIME if time is None else time,
        len(path),
        -1 if identity is None else len(identity),
        -1 if box is None else len(box),
        -1 if rest is None else len(rest),
    )
    total = _crc32(path, _crc32(numbers))
    if identity:
        total = _crc32(identity, total)
    if box:
        total = _crc32(box.encode(), total)
    return _crc32(rest, total) if rest else total


def split_digest(sha256: str) -> tuple[int, bytes]:
    """The first eight bytes as a signed number, and the rest."""
    content = bytes.fromhex(sha256)
    return int.from_bytes(content[:8], signed=True), content[8:]


def join_digest(digest: int, rest: bytes) -> str:
    """The hexadecimal sha256 out of its two parts."""
    return (digest.to_bytes(8, signed=True) + rest).hex()


def to_bytes(text: str) -> bytes:
    """A name as it is kept."""
    return text.encode("utf-8", "surrogateescape")


def to_text(content: bytes) -> str:
    """The name that was kept."""
    return content.decode("utf-8", "surrogateescape")


def proof(value: object) -> int:
    """The checksum of a value, of whatever type it is: in a damaged catalogue it need not be the one that was written."""
    return _crc32(value if isinstance(value, bytes) else repr(value).encode("utf-8", "backslashreplace"))


def _box(text: str) -> Box:
    left, top, right, bottom = map(int, text.split(","))
    return left, top, right, bottom
