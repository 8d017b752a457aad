"""Camera crops in, ranked images or identities out: what `reid-gallery search` and `tools/query_gallery.py` do."""

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from reid.cli.command import emit
from reid.cli.cores import share_for
from reid.cli.filtering import UNKNOWN
from reid.cli.progress import Counter
from reid.data.boxes import told
from reid.data.images import decode_image, read_image
from reid.embed import Embedder, load_embedder
from reid.errors import GalleryError, MissingInputError, OutputError
from reid.gallery.answers import Answer, IdentityHit
from reid.gallery.asking import Question, contents
from reid.gallery.checks import check_model
from reid.gallery.filters import Where
from reid.gallery.folder import named, open_gallery
from reid.gallery.folder_store import FolderStore
from reid.gallery.gallery import RUN, Gallery
from reid.gallery.meaning import CALIBRATION, calibration_of
from reid.gallery.opening import is_gallery
from reid.gallery.pictures import Pixels, read_picture
from reid.gallery.queries import one_query
from reid.records import Floats
from reid.report.tables import text_table
from reid.rerank import k_reciprocal
from reid.text import printable

LATEST = Path("runs/latest")


@dataclass(frozen=True)
class Found:
    """What was found for one crop, or for several of one object.

    Attributes:
        crops: of the query.
        answer: of the gallery.
        identity: the query's own, where the first crop's file name says it as the gallery's names do; None otherwise.
        camera: likewise.
        itself: whether the crop's own file is in the gallery; it is not among the hits.
        thumbnails: by id, of the hits whose files are not there any more, if pictures are wanted.
    """

    crops: tuple[Path, ...]
    answer: Answer
    identity: str | None
    camera: int | None
    itself: bool
    thumbnails: Mapping[int, Pixels] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """As plain values for JSON."""
        several = {"crops": [str(crop) for crop in self.crops]} if len(self.crops) > 1 else {}
        return {"query": str(self.crops[0]), **several, **self.answer.to_dict()}


def search_gallery(
    gallery: str, crops: Sequence[Path], where: Where, options: Mapping[str, Any], json: str | None
) -> None:
    """Search, print and draw, as the options of the command say."""
    figure: Path | None = options["figure"]
    if figure is not None:
        check_figure(figure)
    found = rank(gallery, crops, where, options)
    emit([one.to_dict() for one in found], json, lambda: print_found(found, ids=is_gallery(gallery)))
    if figure is not None:
        draw(found, figure)
        click.echo(f"rank lists drawn in {printable(figure)}", err=True)


def rank(gallery: str, crops: Sequence[Path], where: Where, options: Mapping[str, Any]) -> list[Found]:
    """The best images, or identities, for each crop, or for all of one object; a crop is never its own answer.

    Args:
        gallery: a gallery, a plain folder of images, or an embeddings folder.
        crops: picture files.
        where: a condition on the images.
        options: "count", "by", "best_of", "one_object", "rerank", "threshold", "false_alarms", "model" (None is the gallery's own) and
            "device".

    Raises:
        MissingInputError: no such model, gallery or crop.
        DataError: a crop or a gallery image cannot be read.
        GalleryError: the gallery is another model's, or knows no cameras to filter by.
    """
    if is_gallery(gallery):
        with Gallery.open(gallery) as opened:
            embedder = embedder_of(opened, options["model"], options["device"])
            vectors = embedder.embed(list(crops))
            return _ask(opened, crops, vectors, [contents(crop) for crop in crops], where, options)
    run = options["model"] or LATEST
    embedder = load_model(run, options["device"])
    vectors = embedder.embed(list(crops))  # before the folder: a crop that cannot be read is told at once
    with Counter("embedding the gallery") as counter:
        embeddings = open_gallery(Path(gallery), embedder, progress=counter)
    calibration = calibration_of(run, embedder)
    store = FolderStore(embeddings, {} if calibration is None else {CALIBRATION: calibration.to_dict()})
    own: list[frozenset[str | int]] = [frozenset(store.same_file(crop)) for crop in crops]
    return _ask(Gallery(store), crops, vectors, own, where, options)


def embedder_of(gallery: Gallery, model: Path | None, device: str) -> Embedder:
    """The gallery's model, from the run that was named, or else from where it was when the gallery was made.

    Raises:
        MissingInputError: there is no such run.
        GalleryError: it is another model.
    """
    run = model or gallery.store.setting(RUN)
    if run is None:
        raise GalleryError("the gallery does not know where its model is; name its run with --run")
    try:
        embedder = load_model(Path(run), device, **gallery.averaging())
    except MissingInputError as error:
        if model is not None:
            raise
        raise MissingInputError(f"the gallery's model was {printable(run)}: {error}") from error
    check_model(gallery.store.about, embedder.fingerprint)
    gallery.search_beside(embedder)
    return embedder


def load_model(run: Path, device: str, **ways: Any) -> Embedder:
    """The model of a run, as `load_embedder` takes its ways, with the cores shared between reading and computing."""
    embedder = load_embedder(run, device=device, **ways)
    share_for(embedder)  # before pictures are read: see there
    return embedder


