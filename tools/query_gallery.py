#!/usr/bin/env python3
"""Rank the identities of a gallery for camera crops.

    python tools/query_gallery.py --gallery GALLERY CROP... [-k 10] [--figure ranks.png] [--json -]

GALLERY is a plain folder of images, embedded once and remembered beside it, or an embeddings folder.
"""

from pathlib import Path

import click

from reid.cli.command import emit, run, shared_options


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("crops", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CROP...")
@click.option(
    "--gallery", required=True, type=click.Path(path_type=Path), help="Folder of images, or embeddings folder."
)
@click.option("-k", "count", type=click.IntRange(min=1), default=10, show_default=True, help="Hits per crop.")
@click.option(
    "--run",
    "model",
    type=click.Path(path_type=Path),
    default=Path("runs/latest"),
    show_default=True,
    help="The model's run.",
)
@click.option("--camera", "only", type=int, multiple=True, help="Search images of this camera; may be given again.")
@click.option(
    "--not-camera", "without", type=int, multiple=True, help="Leave out images of this camera; may be given again."
)
@click.option(
    "--figure", type=click.Path(path_type=Path, dir_okay=False), help="Draw the rank lists into this PNG file."
)
@click.option("--device", default="auto", help="cpu, cuda, ...  [default: a GPU if there is one]")
@shared_options
def command(
    crops: tuple[Path, ...],
    gallery: Path,
    count: int,
    model: Path,
    only: tuple[int, ...],
    without: tuple[int, ...],
    figure: Path | None,
    device: str,
    json: str | None,
) -> None:
    """Rank the images of a gallery for each camera CROP."""
    from reid.cli.query import check_figure, draw, print_hits, rank
    from reid.text import printable

    if figure is not None:
        check_figure(figure)

    answers = rank(crops, gallery, count=count, model=model, only=only, without=without, device=device)
    emit([answer.to_dict() for answer in answers], json, lambda: print_hits(answers))
    if figure is not None:
        draw(answers, figure)
        click.echo(f"rank lists drawn in {printable(figure)}", err=True)


if __name__ == "__main__":
    run(command)
