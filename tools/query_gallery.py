#!/usr/bin/env python3
"""Rank the images, or the identities, of a gallery for camera crops.

    python tools/query_gallery.py --gallery GALLERY CROP... [-k 10] [--figure ranks.png] [--json -]

GALLERY is a gallery of `reid-gallery`, or a plain folder of images, embedded once and remembered beside it.
"""

from pathlib import Path
from typing import Any

import click

from reid.cli.command import run, shared_options
from reid.cli.filtering import filter_options, filters, search_options, where


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("crops", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CROP...")
@click.option("--gallery", required=True, metavar="GALLERY", help="A gallery, or a folder of images.")
@filter_options
@search_options
@shared_options
def command(crops: tuple[Path, ...], gallery: str, json: str | None, **options: Any) -> None:
    """Rank the images of a gallery for each camera CROP."""
    from reid.cli.searching import search_gallery

    search_gallery(gallery, crops, where(filters(options)), options, json)


if __name__ == "__main__":
    run(command)
