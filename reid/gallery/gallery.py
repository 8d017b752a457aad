"""A gallery: images in, and the question "where else did this appear?" answered from them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from reid.embed import Embedder
from reid.errors import GalleryError
from reid.gallery import adding
from reid.gallery.adding import Added
from reid.gallery.asking import Crop, Question, contents, vectors_of
from reid.gallery.checks import check_model
from reid.gallery.entries import Entry, Stored
from reid.gallery.filters import Where, parse_where
from reid.gallery.meaning import CALIBRATION, Meaning, calibration_of
from reid.gallery.opening import Place, create_store, open_store
from reid.gallery.queries import Rerank, one_query
from reid.gallery.sources import Told, listing
from reid.gallery.store import About, Store

Condition = Where | Mapping[str, Any] | None

RUN, AVERAGING, NOTHING_TOLD = "run", "averaging", Told()


class Gallery:
    """Images that are searched with camera crops. Made by `create` and `open`; closed at the end of a `with` block.

    Args:
        store: where the images are kept.
        embedder: makes vectors of pictures; None will do where only vectors are searched for.

    Raises:
        GalleryError: the embedder is another model than the gallery's.
    """

    def __init__(self, store: Store, embedder: Embedder | None = None) -> None:
        self.store = store
        self.embedder = embedder
        self.meaning = Meaning(store)
        if embedder is not None:
            check_model(store.about, embedder.fingerprint)
            self.search_beside(embedder)

    @classmethod
    def create(
        cls,
        place: Place,
        embedder: Embedder,
        *,
        run: Path | str | None = None,
        precision: str = "float32",
    ) -> Self:
        """A new, empty gallery.

        Args:
            place: a folder that is not there yet, or the address of a database.
            embedder: the model of all its vectors.
            run: where that model came from; remembered, and its calibration is taken over unless the embedder averages
                over views, whose scores are others.
            precision: of the stored vectors, "float32" or "float16".

        Raises:
            OutputError: there is something at that place.
            GalleryError: the address is none.
            ArtefactError: the run's calibration is damaged, or the database does not answer.
        """
        calibration = None if run is None or embedder.averaging else calibration_of(Path(run), embedder)
        description = embedder.description
        prepared = {"input": list(description.image_size), "normalise": description.architecture.normalise}
        about = About(embedder.dimension, embedder.fingerprint, prepared, precision)
        store = create_store(place, about)
        if run is not None:
            store.set(RUN, str(Path(run).resolve()))
        if embedder.averaging:
            store.set(AVERAGING, dict(embedder.averaging))
        if calibration is not None:
            store.set(CALIBRATION, calibration.to_dict())
        return cls(store, embedder)

    @classmethod
    def open(cls, place: Place, *, embedder: Embedder | None = None) -> Self:
        """The gallery at a place.

        Raises:
            MissingInputError: there is none.
            GalleryError: the embedder is another model than the gallery's, or the gallery of a newer version.
            ArtefactError: it is damaged, or the database does not answer.
        """
        store = open_store(place)
        try:
            return cls(store, embedder)
        except GalleryError:
            store.close()
            raise

    def search_beside(self, embedder: Embedder) -> None:
        """Search on the GPU where a model is, if it is on one, from now on: every image is looked at there."""
        if embedder.device.type == "cuda":
            self.store.search_on(str(embedder.device))

    def add(
        self,
        source: Path | str | Sequence[Entry],
        *,
        told: Told = NOTHING_TOLD,
        workers: int | None = None,
        progress: Callable[[int], None] | None = None,
        on_bad_image: Literal["error", "skip"] = "error",
    ) -> Added:
        """Add the images of a source; content that is there already is passed over.

        Args:
            source: a folder, a list, a table of crops or boxes, an embeddings folder (see `reid.gallery.sources`), or
                images.
            told: what is said of all of them.
            workers: loader processes; None chooses by the number of cores.
            progress: called with the number of images dealt with since the last call.
            on_bad_image: "error" stops at the first image that cannot be used; "skip" leaves such images out.

        Raises:
            MissingInputError: an image or the source is not there.
            DataError: an image cannot be read, or a table has mistakes.
            GalleryError: another model's vectors.
            InUseError: another process has been writing for too long.
            ArtefactError: the disk is full or failed.
        """
        entries = listing(source, told) if isinstance(source, (str, Path)) else source
        self.meaning.forget()
        try:
            return adding.add(
                self.store, self.embedder, entries, workers=workers, progress=progress, on_bad_image=on_bad_image
            )
        finally:
            self.store.settle()

    def search(
        self,
        crops: Crop | Sequence[Crop],
        k: int = 10,
        *,
        where: Condition = None,
        by: Literal["image", "identity"] = "image",
        best_of: int = 1,
        one_object: bool = False,
        weights: Sequence[float] | None = None,
        rerank: Rerank | None = None,
        threshold: float | Literal["calibrated"] | None = "calibrated",
        itself: bool = False,
    ) -> Any:
        """The images, or identities, most like each crop.

        Args:
            crops: one crop, or several.
            k: hits, 1..10,000.
            where: a condition on the images, see `reid.gallery.filters.parse_where`.
            by: whether hits are images, or identities with their best images.
            best_of: images that an identity's score is the mean of.
            one_object: whether all crops show the same object, and are one query.
            weights: (Q,) of the crops of one object.
            rerank: orders the best 100 images anew, such as `reid.rerank.k_reciprocal`.
            threshold: best score below which the answer is "unknown"; "calibrated" takes the one of the model's
                validation identities for a gallery of this size, if there is one; None never says so.
            itself: whether an image may be found whose content is the crop's own file.

        Returns:
            An `Answer` for one crop or one object, else a list of them.

        Raises:
            MissingInputError: there is no such file.
            DataError: a crop cannot be read.
            GalleryError: k, the condition, or the length of a vector is wrong.
        """
        several = isinstance(crops, (list, tuple))
        chosen: Sequence[Crop] = crops if isinstance(crops, (list, tuple)) else [crops]  # type: ignore[list-item]
        vectors = vectors_of(chosen, self.embedder, self.store.about.dimension)
        own = [frozenset() if itself else contents(crop) for crop in chosen]
        if one_object:
            vectors, own = one_query(vectors, weights)[np.newaxis], [frozenset().union(*own)]
        level = self.meaning.level() if threshold == "calibrated" else threshold
        question = Question(k, parse_where(where), by, best_of, rerank, level, self.meaning.probability())
        answers = [question.ask(self.store, vector, mine) for vector, mine in zip(vectors, own, strict=True)]
        return answers if several and not one_object else answers[0]

    def remove(self, where: Condition) -> int:
        """Remove the images for which a condition holds; how many."""
        self.meaning.forget()
        return self.store.remove(parse_where(where))

    def label(self, where: Condition, identity: str | None) -> int:
        """Say which identity images show, or with None that it is not known; how many it was new for."""
        self.meaning.forget()
        return self.store.label(parse_where(where), identity)

    def merge(self, identities: Sequence[str], into: str) -> int:
        """Say that several identities are one; how many images it was new for."""
        return self.label(Where(identities=tuple(identities)), into)

    def images(self, where: Condition = None, *, limit: int | None = None) -> Iterator[Stored]:
        """The images for which a condition holds, by id."""
        return self.store.entries(parse_where(where), limit=limit)

    def averaging(self) -> dict[str, Any]:
        """How its model averages over views of a picture, as `load_embedder` takes it."""
        return self.store.setting(AVERAGING) or {}

    def info(self) -> dict[str, Any]:
        """What the gallery holds, and whose vectors."""
        about = self.store.about
        return {
            **self.store.counts(),
            "dimension": about.dimension,
            "precision": about.precision,
            "model": about.model,
            "prepared": about.prepared,
            "run": self.store.setting(RUN),
            "averaging": self.averaging(),
            "unknown_below": self.meaning.level(),
            "created": about.created,
        }

    def close(self) -> None:
        """Let go of files and connections."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
