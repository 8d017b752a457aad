"""What `reid-serve` does."""

import importlib.metadata
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from reid.cli.command import emit
from reid.cli.searching import embedder_of
from reid.errors import ConfigError
from reid.gallery.gallery import Gallery
from reid.text import printable

_SHORT = 16  # characters below which a token may be guessed


def serve_gallery(place: str, options: Mapping[str, Any], json: str | None) -> None:
    """Answer until told to stop; the address is printed when it does.

    Raises:
        ConfigError: the extra `serve` is missing, there is no token where one is needed, or the address is in use.
        MissingInputError, GalleryError, ArtefactError: of the gallery and its model.
    """
    _check_installed()
    from reid.serve.app import make_app
    from reid.serve.limits import MIB, Limits
    from reid.serve.running import Running
    from reid.serve.server import listen, serve
    from reid.serve.service import Service
    from reid.serve.uploads import Uploads

    access = access_of(options)
    limits = Limits(upload=options["upload_limit"] * MIB, uploads=max(128, 2 * options["upload_limit"]) * MIB)
    with Gallery.open(place) as gallery:
        bound = listen(options["host"], options["port"])  # before the model, which takes seconds
        embedder = embedder_of(gallery, options["model"], options["device"])
        service = Service(gallery, Uploads(uploads_of(place, options["uploads"])))
        running = Running(service, embedder, limits, processes=max(2, min(4, os.cpu_count() or 1)))
        port = bound.getsockname()[1]
        drawn = options["token"] is None and not access.read_only
        version = importlib.metadata.version("reid-toolkit")
        serve(
            make_app(running, access, version=version),
            running,
            bound,
            lambda: _tell(options["host"], port, access.token if drawn else None, json),
        )


def access_of(options: Mapping[str, Any]) -> Any:
    """Who may ask, as the options say.

    Raises:
        ConfigError: there is no token where others can reach the server.
    """
    from reid.serve.access import Access, is_loopback, named

    token, names = options["token"], named(options["names"])
    if token is None and (not is_loopback(options["host"]) or names or options["private"]):
        raise ConfigError(
            f"others could reach the server at {printable(', '.join([options['host'], *sorted(names)]))}, and there is no "
            "token that they must show; set REID_TOKEN, such as to what openssl rand -hex 24 prints"
        )
    if token is not None and len(token) < _SHORT:
        click.echo(f"warning: the token has fewer than {_SHORT} characters, and may be guessed", err=True)
    return Access(
        secrets.token_urlsafe(24) if token is None else token,
        options["host"],
        names,
        private=options["private"],
        read_only=options["read_only"],
    )


def uploads_of(place: str, named: Path | None) -> Path | None:
    """Where files of added images go; None where there is no place for them."""
    if named is not None:
        return named.resolve()
    if "://" in place:
        return None
    folder = Path(place).resolve()
    return folder.with_name(f"{folder.name}-uploads")


def _check_installed() -> None:
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"serving a gallery needs {error.name}; install the extra: pip install 'reid-toolkit[serve]'"
        ) from error


def _tell(host: str, port: int, token: str | None, json: str | None) -> None:
    """Where it answers; a token that was drawn goes along, behind a sign that browsers do not send on."""
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}/"
    link = address if token is None else f"{address}#token={token}"
    told = {"url": address, "port": port, "token": token}
    emit(told, json, lambda: click.echo(f"{link}\nserving; Ctrl-C ends it"))
