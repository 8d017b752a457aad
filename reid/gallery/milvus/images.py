"""The collection of images: rows by condition, by id and by content."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from reid.gallery.filters import Where
from reid.gallery.milvus.expressions import among, expression, one_of
from reid.gallery.milvus.server import Row, Server
from reid.records import Floats

PAGE = 10_000
_BYTES = 16 * 2**20


class Images:
    """Rows of images on a server.

    Args:
        server: that has them.
        collection: in which they are.
        dimension: of their vectors.

    Attributes:
        at_once: so many rows with their vectors take a quarter of what a message may.
    """

    def __init__(self, server: Server, collection: str, dimension: int) -> None:
        self._server = server
        self.collection = collection
        self.at_once = max(1, min(PAGE, _BYTES // (4 * dimension + 1024)))

    def pages(self, where: Where, fields: Sequence[str], size: int = PAGE) -> Iterator[list[dict[str, Any]]]:
        """The rows of a condition by id, up to `size` at once; what is changed meanwhile may be seen or not."""
        condition, after = expression(where), 0
        while condition is not None:
            later = f"id > {after}"
            expected = f"{later} and {condition}" if condition else later
            page = self._server.query(self.collection, expected, fields, size)
            page.sort(key=lambda row: int(row["id"]))
            if page:
                yield page
            if len(page) < size:
                return
            after = int(page[-1]["id"])

    def with_content(self, digests: Sequence[str]) -> dict[str, list[int]]:
        """The ids, ascending, of the images with each of some sha256, of those that there are."""
        found: dict[str, list[int]] = {}
        wanted = sorted({*digests} - {""})
        for start in range(0, len(wanted), PAGE):
            condition = one_of("sha256", wanted[start : start + PAGE]) or ""
            for row in self._server.query(self.collection, condition, ["id", "sha256"]):
                found.setdefault(str(row["sha256"]), []).append(int(row["id"]))
        return {digest: sorted(ids) for digest, ids in found.items()}

    def vectors(self, ids: Sequence[int]) -> dict[int, Floats]:
        """The vectors of the images that there are, by id."""
        found: dict[int, Floats] = {}
        for start in range(0, len(ids), self.at_once):
            if condition := among("id", ids[start : start + self.at_once]):
                for row in self._server.query(self.collection, condition, ["id", "vector"]):
                    found[int(row["id"])] = np.asarray(row["vector"], np.float32)
        return found

    def counts(self) -> dict[str, int]:
        """Numbers of images, identities, images without one, and cameras."""
        images, unlabelled, identities, cameras = 0, 0, set[str](), set[int]()
        for page in self.pages(Where(), ["id", "identity", "named", "camera"]):
            images += len(page)
            unlabelled += sum(not row["named"] for row in page)
            identities |= {row["identity"] for row in page if row["named"]}
            cameras |= {row["camera"] for row in page if row["camera"] >= 0}
        return {"images": images, "identities": len(identities), "unlabelled": unlabelled, "cameras": len(cameras)}

    def count(self) -> int:
        """Number of images."""
        return self._server.count(self.collection)

    def insert(self, rows: Sequence[Row]) -> None:
        """Add rows with new ids."""
        for start in range(0, len(rows), self.at_once):
            self._server.insert(self.collection, rows[start : start + self.at_once])

    def replace(self, rows: Sequence[Row]) -> None:
        """Put rows in the place of those with their ids."""
        for start in range(0, len(rows), self.at_once):
            self._server.upsert(self.collection, rows[start : start + self.at_once])

    def delete(self, ids: Sequence[int]) -> None:
        """Remove rows; ids that are not there do no harm."""
        for start in range(0, len(ids), PAGE):
            if condition := among("id", ids[start : start + PAGE]):
                self._server.delete(self.collection, condition)
