"""The two collections of a gallery: how they are made, found, indexed and taken away."""

import dataclasses
import datetime as dt
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from reid.errors import ArtefactError, GalleryError, OutputError, ReidError
from reid.gallery.address import MilvusAddress
from reid.gallery.milvus.extras import FIELDS as EXTRA_FIELDS
from reid.gallery.milvus.extras import Extras
from reid.gallery.milvus.rows import LIMITS
from reid.gallery.milvus.server import Server
from reid.gallery.store import About
from reid.text import listed

FORMAT = 1
IMAGES = "_images"
EXTRAS = "_extras"
ABOUT = "about"
_KIND = "reid gallery"

EXACT = 100_000
"""Images from which a server searches through a graph instead of all of them."""

GRAPH = {"M": 32, "efConstruction": 256}
_CANDIDATES = 256


def names(address: MilvusAddress) -> tuple[str, str]:
    """The collection of images, and that of everything else."""
    return f"{address.name}{IMAGES}", f"{address.name}{EXTRAS}"


def make(server: Server, about: About) -> About:
    """Make the collections of a gallery. The row that tells about it is written last: without it there is no gallery.

    Raises:
        OutputError: there is one of that name, or somebody makes it at this moment.
    """
    images, extras = names(server.address)
    if {images, extras} & set(server.collections()):
        whole = extras in server.collections() and Extras(server, extras).get(ABOUT) is not None
        raise OutputError(
            f"{server.address} exists already; choose another name, or add to that gallery"
            if whole
            else f"{server.address} is half made, or another process is making it now; if none is, remove the "
            f"collections {images} and {extras} from the server, or choose another name"
        )
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    about = dataclasses.replace(about, uuid=uuid.uuid4().hex, created=about.created or now)
    try:
        server.make(images, _image_fields(about.dimension), f"{_KIND} {about.uuid}")
    except ArtefactError as error:
        raise OutputError(f"{server.address} cannot be made: {error}") from error
    try:
        server.make(extras, EXTRA_FIELDS, f"{_KIND} {about.uuid}")
        prepare(server)
        told = {"kind": _KIND, "format": FORMAT, **dataclasses.asdict(about)}
        Extras(server, extras).put({ABOUT: json.dumps(told)})
    except BaseException:
        drop(server)
        raise
    return about


def read(server: Server) -> About:
    """What is told about the gallery.

    Raises:
        GalleryError: there is none.
        ArtefactError: it is not finished, not of this toolkit, or of another version of it.
    """
    images, extras = names(server.address)
    found = server.collections()
    if images not in found or extras not in found:
        known = [name.removesuffix(EXTRAS) for name in found if name.endswith(EXTRAS)]
        there = f"known there: {listed(known)}" if known else "there is none yet"
        raise GalleryError(f"there is no gallery {server.address} ({there}); create it first")
    prepare(server)
    text = Extras(server, extras).get(ABOUT)
    if text is None:
        raise ArtefactError(
            f"{server.address} is half made, or another process is making it now; if none is, remove the collections "
            f"{images} and {extras} from the server and create it again"
        )
    about = _about(text, server.address)
    fields = {field["name"]: field for field in server.describe(images)["fields"]}
    if set(fields) != {name for name, _, _ in _image_fields(1)}:
        raise ArtefactError(f"{server.address} has the fields {listed(fields)}, which are not those of a gallery")
    if int(fields["vector"]["params"]["dim"]) != about.dimension:
        raise ArtefactError(
            f"{server.address} tells of vectors of {about.dimension} numbers, and holds such of "
            f"{fields['vector']['params']['dim']}"
        )
    return about


def prepare(server: Server) -> None:
    """See that both collections have their indexes and are loaded, as they are unless their making was broken off."""
    for name in names(server.address):
        if server.indexed(name, "vector") is None:
            server.index(name, "vector", "FLAT", {}, wait=False)
        if name.endswith(IMAGES) and not server.lite and server.indexed(name, "sha256") is None:
            server.index(name, "sha256", _text_index(server.version), {}, wait=False)
        if not server.loaded(name):
            server.load(name)


def settle(server: Server) -> None:
    """Choose the index for the present number of images."""
    images, _ = names(server.address)
    if server.lite:  # its own overhead is larger than what a graph would save
        return
    count, now = server.count(images), server.indexed(images, "vector")
    wanted = "HNSW" if count >= EXACT or (now == "HNSW" and count >= EXACT // 2) else "FLAT"
    if wanted != now:
        if now is not None:
            server.drop_index(images, "vector")
        server.index(images, "vector", wanted, GRAPH if wanted == "HNSW" else {})
        server.load(images)


def search_params(limit: int) -> Mapping[str, int]:
    """What a search asks of an index: so many candidates that the graph's recall stays above 0.99; others ignore it."""
    return {"ef": max(_CANDIDATES, 2 * limit)}


def drop(server: Server) -> None:
    """Remove a gallery with everything in it, or what there is of one that was begun."""
    for name in reversed(names(server.address)):
        with suppress(ReidError):
            server.drop(name)


def _image_fields(dimension: int) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        ("id", "INT64", {"is_primary": True}),
        ("vector", "FLOAT_VECTOR", {"dim": dimension}),
        *((name, "VARCHAR", {"max_length": limit}) for name, limit in LIMITS.items()),
        ("named", "BOOL", {}),
        ("camera", "INT64", {}),
        ("time", "DOUBLE", {}),
        ("timed", "BOOL", {}),
    ]


def _text_index(version: str) -> str:
    """The index over texts: servers before 2.4 know another one."""
    numbers = version.removeprefix("v").split(".")
    old = (
        len(numbers) > 1
        and numbers[0].isdecimal()
        and numbers[1].isdecimal()
        and (int(numbers[0]), int(numbers[1])) < (2, 4)
    )
    return "Trie" if old else "INVERTED"


def _about(text: str, address: MilvusAddress) -> About:
    try:
        told = json.loads(text)
        kind, version = told.pop("kind"), told.pop("format")
        if kind == _KIND and version == FORMAT:
            return About(**told)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ArtefactError(f"{address}: what is told about the gallery is damaged: {text[:100]!r}") from None
    raise ArtefactError(f"{address} holds a {kind} of format {version}; this version of reid reads format {FORMAT}")
