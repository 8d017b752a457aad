"""The vectors and the index of a gallery in memory, brought to the state of the catalogue that a search sees."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np

from reid.errors import ArtefactError, MissingInputError
from reid.gallery.embedded.rows import Row
from reid.gallery.embedded.schema import State
from reid.gallery.embedded.vector_file import VectorFile, vectors_path
from reid.gallery.index import Clusters, VectorIndex
from reid.gallery.store import About
from reid.records import Floats, Integers
from reid.text import listed

INDEX = "index.bin"


class _DamageError(Exception):
    """Rows of a block differ from their checksums."""


@dataclass(frozen=True)
class View:
    """What a search works on.

    Attributes:
        generation: of the file.
        change: of the catalogue; the view may know of later changes by others.
        slots: in the index.
        removed: number of the last removal it knows of.
        file: of the vectors.
        index: over them.
    """

    generation: int
    change: int
    slots: int
    removed: int
    file: VectorFile
    index: VectorIndex

    def compare(self, rows: Mapping[int, Row]) -> None:
        """See that every row belongs to the vector in its slot.

        Raises:
            ArtefactError: one does not; its image is named.
        """
        for row, total in zip(rows.values(), self.file.checksums_at(list(rows)), strict=True):
            if row.vector != total:
                raise ArtefactError(
                    f"the vector of image {row.id} is not the one that was added; run reid-gallery check with --repair"
                )


class Following:
    """Keeps one view for all threads of a process and extends it when the catalogue has grown.

    Every vector is compared with its checksum before it enters the index.

    Args:
        folder: the gallery.
        about: of it.
    """

    def __init__(self, folder: Path, about: About) -> None:
        self._folder = folder
        self._about = about
        self._lock = threading.Lock()
        self._view: View | None = None
        self._device: str | None = None

    def file(self, state: State) -> VectorFile:
        """The file of vectors of a state."""
        view = self._view
        if view is not None and view.generation == state.generation:
            return view.file
        return VectorFile.open(vectors_path(self._folder, state.generation), self._about, state.generation)

    def view(self, connection: sqlite3.Connection, state: State) -> View:
        """A view that knows all that the transaction of `connection` sees.

        Raises:
            ArtefactError: vectors are damaged; their images are named.
        """
        view = self._view
        if view is not None and view.generation == state.generation and view.change >= state.change:
            return view
        with self._lock:
            view = self._view
            if view is None or view.generation != state.generation:
                view = self._begin(state)
            if view.change < state.change or view.slots < state.slots:
                view = self._extend(view, connection, state)
            self._view = view
            return view

    def search_on(self, device: str) -> None:
        """Search on a torch device from now on, also after the gallery was compacted."""
        with self._lock:
            self._device = device
            if self._view is not None:
                self._view.index.search_on(device)

    def settle(self, view: View, seed: int) -> None:
        """Cluster the vectors where that makes searches quicker, and keep the clusters."""
        with self._lock:
            if view.index.wants_clustering:
                view.index.cluster(seed)
                clusters = view.index.clusters
                if clusters is not None:
                    clusters.save(self._folder / INDEX, self._binding(view.generation))

    def close(self) -> None:
        """Let go of the vectors."""
        with self._lock:
            if self._view is not None:
                self._view.file.close()
                self._view = None

    def _begin(self, state: State) -> View:
        file = VectorFile.open(vectors_path(self._folder, state.generation), self._about, state.generation)
        try:
            clusters = Clusters.load(self._folder / INDEX, self._binding(state.generation))
        except (MissingInputError, ArtefactError):
            clusters = None  # it is derived: what searches find does not depend on it being there
        index = VectorIndex(self._about.dimension, file.read, clusters=clusters)
        index.search_on(self._device)
        return View(state.generation, -1, 0, 0, file, index)

    def _extend(self, view: View, connection: sqlite3.Connection, state: State) -> View:
        rows = connection.execute("SELECT number, slot FROM removed WHERE number > ? ORDER BY number", (view.removed,))
        gone = np.array(rows.fetchall(), dtype=np.int64).reshape(-1, 2)

        def blocks(first: int, stop: int) -> Iterator[tuple[int, Floats]]:
            for slot, words in view.file.blocks(first, stop):
                wrong, vectors = np.flatnonzero(view.file.wrong(words)), view.file.seen(words)
                if len(wrong):
                    damaged.append(np.setdiff1d(slot + wrong, gone[:, 1]))
                    if len(damaged[-1]):
                        raise _DamageError
                    vectors[wrong] = 0  # of removed images: they may be anything, even NaN
                yield slot, vectors

        damaged: list[Integers] = []
        try:
            view.index.extend(state.slots, blocks)
        except _DamageError:
            self._refuse(connection, np.concatenate(damaged))
        if len(gone):
            view.index.forget(gone[:, 1])
        last = int(gone[-1, 0]) if len(gone) else view.removed
        return replace(view, change=state.change, slots=state.slots, removed=last)

    def _refuse(self, connection: sqlite3.Connection, wrong: Integers) -> NoReturn:
        order = f"SELECT id FROM images WHERE slot IN ({', '.join(map(str, wrong[:20].tolist()))})"
        images = sorted(image for (image,) in connection.execute(order))
        raise ArtefactError(
            f"vectors of this gallery are corrupt, among them those of images {listed(images)}: their checksums differ; "
            "run reid-gallery check with --repair"
        )

    def _binding(self, generation: int) -> dict[str, object]:
        return {"gallery": self._about.uuid, "generation": generation}
