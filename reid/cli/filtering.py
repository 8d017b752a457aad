"""Options of searches, and of changes to some images of a gallery: one syntax for every command."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

UNKNOWN = "unknown"
"""What stands for no identity."""

_OPTIONS = (
    click.option("--camera", "cameras", type=click.IntRange(0), multiple=True, help="Of this camera."),
    click.option("--not-camera", "not_cameras", type=click.IntRange(0), multiple=True, help="Not of this camera."),
    click.option("--since", metavar="TIME", help="At or after it: 2026-03-01, 2026-03-01T08:30 (UTC), or a number."),
    click.option("--until", metavar="TIME", help="Before it."),
    click.option(
        "--identity", "identities", metavar="NAME", multiple=True, help=f"Of this identity; '{UNKNOWN}' has none."
    ),
    click.option("--source", "sources", metavar="SOURCE", multiple=True, help="Added from this folder, list or table."),
    click.option("--path", "paths", metavar="PATH", multiple=True, help="This image file, or any below this folder."),
    click.option("--id", "ids", metavar="ID", type=click.IntRange(1), multiple=True, help="This image."),
)


WORKERS = click.option("--workers", type=click.IntRange(0), help="Processes that read images.  [default: by the cores]")
ON_BAD_IMAGE = click.option(
    "--on-bad-image",
    type=click.Choice(["error", "skip"]),
    default="error",
    show_default=True,
    help="Stop at an image that cannot be read, or leave it out.",
)
DEVICE = click.option("--device", default="auto", help="cpu, cuda, ...  [default: a GPU if there is one]")
PRECISION = click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16"]),
    default="fp32",
    show_default=True,
    help="What the network multiplies in; bf16 is faster where the hardware has it.",
)
FLIP = click.option("--flip", is_flag=True, help="Vectors are means of the picture and its mirror image.")
CROPS = click.option(
    "--crops",
    type=click.Choice(["1", "5"]),
    default="1",
    show_default=True,
    callback=lambda _context, _parameter, value: int(value),
    help="Vectors are means over five crops: the corners and the middle.",
)
RUN = click.option(
    "--run",
    "model",
    type=click.Path(path_type=Path),
    help="The model.  [default: the gallery's own; for plain folders runs/latest]",
)
_SEARCH = (
    click.option("-k", "count", type=click.IntRange(1, 10_000), default=10, show_default=True, help="Hits per crop."),
    click.option(
        "--by",
        type=click.Choice(["image", "identity"]),
        default="image",
        show_default=True,
        help="Rank images, or identities by their best images.",
    ),
    click.option(
        "--best-of",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Images that an identity's score is the mean of.",
    ),
    click.option("--one-object", is_flag=True, help="All CROPs show the same object, and are one query."),
    click.option("--rerank", is_flag=True, help="Order the best 100 images anew by k-reciprocal neighbours."),
    click.option(
        "--threshold",
        type=click.FloatRange(-1, 1),
        help="Below this best score the answer is 'unknown'.  [default: calibrated with the model]",
    ),
    click.option(
        "--false-alarms",
        type=click.FloatRange(0, 1, min_open=True),
        help="Calibrate that threshold so that this share of unknown queries is answered all the same.  [default: 0.01]",
    ),
    click.option(
        "--figure", type=click.Path(path_type=Path, dir_okay=False), help="Draw the rank lists into this PNG file."
    ),
    RUN,
    DEVICE,
)


def filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--camera`, `--not-camera`, `--since`, `--until`, `--identity`, `--source`, `--path` and `--id`.

    Those that can be repeated hold for any of their values; all that are given must hold at once. They are passed on
    as keywords, for `where`.
    """
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def where(options: Mapping[str, Any]) -> Any:
    """The condition of the options, and "everything" where none was given.

    Raises:
        GalleryError: a time is none.
    """
    import os

    from reid.gallery.filters import Where, parse_time

    def several(name: str) -> Any:
        return tuple(options[name]) or None

    names = [(name, *([None] if name == UNKNOWN else [])) for name in options["identities"]]
    return Where(
        cameras=several("cameras"),
        not_cameras=tuple(options["not_cameras"]),
        since=None if options["since"] is None else parse_time(options["since"]),
        until=None if options["until"] is None else parse_time(options["until"]),
        identities=tuple(part for parts in names for part in parts) or None,
        sources=tuple(part for name in options["sources"] for part in (name, os.path.abspath(name))) or None,  # noqa: PTH100
        paths=None if several("paths") is None else tuple(os.path.abspath(path) for path in options["paths"]),  # noqa: PTH100
        ids=several("ids"),
    )


def identity_named(name: str) -> str | None:
    """An identity by the name that people give it; None for "unknown", or for none."""
    return None if name in {"", UNKNOWN} else name


def filters(options: dict[str, Any]) -> dict[str, Any]:
    """Takes the filter options out of all options of a command."""
    names = ("cameras", "not_cameras", "since", "until", "identities", "sources", "paths", "ids")
    return {name: options.pop(name) for name in names}


def search_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what a search takes besides a gallery, crops and a condition."""
    for option in reversed(_SEARCH):
        function = option(function)
    return function
