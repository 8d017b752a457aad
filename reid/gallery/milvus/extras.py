"""What a gallery on Milvus keeps beside its images: thumbnails, settings, what holds for all, the ids that are given."""

from collections.abc import Mapping, Sequence

from reid.errors import GalleryError
from reid.gallery.milvus.expressions import one_of
from reid.gallery.milvus.server import Server
from reid.gallery.milvus.texts import decode, encode, literal

LONGEST = 65535
"""Bytes of a value."""

_KEY = 1024
_PAGE = 1000
_CHUNK = 8 * 2**20
_UNUSED = [0.0, 1.0]
FIELDS = [
    ("key", "VARCHAR", {"is_primary": True, "max_length": _KEY}),
    ("value", "VARCHAR", {"max_length": LONGEST}),
    ("vector", "FLOAT_VECTOR", {"dim": len(_UNUSED)}),  # every collection must have one
]


class Extras:
    """Texts by key, in a collection of their own."""

    def __init__(self, server: Server, collection: str) -> None:
        self._server = server
        self.collection = collection

    def put(self, values: Mapping[str, str], *, new: bool = False) -> None:
        """Keep values; `new` promises that their keys are not there yet, which is quicker.

        Raises:
            GalleryError: a key or a value is too long.
        """
        write = self._server.insert if new else self._server.upsert
        rows, size = list[Mapping[str, object]](), 0
        for key, value in values.items():
            kept = encode(key)
            if len(kept.encode()) > _KEY or len(value.encode()) > LONGEST:
                raise GalleryError(
                    f"{key[:100]!r} with {len(value.encode()):,} bytes is too long to be kept on Milvus; at most "
                    f"{LONGEST:,} bytes under a name of {_KEY} are"
                )
            rows.append({"key": kept, "value": value, "vector": _UNUSED})
            size += len(value)
            if size > _CHUNK:
                write(self.collection, rows)
                rows, size = [], 0
        if rows:
            write(self.collection, rows)

    def get(self, key: str) -> str | None:
        """The value of a key; None where there is none."""
        found = self._server.query(self.collection, f"key == {literal(key)}", ["value"])
        return str(found[0]["value"]) if found else None

    def below(self, prefix: str) -> dict[str, str]:
        """All values whose keys begin with a prefix that ends in "/"."""
        start = encode(prefix.removesuffix("/"))
        values: dict[str, str] = {}
        condition = f'key >= "{start}/" and key < "{start}0"'
        while True:
            page = self._server.query(self.collection, condition, ["key", "value"], _PAGE)
            values |= {decode(row["key"]): str(row["value"]) for row in page}
            if len(page) < _PAGE:
                return values
            condition = f'key > "{page[-1]["key"]}" and key < "{start}0"'

    def remove(self, keys: Sequence[str]) -> None:
        """Take values away; keys that are not there do no harm."""
        if condition := one_of("key", keys):
            self._server.delete(self.collection, condition)