def print_found(found: Sequence[Found], *, ids: bool = False) -> None:
    """A table of hits for each query, with the ids of images or without."""
    for one in found:
        notes = ["its own file is in the gallery and left out"] if one.itself else []
        if one.answer.unknown:
            nothing = "the gallery has no image that the options leave"
            notes.append(nothing if not one.answer.hits else f"unknown: no score reaches {one.answer.threshold:.3f}")
        note = f"  ({'; '.join(notes)})" if notes else ""
        click.echo(f"{', '.join(printable(crop) for crop in one.crops)}{note}")
        if one.answer.hits:
            click.echo(text_table(*_table(one.answer, ids=ids)) + "\n")


def check_figure(out: Path) -> None:
    """Refuse a place where no picture can be written, before the work is done whose result would go there.

    Raises:
        OutputError: it is a folder, or in none.
    """
    if os.path.isdir(out) or not os.path.isdir(out.parent):  # noqa: PTH112  which take any name
        raise OutputError(f"--figure {printable(out)}: name a file in a folder that exists")


def draw(found: Sequence[Found], out: Path) -> None:
    """Draw the rank lists of all queries into a PNG file."""
    from reid.report.figures import RankRow, Tile, rank_lists

    rows = []
    for one in found:
        query = Tile(read_image(one.crops[0]), identity=one.identity, camera=one.camera)
        tiles = []
        for hit in one.answer.hits:
            image = hit.image
            picture = one.thumbnails[image.id] if image.id in one.thumbnails else read_picture(image)
            tiles.append(Tile(picture, identity=image.identity, camera=image.camera, score=hit.score))
        rows.append(RankRow(query, tuple(tiles)))
    rank_lists(rows, out)


def _ask(
    gallery: Gallery,
    crops: Sequence[Path],
    vectors: Floats,
    own: Sequence[frozenset[str | int]],
    where: Where,
    options: Mapping[str, Any],
) -> list[Found]:
    threshold = options["threshold"]
    question = Question(
        options["count"],
        where,
        options["by"],
        options["best_of"],
        k_reciprocal if options["rerank"] else None,
        gallery.meaning.level(options["false_alarms"]) if threshold is None else threshold,
        gallery.meaning.probability(),
    )
    queries: list[tuple[tuple[Path, ...], Floats, frozenset[str | int]]] = [
        ((crop,), vector, mine) for crop, vector, mine in zip(crops, vectors, own, strict=True)
    ]
    if options["one_object"]:
        queries = [(tuple(crops), one_query(vectors), frozenset().union(*own))]
    with_cameras = bool(gallery.store.counts(roughly=True)["cameras"])
    found = []
    for names, vector, mine in queries:
        identity, camera = (named(names[0].name) if with_cameras else None) or (None, None)
        itself = any(next(iter(_twins(gallery, part)), None) for part in mine)
        answer = question.ask(gallery.store, vector, mine)
        thumbnails = {} if options.get("figure") is None else _thumbnails(gallery, answer)
        found.append(Found(names, answer, identity, camera, itself, thumbnails))
    return found


def _thumbnails(gallery: Gallery, answer: Answer) -> dict[int, Pixels]:
    """Small pictures of the hits whose files are gone, of those that have any."""
    gone = [hit.image for hit in answer.hits if not os.path.isfile(hit.image.path)]  # noqa: PTH113  which takes any name
    kept = [(image, gallery.store.thumbnail(image.id)) for image in gone]
    return {image.id: decode_image(content, image.path) for image, content in kept if content is not None}


def _twins(gallery: Gallery, content: str | int) -> Sequence[object]:
    """What is in the gallery of a content, or of an image."""
    return [content] if isinstance(content, int) else sorted(gallery.store.known([content]))


def _table(answer: Answer, *, ids: bool) -> tuple[list[str], list[list[str | int]]]:
    """Header and rows; a column that would be empty is left out."""
    hits = answer.hits
    images = [len(hit.images) if isinstance(hit, IdentityHit) else 1 for hit in hits]
    columns: dict[str, Sequence[str | int]] = {
        "rank": [hit.rank for hit in hits],
        "identity": [UNKNOWN if hit.identity is None else hit.identity for hit in hits],
        "camera": ["" if hit.camera is None else hit.camera for hit in hits],
        "time": ["" if hit.image.time is None else _time(hit.image.time) for hit in hits],
        "score": [f"{hit.score:.4f}" for hit in hits],
        "same?": ["" if hit.probability is None else f"{100 * hit.probability:.0f} %" for hit in hits],
        "images": images if max(images) > 1 else [""] * len(hits),
        "id": [str(hit.image.id) if ids else "" for hit in hits],
        "image": [printable(hit.path) + ("" if hit.image.box is None else f" {told(hit.image.box)}") for hit in hits],
    }
    shown = {name: cells for name, cells in columns.items() if name == "camera" or any(cell != "" for cell in cells)}
    return list(shown), [list(row) for row in zip(*shown.values(), strict=True)]


def _time(time: float) -> str:
    """A date and time where the number can only be one, else the number."""
    if time < 1e8:
        return f"{time:g}"
    return dt.datetime.fromtimestamp(time, dt.UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
