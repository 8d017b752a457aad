"""What the commands of `reid-gallery` do, except searching."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from reid import files
from reid.cli.command import emit
from reid.cli.filtering import UNKNOWN, identity_named
from reid.cli.progress import Counter
from reid.cli.searching import embedder_of, load_model
from reid.embed import Embedder, load_embedder
from reid.errors import GalleryError, MissingInputError
from reid.gallery.adding import Added
from reid.gallery.filters import Where
from reid.gallery.gallery import AVERAGING, RUN, Gallery
from reid.gallery.installed import faiss_conflict
from reid.gallery.meaning import CALIBRATION
from reid.gallery.opening import create_store, is_gallery, open_store
from reid.gallery.sources import Told, listings
from reid.gallery.store import About, Store
from reid.gallery.tables import export
from reid.gallery.transfer import copy
from reid.text import listed, printable


def create_gallery(place: str, options: Mapping[str, Any], json: str | None) -> None:
    """Make an empty gallery for the model of a run."""
    run = options["model"]
    embedder = load_embedder(run, device="cpu", flip=options["flip"], crops=options["crops"])
    with Gallery.create(place, embedder, run=run, precision=options["precision"]) as gallery:
        about, calibrated = gallery.info(), gallery.meaning.calibration() is not None
    why = "the run held out no identities (data.validation)"
    if embedder.averaging:
        why = "the run's scores are those of vectors that are not averaged"
    note = "" if calibrated else f"; it cannot tell what is unknown, as {why}"
    emit(about, json, lambda: click.echo(f"made {place} for the model of {printable(run)}{note}"))


def add_images(place: str, sources: Sequence[Path], options: Mapping[str, Any], json: str | None) -> None:
    """Add the images of all sources, all of which are looked at before any image is."""
    identity = options["identity"] if options["identity"] is None else identity_named(options["identity"]) or ""
    told = Told(
        identity,
        options["camera"],
        options["time"],
        options["time_pattern"],
        source=options["name"],
        video=options["video"],
    )
    with Gallery.open(place) as gallery:
        every = listings(sources, told)
        if not all(one.vectors is not None for one in every):
            gallery.embedder = embedder_of(gallery, options["model"], options["device"])
        done = Added()
        for source, one in zip(sources, every, strict=True):
            with Counter(f"adding {printable(source)}", len(one)) as counter:
                done += gallery.add(
                    one, workers=options["workers"], progress=counter, on_bad_image=options["on_bad_image"]
                )
    emit(_added(done), json, lambda: _print_added(done))


def remove_images(place: str, where: Where, json: str | None, *, everything: bool) -> None:
    """Remove the images for which a condition holds.

    Raises:
        GalleryError: there is no condition, or one beside --all.
    """
    if where.everything != everything:
        raise GalleryError("say which images to remove (see --help), or --all, and not both")
    with Gallery.open(place) as gallery:
        gone = gallery.remove(where)
    note = "; their bytes stay in the files until reid-gallery compact" if gone else ""
    emit({"removed": gone}, json, lambda: click.echo(f"removed {gone:,} images{note}"))


def label_images(place: str, name: str, where: Where, json: str | None) -> None:
    """Say which identity images show.

    Raises:
        GalleryError: there is no condition.
    """
    if where.everything:
        raise GalleryError("say which images are meant, such as --id 17 (see --help)")
    with Gallery.open(place) as gallery:
        changed = gallery.label(where, identity_named(name))
    _print_changed(changed, name, json)


def merge_identities(place: str, names: Sequence[str], into: str, json: str | None) -> None:
    """Say that several identities are one.

    Raises:
        GalleryError: the gallery has none of them.
    """
    with Gallery.open(place) as gallery:
        missing = [name for name in names if next(gallery.images({"identity": name}, limit=1), None) is None]
        if missing:
            raise GalleryError(f"the gallery has no identity {listed(missing)}; nothing was changed")
        changed = gallery.label({"identity": names}, identity_named(into))
    _print_changed(changed, into, json)


def show_info(place: str, json: str | None) -> None:
    """Show what a gallery holds, and whose vectors."""
    with Gallery.open(place) as gallery:
        about, level = gallery.info(), _unknown_below(gallery)
    rows: list[list[str | int]] = [
        ["images", about["images"]],
        ["identities", about["identities"]],
        ["unlabelled", about["unlabelled"]],
        ["cameras", about["cameras"]],
        ["vectors", f"{about['dimension']} numbers, {about['precision']}"],
        ["on disk", files.megabytes(about["bytes"]) if about["bytes"] else "not known"],
        ["model", f"{about['model'][:12] or 'unknown'} of {printable(about['run'] or 'an unknown run')}"],
        ["unknown below", level],
        ["made", about["created"]],
    ]
    emit(about, json, lambda: click.echo("\n".join(f"{name:<14} {_cell(value)}" for name, value in rows)))
    if (conflict := faiss_conflict()) is not None:
        click.echo(f"warning: {conflict}", err=True)


def export_gallery(
    place: str, out: Path, where: Where, json: str | None, *, vectors: bool, force: bool = False
) -> None:
    """Write what a gallery says of its images into a table."""
    store = open_store(place)
    try:
        with Counter("writing") as counter:
            written = export(store, out, where=where, vectors=vectors, overwrite=force, progress=counter)
    finally:
        store.close()
    emit({"images": written, "file": str(out)}, json, lambda: click.echo(f"{written:,} images in {printable(out)}"))


def copy_gallery(source: str, destination: str, json: str | None) -> None:
    """Copy a gallery to another place, new or begun before."""
    origin = open_store(source)
    try:
        target = _open_or_create(destination, origin.about)
        try:
            with Counter("copying", origin.counts()["images"]) as counter:
                copied = copy(origin, target, settings=(CALIBRATION, RUN, AVERAGING), progress=counter)
            target.settle()
        finally:
            target.close()
    finally:
        origin.close()
    emit({"copied": copied}, json, lambda: click.echo(f"copied {copied:,} images to {destination}"))


def migrate_gallery(place: str, destination: str, options: Mapping[str, Any], json: str | None) -> None:
    """Embed the images of a gallery anew, with another model, into another gallery, new or begun before."""
    embedder = load_model(options["model"], options["device"], flip=options["flip"], crops=options["crops"])
    with Gallery.open(place) as old:
        images, precision = list(old.images()), old.store.about.precision
    with (
        (
            _begun(destination, embedder)
            or Gallery.create(destination, embedder, run=options["model"], precision=precision)
        ) as new,
        Counter("embedding", len(images)) as counter,
    ):
        done = new.add(images, workers=options["workers"], progress=counter, on_bad_image=options["on_bad_image"])
    emit(_added(done), json, lambda: _print_added(done))


def _begun(place: str, embedder: Embedder) -> Gallery | None:
    """The gallery of this model at a place; None where there is none."""
    if is_gallery(place):
        with contextlib.suppress(MissingInputError):
            return Gallery.open(place, embedder=embedder)
    return None


def _open_or_create(place: str, about: About) -> Store:
    if is_gallery(place):
        with contextlib.suppress(MissingInputError):
            return open_store(place)
    return create_store(place, replace(about, uuid="", created=""))


def _print_changed(changed: int, name: str, json: str | None) -> None:
    shown = printable(identity_named(name) or UNKNOWN)
    emit({"changed": changed}, json, lambda: click.echo(f"{changed:,} images are now {shown}"))


def _added(done: Added) -> dict[str, object]:
    return {**asdict(done), "problems": list(done.problems)}


def _print_added(done: Added) -> None:
    counts = [f"added {done.added:,} images"]
    counts += [f"{done.duplicates:,} were there already"] if done.duplicates else []
    counts += [f"{done.clipped:,} boxes were cut at the edge of their frame"] if done.clipped else []
    counts += [f"{done.skipped:,} could not be used"] if done.skipped else []
    click.echo("; ".join(counts))
    for problem in done.problems:
        click.echo(f"  {problem}")


def _unknown_below(gallery: Gallery) -> str:
    calibration = gallery.meaning.calibration()
    if calibration is None or not calibration.unknown:
        return "not calibrated"
    found = calibration.unknown_below(gallery.meaning.identities())
    if found.how == "extrapolated":
        return f"not known for so many: {calibration.identities} identities were held out (see --false-alarms)"
    return f"{found.score:.3f}, which {100 * found.rate:g} % of strangers should reach ({found.how})"


def _cell(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else value
