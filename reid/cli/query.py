"""Camera crops in, ranked gallery images out: what `tools/query_gallery.py` does."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from reid.cli.cores import share_cores
from reid.cli.progress import Counter
from reid.data.images import read_image
from reid.embed import load_embedder
from reid.errors import OutputError
from reid.gallery.folder import named, open_gallery
from reid.gallery.search import Hit, camera_filter, search
from reid.records import Embeddings
from reid.text import printable


@dataclass(frozen=True)
class Answer:
    """What was found for one crop.

    Attributes:
        query: the crop.
        identity: its own, where the name of the file says it as the gallery's names do; None otherwise.
        camera: likewise.
        hits: best first.
        itself: whether the crop's own file is in the gallery; it is not among the hits.
    """

    query: Path
    identity: str | None
    camera: int | None
    hits: tuple[Hit, ...]
    itself: bool

    def to_dict(self) -> dict[str, object]:
        """The answer as plain values for JSON."""
        return {"query": str(self.query), "hits": [hit.to_dict() for hit in self.hits]}


def rank(
    crops: Sequence[Path],
    gallery: Path,
    *,
    count: int,
    model: Path,
    only: Sequence[int] = (),
    without: Sequence[int] = (),
    device: str = "auto",
) -> list[Answer]:
    """The `count` best gallery images of each crop, which is never its own answer.

    Raises:
        MissingInputError: no such model, gallery or crop.
        DataError: a crop or a gallery image cannot be read.
        GalleryError: the gallery is another model's, or knows no cameras to filter by.
    """
    embedder = load_embedder(model, device=device)
    share_cores(None, embedder.network, embedder.description.image_size)  # before crops are read: see there
    vectors = embedder.embed(list(crops))
    with Counter("embedding the gallery") as counter:
        stored = open_gallery(gallery, embedder, progress=counter)
    allowed = camera_filter(stored, only=only, without=without)
    places = {path.resolve(): row for row, path in enumerate(stored.records.files())}
    own = [places.get(crop.resolve()) for crop in crops]
    mask = np.repeat(allowed[None], len(crops), axis=0)
    for row, place in enumerate(own):
        if place is not None:
            mask[row, place] = False
    found = search(vectors, stored, count=count, allowed=mask)
    return [
        Answer(crop, *_named(crop, stored), tuple(hits), place is not None)
        for crop, hits, place in zip(crops, found, own, strict=True)
    ]


def print_hits(answers: Sequence[Answer]) -> None:
    """A table of hits per crop."""
    from reid.report.tables import text_table

    for answer in answers:
        click.echo(
            f"{printable(answer.query)}{'  (its own file is in the gallery and left out)' if answer.itself else ''}"
        )
        rows = [
            [
                hit.rank,
                hit.identity or "unknown",
                "" if hit.camera is None else hit.camera,
                f"{hit.score:.4f}",
                printable(hit.path),
            ]
            for hit in answer.hits
        ]
        click.echo(text_table(["rank", "identity", "camera", "score", "image"], rows) + "\n")


def check_figure(out: Path) -> None:
    """Refuse a place where no picture can be written, before the work is done whose result would go there.

    Raises:
        OutputError: it is a folder, or in none.
    """
    if os.path.isdir(out) or not os.path.isdir(out.parent):  # noqa: PTH112  which take any name
        raise OutputError(f"--figure {printable(out)}: name a file in a folder that exists")


def draw(answers: Sequence[Answer], out: Path) -> None:
    """Draw the rank lists of all crops into a PNG file."""
    from reid.report.figures import RankRow, Tile, rank_lists

    rows = []
    for answer in answers:
        query = Tile(read_image(answer.query), identity=answer.identity, camera=answer.camera)
        tiles = [
            Tile(read_image(hit.path), identity=hit.identity, camera=hit.camera, score=hit.score) for hit in answer.hits
        ]
        rows.append(RankRow(query, tuple(tiles)))
    rank_lists(rows, out)


def _named(crop: Path, gallery: Embeddings) -> tuple[str | None, int | None]:
    """Identity and camera in a crop's file name, where gallery images are named in the same manner."""
    told = named(crop.name)
    return (None, None) if gallery.records.cameras is None or told is None else told
