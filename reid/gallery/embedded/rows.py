"""A row of the catalogue: what stands in its columns, and the checksum that proves it."""

import zlib
from typing import Any, NamedTuple

from reid.errors import ArtefactError
from reid.gallery.entries import Box, Entry, Stored

COLUMNS = "slot, id, path, identity, camera, time, source, box, digest, rest, vector, checksum"
NO_CAMERA = -1


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
        return proof(self[1:-1])

    def sealed(self) -> "Row":
        """The same row with its checksum."""
        return self._replace(checksum=self.proof())


def to_row(entry: Entry, *, slot: int, image: int, source: int, vector: int) -> Row:
    """The row of a new image."""
    content = (
        image,
        to_bytes(entry.path),
        None if entry.identity is None else to_bytes(entry.identity),
        NO_CAMERA if entry.camera is None else entry.camera,
        None if entry.time is None else float(entry.time),
        source,
        None if entry.box is None else ",".join(map(str, entry.box)),
        *split_digest(entry.sha256),
        vector,
    )
    return Row(slot, *content, proof(content))


def to_stored(row: Row, source: str) -> Stored:
    """The image of a row whose checksum was compared."""
    return Stored(
        path=to_text(row.path),
        identity=None if row.identity is None else to_text(row.identity),
        camera=None if row.camera == NO_CAMERA else row.camera,
        time=row.time,
        source=source,
        box=_box(row.box),
        sha256=join_digest(row.digest, row.rest),
        id=row.id,
    )


def proven(values: tuple[Any, ...]) -> Row:
    """A row read from the catalogue.

    Raises:
        ArtefactError: it is not what was written; its image is named.
    """
    row = Row._make(values)
    if proof(values[1:-1]) != values[-1]:
        raise ArtefactError(
            f"the catalogue's row of image {row.id} is corrupt: its checksum differs; "
            "run reid-gallery check with --repair"
        )
    return row


def split_digest(sha256: str) -> tuple[int | None, bytes | None]:
    """The first eight bytes as a signed number, and the rest; nothing for ""."""
    if not sha256:
        return None, None
    content = bytes.fromhex(sha256)
    return int.from_bytes(content[:8], signed=True), content[8:]


def join_digest(digest: int | None, rest: bytes | None) -> str:
    """The hexadecimal sha256 out of its two parts."""
    return "" if digest is None or rest is None else (digest.to_bytes(8, signed=True) + rest).hex()


def to_bytes(text: str) -> bytes:
    """A name as it is kept."""
    return text.encode("utf-8", "surrogateescape")


def to_text(content: bytes) -> str:
    """The name that was kept."""
    return content.decode("utf-8", "surrogateescape")


def proof(value: object) -> int:
    """The checksum of a value, of whatever type it is: in a damaged catalogue it need not be the one that was written."""
    return zlib.crc32(value if isinstance(value, bytes) else repr(value).encode("utf-8", "backslashreplace"))


def _box(text: str | None) -> Box | None:
    if text is None:
        return None
    left, top, right, bottom = map(int, text.split(","))
    return left, top, right, bottom
