"""What `reid-embed` does: embed piece by piece, keep each piece, and put all into one folder at the end."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import fields
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any

import click
import numpy as np

from reid import files
from reid.cli.command import emit
from reid.cli.progress import Counter
from reid.cli.searching import load_model
from reid.embed import Embedder
from reid.errors import ArtefactError, DataError, MissingInputError, OutputError
from reid.gallery.embedding import embed_pieces, to_records
from reid.gallery.entries import Entry
from reid.gallery.listing import Listing
from reid.gallery.sources import Told, listing, listings
from reid.records import Embeddings
from reid.text import printable

PIECE = 10_000
"""Images that are kept together while others are still to be done."""
_SHOWN = 20
_FIELDS = attrgetter(*(field.name for field in fields(Entry)))
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
    pieces = [piece for part in parts for piece in part.pieces(PIECE)]
    folders = [kept / f"{place:06d}" for place in range(len(pieces))]
    with Counter("embedding", sum(map(len, parts))) as counter:
        problems = list(
            chain.from_iterable(_embed(embedder, dict(zip(folders, pieces, strict=True)), options, counter))
        )
    whole = _joined(folders, embedder.fingerprint)
    if not len(whole.vectors):
        raise DataError(f"no image of shard {number}/{count} could be embedded")
    whole.save(out, about={"shard": f"{number}/{count}", "precision": options["precision"], **embedder.averaging})
    shutil.rmtree(kept, ignore_errors=True)
    told = {"images": len(whole.vectors), "skipped": len(problems), "problems": problems[:_SHOWN], "path": str(out)}
    emit(told, json, lambda: _print(told))


def _embed(
    embedder: Embedder, pieces: Mapping[Path, Listing], options: Mapping[str, Any], progress: Counter
) -> list[list[str]]:
    """Embed all pieces and keep them, but for those that were done before; what is wrong with images left out of each."""
    digests = {folder: _digest(embedder, options["precision"], piece) for folder, piece in pieces.items()}
    problems = {folder: _before(folder, digest) for folder, digest in digests.items()}
    left = {folder: piece for folder, piece in pieces.items() if problems[folder] is None}
    progress(sum(map(len, pieces.values())) - sum(map(len, left.values())))
    every = embed_pieces(
        embedder,
        list(left.values()),
        workers=options["workers"],
        progress=progress,
        on_bad_image=options["on_bad_image"],
    )
    with closing(every):
        for folder, (made, wrong) in zip(left, every, strict=True):
            made.save(folder, overwrite=True, about={"of": digests[folder], "problems": wrong})
            problems[folder] = wrong
    return [wrong or [] for wrong in problems.values()]


def _digest(embedder: Embedder, precision: str, entries: Listing) -> str:
    """Of all that a piece's vectors follow from but the content of its files."""
    told = repr((embedder.fingerprint, precision, [_FIELDS(entry) for entry in entries]))
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()


def _before(folder: Path, digest: str) -> list[str] | None:
    """What was wrong with images of a piece that is done; None where it is not."""
    try:
        told = files.read_manifest(folder)
    except (MissingInputError, ArtefactError):
        return None
    problems: list[str] = told.get("problems", [])
    return problems if told.get("of") == digest else None


def _joined(folders: Sequence[Path], model: str) -> Embeddings:
    """All pieces, in their order; others beside them may be left of other sources."""
    kept = [listing(folder) for folder in folders if files.read_manifest(folder)["count"]]
    vectors = [piece.vectors for piece in kept if piece.vectors is not None]
    entries = [entry for piece in kept for entry in piece]
    return Embeddings(np.concatenate(vectors or [np.zeros((0, 1), dtype=np.float32)]), to_records(entries), model)


def _print(told: Mapping[str, Any]) -> None:
    click.echo(f"{told['images']:,} vectors in {printable(told['path'])}")
    if told["skipped"]:
        click.echo(f"{told['skipped']:,} images could not be used:")
    for problem in told["problems"]:
        click.echo(f"  {problem}")
