"""Looking after a gallery in a folder: whether it is whole, mending it, and giving back room."""

import click

from reid import files
from reid.cli.command import emit
from reid.cli.progress import Counter
from reid.errors import ArtefactError, GalleryError
from reid.gallery.embedded.store import EmbeddedStore
from reid.gallery.opening import open_store, repair_store
from reid.text import printable


def check_gallery(place: str, json: str | None, *, repair: bool) -> None:
    """Compare every image and every vector with its checksum, or repair.

    Raises:
        ArtefactError: the gallery is damaged.
    """
    if repair:
        done = repair_store(place)
        lost = "an unknown number of" if done.lost is None else f"{done.lost:,}"
        told = {"images": done.images, "lost": done.lost, "old": str(done.old)}
        line = f"{done.images:,} images are in {place} again, {lost} are lost; the damaged gallery is {printable(done.old)}"
        emit(told, json, lambda: click.echo(line))
        return
    store = open_store(place)
    try:
        if not isinstance(store, EmbeddedStore):
            raise GalleryError("only galleries in a folder can be checked; a database looks after itself")
        with Counter("comparing vectors") as counter:
            problems = store.check(counter)
        if not problems:
            store.settle()  # lists that are lost are made again
    finally:
        store.close()
    emit({"problems": problems}, json, lambda: click.echo("\n".join(problems) or f"{place} is whole"))
    if problems:
        raise ArtefactError(f"{place} has {len(problems)} damaged parts, listed above; run it again with --repair")


def compact_gallery(place: str, json: str | None) -> None:
    """Give back the room of removed images."""
    store = open_store(place)
    try:
        if not isinstance(store, EmbeddedStore):
            raise GalleryError("only galleries in a folder can be compacted; a database does so itself")
        with Counter("copying vectors") as counter:
            given = store.compact(counter)
        store.settle()
        size, lingering = store.counts()["bytes"], store.lingering
    finally:
        store.close()
    if lingering:
        click.echo(
            "warning: others are reading: removed names stay in the catalogue; compact again without them", err=True
        )
    line = f"gave back the room of {given:,} removed images; {place} takes {files.megabytes(size)}"
    emit({"given_back": given, "bytes": size}, json, lambda: click.echo(line))
