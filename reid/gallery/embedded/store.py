"""The gallery in a folder, as a store."""

import contextlib
import datetime as dt
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from reid import files
from reid.distances.compiled import loading_meanwhile
from reid.errors import ArtefactError, GalleryError, MissingInputError, OutputError
from reid.gallery.checks import check_queries, check_vectors, new_places
from reid.gallery.embedded import catalogue
from reid.gallery.embedded.checking import problems
from reid.gallery.embedded.compacting import compact, finish
from reid.gallery.embedded.connections import Connections, Result
from reid.gallery.embedded.following import INDEX, Following
from reid.gallery.embedded.schema import CATALOGUE, State, create, read_state
from reid.gallery.embedded.searching import Nearest, Searching
from reid.gallery.embedded.transactions import sqlite_errors
from reid.gallery.embedded.vector_file import VectorFile, vectors_path
from reid.gallery.entries import Entry, Stored
from reid.gallery.filters import Where
from reid.gallery.store import About
from reid.records import Floats
from reid.text import printable

_PAGE = 1000
_TRIES = 5


class EmbeddedStore:
    """Images in a folder, without any service; see `reid.gallery.store.Store` for what its methods promise.

    Any number of processes may have the gallery open; changes of one are seen by the next search of the others.

    Args:
        folder: a gallery.

    Raises:
        MissingInputError: there is none.
        GalleryError: it is of a newer version.
        ArtefactError: it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sources = catalogue.Sources()
        self.lingering = False
        many = (folder / INDEX).is_file()  # their catalogue takes a while to be proven
        with loading_meanwhile() if many else contextlib.nullcontext():
            self._connections = Connections(folder)
        try:
            self.about = self._connections.about()
            self._following = Following(folder, self.about)
            self._searching = Searching(self._following, self._sources)
            self._connections.read(lambda _, state: self._following.file(state))
        except BaseException:
            self._connections.close()
            raise

    @classmethod
    def create(cls, folder: Path, about: About) -> "EmbeddedStore":
        """A new, empty gallery.

        Raises:
            OutputError: there is something already, or the folder cannot be created.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(f"{printable(folder)} exists already; choose another place, or add to that gallery")
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        about = replace(about, uuid=uuid.uuid4().hex, created=about.created or now)
        with files.new_folder(folder, overwrite=folder.exists()) as temporary:
            VectorFile.create(vectors_path(temporary, 1), about, 1)
            create(temporary / CATALOGUE, about)
        return cls(folder)

    def add(
        self, entries: Sequence[Entry], vectors: Floats, thumbnails: Sequence[bytes | None] | None = None
    ) -> list[int | None]:
        """Add a batch; see the protocol."""
        check_vectors(entries, vectors, self.about.dimension)
        pictures = [None] * len(entries) if thumbnails is None else thumbnails
        ids: list[int | None] = [None] * len(entries)
        with self._connections.writing() as connection:
            fresh = new_places(entries, catalogue.known(connection, [entry.sha256 for entry in entries]))
            if not fresh:
                return ids
            state = read_state(connection)
            file = self._following.file(state)
            rows, sums = file.rows(vectors[fresh])
            with ThreadPoolExecutor(1) as disk:  # the vectors last before the rows do, which are made meanwhile
                written = disk.submit(file.write, state.slots, rows)
                made = catalogue.insert(connection, [entries[p] for p in fresh], sums, [pictures[p] for p in fresh])
                written.result()
        for place, image in zip(fresh, made, strict=True):
            ids[place] = image
        return ids

    def known(self, digests: Sequence[str]) -> set[str]:
        """Those sha256 that images have."""
        return self._connections.read(lambda connection, _: catalogue.known(connection, digests))

    def remove(self, where: Where) -> int:
        """Remove images; how many."""
        with self._connections.writing() as connection:
            return catalogue.delete(connection, where)

    def label(self, where: Where, identity: str | None) -> int:
        """Give images an identity, or take it away; how many."""
        with self._connections.writing() as connection:
            return catalogue.relabel(connection, where, identity)

    def entries(self, where: Where, *, limit: int | None = None) -> Iterator[Stored]:
        """Images by id, read page by page: what others change meanwhile may be seen or not."""
        after, left = 0, limit
        while left is None or left > 0:
            page = self._page(where, after, _PAGE if left is None else min(_PAGE, left))
            yield from page
            if len(page) < _PAGE:
                return
            after, left = page[-1].id, None if left is None else left - len(page)

    def nearest(self, queries: Floats, count: int, where: Where) -> Nearest:
        """The `count` most similar images of each query; see the protocol."""
        check_queries(queries, count, self.about.dimension)
        for _ in range(_TRIES):
            found = self._follow(lambda c, state: self._searching.nearest(c, state, queries, count, where))
            if found is not None:
                return found
        raise ArtefactError(
            f"the index of the gallery {printable(self.folder)} names images that are not in its catalogue; "
            "run reid-gallery check with --repair"
        )

    def vectors(self, ids: Sequence[int]) -> Floats:
        """(N, D) float32."""
        return self._follow(lambda connection, state: self._vectors(connection, state, ids))

    def thumbnail(self, image: int) -> bytes | None:
        """A small JPEG of an image."""
        return self._connections.read(lambda connection, _: catalogue.thumbnail(connection, image))

    def counts(self, *, roughly: bool = False) -> dict[str, int]:  # noqa: ARG002  an index counts them
        """Numbers of images, identities, images without one, and cameras; and bytes on disk."""
        size = sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())
        return {**self._connections.read(catalogue.counts), "bytes": size}

    def setting(self, name: str) -> Any:
        """A value kept with the gallery."""
        return self._connections.read(lambda connection, _: catalogue.setting(connection, name))

    def set(self, name: str, value: Any) -> None:
        """Keep a value with the gallery."""
        with self._connections.writing() as connection:
            catalogue.set_setting(connection, name, value)

    def check(self, progress: Callable[[int], None] | None = None) -> list[str]:
        """What is wrong with the gallery, a line each: every row and every vector is compared with its checksum."""
        return problems(self._connections.connection(), self.folder, progress)

    def compact(self, progress: Callable[[int], None] | None = None) -> int:
        """Give back the room of removed images; how many. Their bytes stand in no file of the gallery afterwards.

        Others go on reading meanwhile; if one does at the end, `lingering` says that bytes stay in the catalogue until it
        is compacted again. `progress` is told the number of vectors of each part that is done.
        """
        with self._connections.writing() as connection:
            given, gone = compact(connection, self.folder, progress)
        with sqlite_errors(self.folder):
            self.lingering = not finish(self._connections.connection(), gone)
        return given

    def search_on(self, device: str) -> None:
        """Search on a torch device; every row is looked at there."""
        self._following.search_on(device)

    def settle(self) -> None:
        """Cluster the vectors where there are many, so that searches are quick; takes a minute for a million."""
        view = self._follow(self._following.view)
        if not self._connections.read_only:
            self._following.settle(view, seed=0)

    def close(self) -> None:
        """Let go of files; the last process out seals the catalogue."""
        self._following.close()
        self._connections.close()

    def _follow(self, work: Callable[[sqlite3.Connection, State], Result]) -> Result:
        """What `work`, which reads vectors, gives; once more where another has compacted the gallery in that moment."""
        for _ in range(_TRIES):
            with contextlib.suppress(MissingInputError):
                return self._connections.read(work)
        return self._connections.read(work)

    def _page(self, where: Where, after: int, size: int) -> list[Stored]:
        return self._connections.read(
            lambda connection, _: self._sources.stored(
                connection, catalogue.select(connection, where, after=after, limit=size)
            )
        )

    def _vectors(self, connection: sqlite3.Connection, state: State, ids: Sequence[int]) -> Floats:
        slots = {row.id: row.slot for row in catalogue.by_ids(connection, ids)}
        for image in ids:
            if image not in slots:
                raise GalleryError(f"there is no image {image} in the gallery {printable(self.folder)}")
        return self._following.file(state).read_proven(np.array([slots[image] for image in ids], dtype=np.int64))
