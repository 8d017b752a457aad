"""The listing of backbones of `reid-train --list-backbones`."""

from collections.abc import Callable
from typing import Any

import click

from reid.errors import ConfigError
from reid.text import did_you_mean, printable


def list_backbones(pattern: str) -> tuple[list[dict[str, Any]], Callable[[], None]]:
    """Backbones whose name matches a pattern, as values, and a function that prints them.

    Args:
        pattern: with the wildcards of file names; a plain word finds every name that holds it.

    Raises:
        ConfigError: there is none.
    """
    from reid.model.backbone import known_backbones

    found = known_backbones(pattern)
    if not found:
        near = did_you_mean(pattern.strip("*"), known_backbones())
        raise ConfigError(f"--list-backbones: no backbone matches {printable(pattern)!r}{near}")

    def show() -> None:
        width = max(map(len, found))
        for name, published in found.items():
            click.echo(f"{name:{width}}  {'pretrained' if published else ''}".rstrip())

    return [{"name": name, "pretrained": published} for name, published in found.items()], show
