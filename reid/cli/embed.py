"""`reid-embed`: vectors of images in bulk, on one machine or many."""

from pathlib import Path
from typing import Any

import click

from reid.cli.command import run, shared_options
from reid.cli.filtering import CROPS, DEVICE, FLIP, ON_BAD_IMAGE, PRECISION, WORKERS


def _shard(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, int]:
    """The two numbers of "2/8"."""
    number, slash, count = value.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise click.BadParameter(f"wanted i/n with i from 1 to n, such as 2/8, got {value!r}")
    return int(number), int(count)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SOURCE...")
@click.option(
    "--run",
    "model",
    type=click.Path(path_type=Path),
    default=Path("runs/latest"),
    show_default=True,
    help="The run, or the exported model, that makes the vectors.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The embeddings folder to write.")
@click.option(
    "--shard", default="1/1", callback=_shard, metavar="I/N", help="Only the I-th of N parts, for N machines at once."
)
@click.option(
    "--video",
    type=click.Path(path_type=Path),
    help="The video whose frames a table without a column 'path' is of.",
)
@FLIP
@CROPS
@PRECISION
@ON_BAD_IMAGE
@WORKERS
@DEVICE
@shared_options
def command(sources: tuple[Path, ...], json: str | None, **options: Any) -> None:
    """Embed images of folders, lists, or tables of crops, or of boxes in images or videos, into one folder of vectors.

    Every 10,000 images are kept as they are done: the same command goes on where it was broken off. A gallery takes the
    folders of all shards in any order.
    """
    from reid.cli.embedding import embed_sources

    embed_sources(sources, options, json)


def main() -> None:
    """Entry point of `reid-embed`."""
    run(command)


if __name__ == "__main__":
    main()
