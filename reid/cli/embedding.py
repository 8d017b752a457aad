"""What `reid-embed` does: embed piece by piece, keep each piece, and put all into one folder at the end."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from reid import files
from reid.cli.command import emit
from reid.cli.progress import Counter
from reid.cli.searching import load_model
from reid.data.videos import Videos
from reid.embed import Embedder
from reid.errors import ArtefactError, DataError, MissingInputError, OutputError
from reid.gallery.embedding import embed_entries, to_records
from reid.gallery.listing import Listing
from reid.gallery.sources import Told, listing, listings
from reid.records import Embeddings
from reid.text import printable

PIECE = 10_000
"""Images that are kept together while others are still to be done."""
_SHOWN = 20
_WAYS = ("device", "precision", "flip", "crops")


def embed_sources(sources: Sequence[Path], options: Mapping[str, Any], json: str | None) -> None:
    """Embed the images of all sources, or one shard of each, into a new embeddings folder.

    Raises:
        OutputError: there is something at the place of the folder.
        MissingInputError: a source, an image or the model is not there.
        DataError: an image cannot be read.
    """
    out: Path = options["out"]
    if out.exists():
        raise OutputError(f"--out {printable(out)} exists already; choose another place, or remove it")
    number, count = options["shard"]
    parts = [one.part(number, count) for one in listings(sources, Told(video=options["video"]))]
    embedder = load_model(options["model"], **{name: options[name] for name in _WAYS})
    kept = out.with_name(f"{out.name}.pieces")
    problems: list[str] = []
    folders: list[Path] = []
    with Counter("embedding", sum(map(len, parts))) as counter:
        videos = Videos()
        for place, piece in enumerate(piece for part in parts for piece in part.pieces(PIECE)):
            folders.append(kept / f"{place:06d}")
            problems += _embed_piece(embedder, piece, folders[-1], {**options, "videos": videos}, counter)
    whole = _joined(folders, embedder.fingerprint)
    if not len(whole.vectors):
        raise DataError(f"no image of shard {number}/{count} could be embedded")
    whole.save(out, about={"shard": f"{number}/{count}", "precision": options["precision"], **embedder.averaging})
    shutil.rmtree(kept, ignore_errors=True)
    told = {"images": len(whole.vectors), "skipped": len(problems), "problems": problems[:_SHOWN], "path": str(out)}
    emit(told, json, lambda: _print(told))


def _embed_piece(
    embedder: Embedder, entries: Listing, folder: Path, options: Mapping[str, Any], progress: Counter
) -> list[str]:
    """Embed some images and keep them, unless that was done before; what is wrong with those that were left out."""
    digest = hashlib.sha256(
        repr((embedder.fingerprint, options["precision"], list(entries))).encode("utf-8", "surrogateescape")
    ).hexdigest()
    try:
        told = files.read_manifest(folder)
    except (MissingInputError, ArtefactError):
        told = {}
    if told.get("of") == digest:
        progress(len(entries))
        problems: list[str] = told["problems"]
        return problems
    made, problems = embed_entries(
        embedder,
        entries,
        workers=options["workers"],
        progress=progress,
        on_bad_image=options["on_bad_image"],
        videos=options["videos"],
    )
    made.save(folder, overwrite=True, about={"of": digest, "problems": problems})
    return problems


def _joined(folders: Sequence[Path], model: str) -> Embeddings:
    """All pieces, in their order; others beside them may be left of other sources."""
    kept = [listing(folder) for folder in folders if len(Embeddings.load(folder).vectors)]
    vectors = [piece.vectors for piece in kept if piece.vectors is not None]
    entries = [entry for piece in kept for entry in piece]
    return Embeddings(np.concatenate(vectors or [np.zeros((0, 1), dtype=np.float32)]), to_records(entries), model)


def _print(told: Mapping[str, Any]) -> None:
    click.echo(f"{told['images']:,} vectors in {printable(told['path'])}")
    if told["skipped"]:
        click.echo(f"{told['skipped']:,} images could not be used:")
    for problem in told["problems"]:
        click.echo(f"  {problem}")
