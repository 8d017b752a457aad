"""A gallery on a Milvus server, as a store."""

import builtins
import dataclasses
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from reid.errors import GalleryError, MissingInputError, ReidError
from reid.gallery.address import MilvusAddress
from reid.gallery.checks import check_queries, check_vectors, new_places
from reid.gallery.entries import Entry, Stored
from reid.gallery.filters import Where
from reid.gallery.milvus import layout
from reid.gallery.milvus.expressions import expression
from reid.gallery.milvus.extras import LONGEST, Extras
from reid.gallery.milvus.identifiers import Identifiers
from reid.gallery.milvus.images import PAGE, Images
from reid.gallery.milvus.nearest import nearest
from reid.gallery.milvus.rows import FIELDS, to_row, to_stored
from reid.gallery.milvus.server import Server
from reid.gallery.milvus.texts import packed, unpacked
from reid.gallery.store import About
from reid.records import Floats
from reid.text import printable

_SETTING = "setting/"
_COUNTS = "counts"
_UNFLUSHED = 1000


class MilvusStore:
    """Images on a Milvus server; see `reid.gallery.store.Store` for what its methods promise, and the package's
    docstring for what differs on a server without transactions.

    Args:
        address: of a gallery that is there.

    Raises:
        ConfigError: the client of Milvus is not installed.
        MissingInputError: there is no such file of Milvus Lite.
        GalleryError: there is no such gallery, or the server refuses the user.
        ArtefactError: the server cannot be reached, or the gallery is half made or of another version.
    """

    def __init__(self, address: MilvusAddress) -> None:
        self.address = address
        if address.file is not None and not address.file.exists():
            raise MissingInputError(f"there is no file {printable(address.file)}; create the gallery first")
        self._server = Server(address)
        try:
            self._about = layout.read(self._server)
        except BaseException:
            self._server.close()
            raise
        images, extras = layout.names(address)
        self._images = Images(self._server, images, self._about.dimension)
        self._extras = Extras(self._server, extras)
        self._identifiers = Identifiers(self._extras)
        self._writing = threading.RLock()
        self._unflushed = 0

    @classmethod
    def create(cls, address: MilvusAddress, about: About) -> "MilvusStore":
        """A new, empty gallery.

        Raises:
            OutputError: there is one of that name.
        """
        server = Server(address)
        try:
            layout.make(server, about)
        finally:
            server.close()
        return cls(address)

    @property
    def about(self) -> About:
        """What holds for the gallery as a whole."""
        return self._about

    def add(self, entries: Sequence[Entry], vectors: Floats, thumbnails: Sequence[bytes | None]) -> list[int | None]:
        """Add a batch: thumbnails first, which nobody sees without their images, then the images."""
        check_vectors(entries, vectors, self._about.dimension)
        kept = vectors.astype(self._about.precision).astype(np.float32)
        rows = [to_row(entry, 0, vector) for entry, vector in zip(entries, kept, strict=True)]
        pictures = [packed(picture, LONGEST, entry.path) for entry, picture in zip(entries, thumbnails, strict=True)]
        with self._writing:
            fresh = new_places(entries, self.known([entry.sha256 for entry in entries]))
            ids = dict(zip(fresh, self._identifiers.take(len(fresh)), strict=True))
            try:
                self._extras.put(
                    {_thumbnail(ids[n]): text for n in fresh if (text := pictures[n]) is not None}, new=True
                )
                self._images.insert([rows[n] | {"id": ids[n]} for n in fresh])
            except BaseException:
                with suppress(ReidError):  # whatever came through; the server may be gone
                    self._delete(list(ids.values()))
                raise
            gone = self._give_way([entries[n].sha256 for n in fresh])
            self._changed(len(fresh))
        return [None if ids.get(n) in gone else ids.get(n) for n in range(len(entries))]

    def known(self, digests: Sequence[str]) -> "builtins.set[str]":
        """Those sha256 that images have."""
        return {*self._images.with_content(digests)}

    def remove(self, where: Where) -> int:
        """Remove images; how many. If it is broken off, some are left, and doing it again removes them."""
        with self._writing:
            ids = [int(row["id"]) for page in self._images.pages(where, ["id"]) for row in page]
            self._delete(ids)
            self._changed(len(ids))
        return len(ids)

    def label(self, where: Where, identity: str | None) -> int:
        """Give images an identity; how many had another. Their rows are written anew, with their vectors."""
        count = 0
        with self._writing:
            for page in self._images.pages(where, [*FIELDS, "vector"], self._images.at_once):
                changed = []
                for row in page:
                    before = to_stored(row)
                    if before.identity != identity:
                        after = dataclasses.replace(before, identity=identity)
                        changed.append(to_row(after, after.id, np.asarray(row["vector"], np.float32)))
                self._images.replace(changed)
                count += len(changed)
            self._changed(count)
        return count

    def entries(self, where: Where, *, limit: int | None = None) -> Iterator[Stored]:
        """Images by id, read page by page: what others change meanwhile may be seen or not."""
        left = limit
        for page in self._images.pages(where, FIELDS, PAGE if limit is None else max(1, min(PAGE, limit))):
            for row in page:
                if left is not None:
                    if left <= 0:
                        return
                    left -= 1
                yield to_stored(row)

    def nearest(self, queries: Floats, count: int, where: Where) -> list[list[tuple[Stored, float]]]:
        """The `count` most similar images of each query; see the protocol."""
        check_queries(queries, count, self._about.dimension)
        condition = expression(where)
        if condition is None:
            return [[] for _ in queries]
        return nearest(self._server, self._images, queries, count, condition)

    def vectors(self, ids: Sequence[int]) -> Floats:
        """(N, D) float32."""
        found = self._images.vectors(ids)
        for image in ids:
            if image not in found:
                raise GalleryError(f"there is no image {image} in the gallery {self.address}")
        return np.array([found[image] for image in ids], np.float32).reshape(-1, self._about.dimension)

    def thumbnail(self, image: int) -> bytes | None:
        """A small JPEG of an image."""
        text = self._extras.get(_thumbnail(image))
        return None if text is None else unpacked(text, f"the thumbnail of image {image} in {self.address}")

    def counts(self, *, roughly: bool = False) -> dict[str, int]:
        """Numbers of images, identities and cameras: all rows are read for it, since the server cannot count values.

        What was counted for somebody who asks `roughly` is kept for the next one.
        """
        if not roughly:
            return {**self._images.counts(), "bytes": 0}
        found, images = self.setting(_COUNTS), self._images.count()
        if found is None or not 9 * found["images"] <= 10 * images <= 11 * found["images"]:
            found = self._images.counts()
            images = found["images"]
            with suppress(ReidError):  # of a user who may not write
                self.set(_COUNTS, found)
        return {**found, "images": images, "bytes": 0}

    def setting(self, name: str) -> Any:
        """A value kept with the gallery."""
        text = self._extras.get(f"{_SETTING}{name}")
        return None if text is None else json.loads(text)

    def set(self, name: str, value: Any) -> None:
        """Keep a value with the gallery."""
        with self._writing:
            self._extras.put({f"{_SETTING}{name}": json.dumps(value)})

    def search_on(self, device: str) -> None:
        """Nothing: the server searches where it runs."""

    def settle(self) -> None:
        """Flush, and choose the index for the number of images; searches of others wait while it is made anew."""
        with self._writing:
            if self._unflushed:
                self._flush()
            layout.settle(self._server)

    def close(self) -> None:
        """End the connection."""
        with self._writing:
            if self._server.lite and self._unflushed:
                with suppress(ReidError):
                    self._flush()
            self._server.close()

    def _delete(self, ids: Sequence[int]) -> None:
        """Thumbnails first: what is broken off and done again then leaves none behind."""
        for start in range(0, len(ids), PAGE):
            self._extras.remove([_thumbnail(image) for image in ids[start : start + PAGE]])
        self._images.delete(ids)

    def _give_way(self, digests: Sequence[str]) -> frozenset[int]:
        """Of images that two writers added at the same moment, the one with the lowest id stays; which ones went."""
        later = sorted(image for same in self._images.with_content(digests).values() for image in same[1:])
        self._delete(later)
        return frozenset(later)

    def _changed(self, rows: int) -> None:
        """Milvus Lite searches what is not flushed row by row, and leaves it to the system when its log is on disk."""
        self._unflushed += rows
        if self._server.lite and self._unflushed >= _UNFLUSHED:
            self._flush()

    def _flush(self) -> None:
        for name in layout.names(self.address):
            self._server.flush(name)
        self._unflushed = 0


def _thumbnail(image: int) -> str:
    """The key of an image's thumbnail."""
    return f"thumbnail/{image}"
