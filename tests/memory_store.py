"""A gallery's store in memory, by plain brute force: what every other store must agree with."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from reid.errors import GalleryError
from reid.gallery.entries import Entry, Stored
from reid.gallery.filters import Where
from reid.gallery.store import MAX_HITS, About
from reid.records import Floats


def holds(where: Where, image: Stored) -> bool:
    """Whether an image fulfils every part of a condition, one after another as `Where` tells them."""
    if where.cameras is not None and image.camera not in where.cameras:
        return False
    if image.camera is not None and image.camera in where.not_cameras:
        return False
    if where.since is not None and (image.time is None or image.time < where.since):
        return False
    if where.until is not None and (image.time is None or image.time >= where.until):
        return False
    if where.identities is not None and image.identity not in where.identities:
        return False
    if where.sources is not None and image.source not in where.sources:
        return False
    if where.paths is not None and not any(within(image.path, path) for path in where.paths):
        return False
    return where.ids is None or image.id in where.ids


def within(path: str, folder: str) -> bool:
    """Whether a path is `folder` itself or below it, compared part by part."""
    return PurePosixPath(folder) in (PurePosixPath(path), *PurePosixPath(path).parents)


class MemoryStore:
    """Images in a dictionary by id; every question is answered by looking at all of them."""

    def __init__(self, dimension: int, model: str = "", *, precision: str = "float32") -> None:
        self._about = About(dimension, model, {}, precision, "0" * 32, "2026-01-01T00:00:00+00:00")
        self._images: dict[int, Stored] = {}
        self._vectors: dict[int, Floats] = {}
        self._thumbnails: dict[int, bytes | None] = {}
        self._settings: dict[str, str] = {}
        self._last = 0

    @property
    def about(self) -> About:
        return self._about

    def add(self, entries: Sequence[Entry], vectors: Floats, thumbnails: Sequence[bytes | None]) -> list[int | None]:
        for entry, vector in zip(entries, vectors, strict=True):
            length = float(np.linalg.norm(vector.astype(np.float64)))
            if vector.shape != (self._about.dimension,) or not abs(length - 1) <= 0.01:
                raise GalleryError(f"the vector of {entry.path} has shape {vector.shape} and length {length}")
        ids: list[int | None] = []
        there = {image.sha256 for image in self._images.values()} - {""}
        for entry, vector, thumbnail in zip(entries, vectors, thumbnails, strict=True):
            if entry.sha256 in there:
                ids.append(None)
                continue
            there |= {entry.sha256} - {""}
            self._last += 1
            self._images[self._last] = Stored(**{**dataclasses.asdict(entry), "id": self._last})
            self._vectors[self._last] = vector.astype(self._about.precision).astype(np.float32)
            self._thumbnails[self._last] = thumbnail
            ids.append(self._last)
        return ids

    def known(self, digests: Sequence[str]) -> set[str]:
        return {image.sha256 for image in self._images.values()} & set(digests) - {""}

    def remove(self, where: Where) -> int:
        gone = [image.id for image in self.entries(where)]
        for number in gone:
            del self._images[number], self._vectors[number], self._thumbnails[number]
        return len(gone)

    def label(self, where: Where, identity: str | None) -> int:
        found = list(self.entries(where))
        for image in found:
            self._images[image.id] = dataclasses.replace(image, identity=identity)
        return len(found)

    def entries(self, where: Where, *, limit: int | None = None) -> Iterator[Stored]:
        found = [image for _, image in sorted(self._images.items()) if holds(where, image)]
        return iter(found if limit is None else found[:limit])

    def nearest(self, queries: Floats, count: int, where: Where) -> list[list[tuple[Stored, float]]]:
        if not 1 <= count <= MAX_HITS:
            raise GalleryError(f"the number of hits must be from 1 to {MAX_HITS}, got {count}")
        if queries.ndim != 2 or queries.shape[1] != self._about.dimension or not np.isfinite(queries).all():
            raise GalleryError(f"queries of shape {queries.shape} cannot be searched for")
        answers = []
        for query in queries:
            scored = [
                (image, float(np.dot(query.astype(np.float64), self._vectors[image.id])))
                for image in self.entries(where)
            ]
            answers.append(sorted(scored, key=lambda pair: (-pair[1], pair[0].id))[:count])
        return answers

    def vectors(self, ids: Sequence[int]) -> Floats:
        for number in ids:
            self._must_have(number)
        return np.array([self._vectors[number] for number in ids], np.float32).reshape(-1, self._about.dimension)

    def thumbnail(self, image: int) -> bytes | None:
        return self._thumbnails.get(image)

    def counts(self, *, roughly: bool = False) -> dict[str, int]:
        images = self._images.values()
        return {
            "images": len(images),
            "identities": len({image.identity for image in images} - {None}),
            "unlabelled": sum(image.identity is None for image in images),
            "cameras": len({image.camera for image in images} - {None}),
            "bytes": 0,
        }

    def setting(self, name: str) -> Any:
        return json.loads(self._settings.get(name, "null"))

    def set(self, name: str, value: Any) -> None:
        self._settings[name] = json.dumps(value)

    def search_on(self, device: str) -> None:
        """Nothing: every image is looked at as it is."""

    def settle(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _must_have(self, number: int) -> None:
        if number not in self._images:
            raise GalleryError(f"there is no image {number} in the gallery")
