"""`reid-gallery`: a searchable, persistent gallery of images; what its commands are and take."""

from pathlib import Path
from typing import Any

import click

from reid.cli.command import run, shared_options
from reid.cli.filtering import (
    CROPS,
    DEVICE,
    FLIP,
    ON_BAD_IMAGE,
    RUN,
    WORKERS,
    filter_options,
    filters,
    search_options,
    where,
)

_PLACE = click.argument("gallery", metavar="GALLERY")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """A gallery of images that is searched with camera crops.

    GALLERY is a folder, or a Milvus database: milvus://host:19530/NAME.
    """


@command.command()
@_PLACE
@click.option(
    "--run",
    "model",
    type=click.Path(path_type=Path),
    default=Path("runs/latest"),
    show_default=True,
    help="The run, or the exported model, that makes the gallery's vectors.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "float16"]),
    default="float32",
    show_default=True,
    help="Of the stored vectors; float16 takes half the room and changes scores in the fourth digit.",
)
@FLIP
@CROPS
@shared_options
def create(gallery: str, json: str | None, **options: Any) -> None:
    """Make an empty gallery for the vectors of one model; queries are then averaged as its images are."""
    from reid.cli.galleries import create_gallery

    create_gallery(gallery, options, json)


@command.command()
@_PLACE
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SOURCE...")
@RUN
@click.option("--identity", metavar="NAME", help="Of all images, or 'unknown'.  [default: as the source says]")
@click.option("--camera", type=click.IntRange(0), help="Of all images.  [default: as the source says]")
@click.option("--time", metavar="TIME", help="Of all images: 2026-03-01T08:30 (UTC), or a number.")
@click.option("--time-pattern", metavar="REGEX", help="Finds the time in each file's name, as its one group.")
@click.option("--video", type=click.Path(path_type=Path), help="That tables of boxes without a column 'path' are of.")
@click.option("--source", "name", help="What the source is called in the gallery.  [default: its path]")
@ON_BAD_IMAGE
@WORKERS
@DEVICE
@shared_options
def add(gallery: str, sources: tuple[Path, ...], json: str | None, **options: Any) -> None:
    """Add images: folders, lists, tables of crops or boxes, embeddings folders.

    An image whose content is there already is passed over, so that adding a source again goes on where it ended.
    """
    from reid.cli.galleries import add_images

    add_images(gallery, sources, options, json)


@command.command()
@_PLACE
@click.argument("crops", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CROP...")
@filter_options
@search_options
@shared_options
def search(gallery: str, crops: tuple[Path, ...], json: str | None, **options: Any) -> None:
    """Rank the gallery's images, or identities, for each camera CROP."""
    from reid.cli.searching import search_gallery

    search_gallery(gallery, crops, where(filters(options)), options, json)


@command.command()
@_PLACE
@filter_options
@click.option("--all", "everything", is_flag=True, help="Every image of the gallery.")
@shared_options
def remove(gallery: str, everything: bool, json: str | None, **options: Any) -> None:
    """Remove the images that all the given options hold for. Their bytes stay in the files until `compact`."""
    from reid.cli.galleries import remove_images

    remove_images(gallery, where(filters(options)), json, everything=everything)


@command.command()
@_PLACE
@click.argument("name")
@filter_options
@shared_options
def label(gallery: str, name: str, json: str | None, **options: Any) -> None:
    """Say that images show the identity NAME, or with 'unknown' that theirs is not known."""
    from reid.cli.galleries import label_images

    label_images(gallery, name, where(filters(options)), json)


@command.command()
@_PLACE
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--into", required=True, metavar="NAME", help="What the one identity is called from now on.")
@shared_options
def merge(gallery: str, names: tuple[str, ...], into: str, json: str | None) -> None:
    """Say that several identities are one."""
    from reid.cli.galleries import merge_identities

    merge_identities(gallery, names, into, json)


@command.command()
@_PLACE
@shared_options
def info(gallery: str, json: str | None) -> None:
    """Show what a gallery holds, and whose vectors."""
    from reid.cli.galleries import show_info

    show_info(gallery, json)


@command.command()
@_PLACE
@click.option("--repair", is_flag=True, help="Save what can be saved; the damaged gallery is kept beside it.")
@shared_options
def check(gallery: str, repair: bool, json: str | None) -> None:
    """Compare every image and every vector with its checksum."""
    from reid.cli.upkeep import check_gallery

    check_gallery(gallery, json, repair=repair)


@command.command()
@_PLACE
@shared_options
def compact(gallery: str, json: str | None) -> None:
    """Give back the room of removed images; their bytes are in no file afterwards."""
    from reid.cli.upkeep import compact_gallery

    compact_gallery(gallery, json)


@command.command()
@_PLACE
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@filter_options
@click.option("--vectors", is_flag=True, help="With the vectors: in a Parquet file, or in a folder beside a CSV file.")
@click.option("--force", is_flag=True, help="Replace what is there.")
@shared_options
def export(gallery: str, out: Path, vectors: bool, force: bool, json: str | None, **options: Any) -> None:
    """Write what a gallery says of its images into FILE: .csv or .parquet."""
    from reid.cli.galleries import export_gallery

    export_gallery(gallery, out, where(filters(options)), json, vectors=vectors, force=force)


@command.command()
@click.argument("source", metavar="GALLERY")
@click.argument("destination")
@shared_options
def copy(source: str, destination: str, json: str | None) -> None:
    """Copy a gallery to another place, such as from a folder into a database; goes on where it was broken off."""
    from reid.cli.galleries import copy_gallery

    copy_gallery(source, destination, json)


@command.command()
@_PLACE
@click.argument("destination")
@click.option("--run", "model", type=click.Path(path_type=Path), required=True, help="The new model.")
@FLIP
@CROPS
@ON_BAD_IMAGE
@WORKERS
@DEVICE
@shared_options
def migrate(gallery: str, destination: str, json: str | None, **options: Any) -> None:
    """Embed the images of a gallery with another model, into DESTINATION; goes on where it was broken off."""
    from reid.cli.galleries import migrate_gallery

    migrate_gallery(gallery, destination, options, json)


def main() -> None:
    """Entry point of `reid-gallery`."""
    run(command)


if __name__ == "__main__":
    main()
