"""Embeddings in memory as a store that can be searched: what a plain folder of images becomes."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from reid.errors import GalleryError
from reid.gallery.checks import check_queries
from reid.gallery.entries import Entry, Stored
from reid.gallery.filters import Where
from reid.gallery.index import VectorIndex
from reid.gallery.store import About
from reid.records import JUNK, NO_CAMERA, Embeddings, Floats


class FolderStore:
    """Searched like any store; changed only by changing the folder. See `reid.gallery.store.Store`.

    Args:
        embeddings: of the images; their places count as ids, from 1.
        settings: values that are kept with a gallery, such as the model's calibration.
    """

    def __init__(self, embeddings: Embeddings, settings: Mapping[str, Any] | None = None) -> None:
        self._settings = settings or {}
        self._embeddings = embeddings
        self._images = _images(embeddings)
        self.about = About(embeddings.vectors.shape[1], embeddings.model, {})
        self._index = VectorIndex(self.about.dimension, lambda slots: embeddings.vectors[slots])
        self._index.append(0, embeddings.vectors)

    def same_file(self, path: Path) -> frozenset[int]:
        """The images whose file this is, by whatever name."""
        wanted = os.path.realpath(path)
        return frozenset(image.id for image in self._images if os.path.realpath(image.path) == wanted)

    def known(self, digests: Sequence[str]) -> set[str]:  # noqa: ARG002  the protocol's shape
        """None: the contents of files are not compared."""
        return set()

    def entries(self, where: Where, *, limit: int | None = None) -> Iterator[Stored]:
        """Images, by id."""
        return iter([image for image in self._images if where.holds(image)][:limit])

    def nearest(self, queries: Floats, count: int, where: Where) -> list[list[tuple[Stored, float]]]:
        """The `count` most similar images of each query; exact.

        Raises:
            GalleryError: the condition is about cameras, and no image has one.
        """
        check_queries(queries, count, self.about.dimension)
        if (where.cameras is not None or where.not_cameras) and not self.counts()["cameras"]:
            raise GalleryError("the gallery's images have no camera numbers, so they cannot be filtered by camera")
        among = None if where.everything else [place for place, i in enumerate(self._images) if where.holds(i)]
        found = self._index.search(
            queries, count, among=None if among is None else np.array(among, dtype=np.int64), exact=True
        )
        return [
            [
                (self._images[slot], min(1.0, max(-1.0, score)))
                for slot, score in zip(slots.tolist(), scores.tolist(), strict=True)
            ]
            for slots, scores in found
        ]

    def vectors(self, ids: Sequence[int]) -> Floats:
        """(N, D) float32."""
        for image in ids:
            if not 1 <= image <= len(self._images):
                raise GalleryError(f"there is no image {image} in this folder")
        return self._embeddings.vectors[np.array(ids, dtype=np.int64) - 1]

    def thumbnail(self, image: int) -> bytes | None:  # noqa: ARG002  the protocol's shape
        """None: none are kept."""
        return None

    def counts(self, *, roughly: bool = False) -> dict[str, int]:  # noqa: ARG002  they are in memory
        """Numbers of images, identities, images without one, and cameras."""
        unlabelled = int((self._embeddings.records.identities == JUNK).sum())
        return {**self._embeddings.records.count(), "unlabelled": unlabelled, "bytes": 0}

    def setting(self, name: str) -> Any:
        """A value that it was made with."""
        return self._settings.get(name)

    def add(self, entries: Sequence[Entry], vectors: Floats, thumbnails: Sequence[bytes | None]) -> NoReturn:  # noqa: ARG002
        """Refused."""
        _refuse()

    def remove(self, where: Where) -> NoReturn:  # noqa: ARG002
        """Refused."""
        _refuse()

    def label(self, where: Where, identity: str | None) -> NoReturn:  # noqa: ARG002
        """Refused."""
        _refuse()

    def set(self, name: str, value: Any) -> NoReturn:  # noqa: ARG002
        """Refused."""
        _refuse()

    def search_on(self, device: str) -> None:
        """Nothing: every image is looked at as it is."""

    def settle(self) -> None:
        """Nothing is to be done."""

    def close(self) -> None:
        """Nothing is open."""


def _images(embeddings: Embeddings) -> list[Stored]:
    found = embeddings.records
    cameras = [NO_CAMERA] * len(found) if found.cameras is None else found.cameras.tolist()
    times = [np.nan] * len(found) if found.times is None else found.times.tolist()
    return [
        Stored(
            str(found.root / path),
            None if code == JUNK else found.identity_names[code],
            None if camera == NO_CAMERA else camera,
            None if np.isnan(time) else time,
            str(found.root),
            id=image,
        )
        for image, (path, code, camera, time) in enumerate(
            zip(found.paths, found.identities.tolist(), cameras, times, strict=True), 1
        )
    ]


def _refuse() -> NoReturn:
    raise GalleryError("a plain folder is no gallery that can be changed; make one with reid-gallery create")
