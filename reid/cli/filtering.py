"""Options that restrict a search or a change to some images of a gallery: one syntax for every command."""

from collections.abc import Callable, Mapping
from typing import Any

import click

_UNKNOWN = "unknown"

_OPTIONS = (
    click.option("--camera", "cameras", type=click.IntRange(0), multiple=True, help="Of this camera."),
    click.option("--not-camera", "not_cameras", type=click.IntRange(0), multiple=True, help="Not of this camera."),
    click.option("--since", metavar="TIME", help="At or after it: 2026-03-01, 2026-03-01T08:30 (UTC), or a number."),
    click.option("--until", metavar="TIME", help="Before it."),
    click.option(
        "--identity", "identities", metavar="NAME", multiple=True, help=f"Of this identity; '{_UNKNOWN}' has none."
    ),
    click.option("--source", "sources", metavar="SOURCE", multiple=True, help="Added from this folder, list or table."),
    click.option("--path", "paths", metavar="PATH", multiple=True, help="This image file, or any below this folder."),
    click.option("--id", "ids", metavar="ID", type=click.IntRange(1), multiple=True, help="This image."),
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

    identities = several("identities")
    return Where(
        cameras=several("cameras"),
        not_cameras=tuple(options["not_cameras"]),
        since=None if options["since"] is None else parse_time(options["since"]),
        until=None if options["until"] is None else parse_time(options["until"]),
        identities=identities and tuple(None if name == _UNKNOWN else name for name in identities),
        sources=several("sources"),
        paths=None if several("paths") is None else tuple(os.path.abspath(path) for path in options["paths"]),  # noqa: PTH100
        ids=several("ids"),
    )


def filters(options: dict[str, Any]) -> dict[str, Any]:
    """Takes the filter options out of all options of a command."""
    names = ("cameras", "not_cameras", "since", "until", "identities", "sources", "paths", "ids")
    return {name: options.pop(name) for name in names}
