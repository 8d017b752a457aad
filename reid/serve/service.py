"""What the endpoints do with a gallery, one call each; any number of threads may call."""

import contextlib
import threading
import time
from typing import Any

import numpy as np

from reid.errors import ArtefactError, GalleryError
from reid.gallery import asking
from reid.gallery.entries import Entry, Stored
from reid.gallery.filters import Where
from reid.gallery.gallery import Gallery
from reid.gallery.meaning import Meaning
from reid.records import Floats
from reid.rerank import k_reciprocal
from reid.serve.decoding import Decoded
from reid.serve.problems import Problem
from reid.serve.schemas import Change, Options, Told, named
from reid.serve.uploads import Uploads
from reid.serve.values import answer_values, camera_times, image_values

_FRESH = 60.0  # seconds for which the number of identities is taken to be what it was
_TWINS = 5  # images among which the one with the same content is looked for
_TIMELINE = 2000


class Service:
    """A gallery as clients see it: without paths, and with times and numbers only.

    Args:
        gallery: with or without an embedder.
        uploads: where files of added images go.
    """

    def __init__(self, gallery: Gallery, uploads: Uploads) -> None:
        self.gallery, self.uploads = gallery, uploads
        self._meaning = Meaning(gallery.store)
        self._read = time.monotonic()
        self._settling = threading.Lock()

    def search(self, vector: Floats, options: Options, own: frozenset[str | int] = frozenset()) -> dict[str, Any]:
        """The answer for a vector (D,) of unit length.

        Args:
            vector: the query.
            options: what is wanted.
            own: sha256 of contents, and ids of images, that are no answer.

        Raises:
            GalleryError: the vector has the wrong length.
        """
        meaning = self._fresh()
        question = asking.Question(
            options.k,
            options.where(),
            options.by,
            options.best_of,
            k_reciprocal if options.rerank else None,
            meaning.level() if options.threshold is None else options.threshold,
            meaning.probability(),
        )
        store = self.gallery.store
        itself = any(isinstance(one, int) for one in own) or bool(store.known([str(one) for one in own]))
        return answer_values(question.ask(store, vector, own), itself=itself)

    def search_vector(self, numbers: list[float], options: Options) -> dict[str, Any]:
        """The answer for a vector of any length but 0.

        Raises:
            GalleryError, ShapeError: it is none of the gallery's model.
        """
        with np.errstate(over="ignore"):
            vector = np.array(numbers, dtype=np.float32)
        return self.search(asking.vectors_of([vector], None, self.gallery.store.about.dimension)[0], options)

    def search_image(self, image: int, options: Options) -> dict[str, Any]:
        """The answer for an image of the gallery, which is not in it.

        Raises:
            Problem: there is no such image.
        """
        self.image(image)
        return self.search(self.gallery.store.vectors([image])[0], options, frozenset({image}))

    def add(self, decoded: Decoded, vector: Floats, told: Told) -> dict[str, Any]:
        """Keep an image, unless its content is there already.

        Raises:
            Problem: images are not taken.
            InUseError, ArtefactError: of the store.
        """
        store, time_ = self.gallery.store, None if told.time is None else float(told.time)
        if store.known([decoded.sha256]):
            return {"id": self._twin(decoded.sha256, vector), "added": False}
        path = self.uploads.keep(decoded)
        entry = Entry(str(path), named(told.identity), told.camera, time_, told.source, None, decoded.sha256)
        (made,) = store.add([entry], vector[np.newaxis], [decoded.thumbnail])
        self._forget()
        return {"id": self._twin(decoded.sha256, vector) if made is None else made, "added": made is not None}

    def remove(self, image: int) -> dict[str, Any]:
        """Remove an image, and its file where it came by upload.

        Raises:
            Problem: there is no such image.
            InUseError, ArtefactError: of the store.
        """
        gone = self.image(image)
        removed = self.gallery.store.remove(Where(ids=(image,)))
        self._forget()
        self.uploads.drop(gone)
        return {"removed": removed}

    def change(self, change: Change) -> dict[str, Any]:
        """Label images, or merge identities.

        Raises:
            Problem: the gallery lacks one of them; nothing was changed.
            InUseError, ArtefactError: of the store.
        """
        if change.ids is not None:
            where = Where(ids=tuple(dict.fromkeys(change.ids)))
            there = {image.id for image in self.gallery.images(where)}
            missing = [str(image) for image in change.ids if image not in there]
        else:
            names = tuple(dict.fromkeys(named(name) for name in change.merge or []))
            where = Where(identities=names)
            missing = [
                "unknown" if name is None else name
                for name in names
                if next(self.gallery.images(Where(identities=(name,)), limit=1), None) is None
            ]
        if missing:
            raise Problem(404, f"the gallery does not have {', '.join(missing[:5])}; nothing was changed")
        changed = self.gallery.store.label(where, named(change.identity))
        self._forget()
        return {"changed": changed}

    def image(self, image: int) -> Stored:
        """What is known of an image.

        Raises:
            Problem: there is no such image.
        """
        found = next(self.gallery.images(Where(ids=(image,)), limit=1), None)
        if found is None:
            raise Problem(404, f"there is no image {image}")
        return found

    def images(self, where: Where, limit: int) -> dict[str, Any]:
        """The first images for which a condition holds."""
        found = list(self.gallery.images(where, limit=limit + 1))
        return {"images": [image_values(image) for image in found[:limit]], "more": len(found) > limit}

    def timeline(self, identity: str) -> dict[str, Any]:
        """Where and when an identity was seen.

        Raises:
            Problem: the gallery does not have it.
        """
        found = list(self.gallery.images(Where(identities=(named(identity),)), limit=_TIMELINE + 1))
        if not found:
            raise Problem(404, f"the gallery does not have {identity}")
        seen = sorted(found[:_TIMELINE], key=lambda image: (image.time is None, image.time or 0.0, image.id))
        cameras = sorted({image.camera for image in seen}, key=lambda camera: (camera is None, camera))
        return {
            "identity": identity,
            "cameras": [
                camera_times(camera, [image for image in seen if image.camera == camera]) for camera in cameras
            ],
            "images": [image_values(image) for image in seen],
            "more": len(found) > _TIMELINE,
        }

    def thumbnail(self, image: int) -> bytes:
        """A small JPEG.

        Raises:
            Problem: there is none.
        """
        found = self.gallery.store.thumbnail(image)
        if found is None:
            raise Problem(404, f"there is no thumbnail of image {image}")
        return found

    def statistics(self) -> dict[str, Any]:
        """What the gallery holds."""
        about, counts = self.gallery.store.about, self.gallery.store.counts()
        return {
            **counts,
            "dimension": about.dimension,
            "precision": about.precision,
            "model": about.model[:12],
            "created": about.created,
            "unknown_below": self._fresh().level(),
        }

    def settle(self) -> None:
        """Make searches quick again after additions; once at a time."""
        if self._settling.acquire(blocking=False):
            try:
                self.gallery.store.settle()
            finally:
                self._settling.release()

    def _twin(self, sha256: str, vector: Floats) -> int | None:
        with contextlib.suppress(GalleryError, ArtefactError):
            near = self.gallery.store.nearest(vector[np.newaxis], _TWINS, Where())[0]
            return next((image.id for image, _ in near if image.sha256 == sha256), None)
        return None

    def _fresh(self) -> Meaning:
        if time.monotonic() - self._read > _FRESH:  # other processes may change the gallery too
            self._forget()
        return self._meaning

    def _forget(self) -> None:
        self._meaning, self._read = Meaning(self.gallery.store), time.monotonic()
