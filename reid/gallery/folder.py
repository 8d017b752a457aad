"""A plain folder of images as a gallery: embedded once, the vectors kept beside it and brought up to date."""

import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from reid import records
from reid.data.layouts.names import NAMES
from reid.data.layouts.tree import scan
from reid.embed import Embedder
from reid.errors import ArtefactError, DataError, GalleryError, MissingInputError
from reid.records import Embeddings, Records
from reid.text import printable

CACHE_SUFFIX = ".embeddings"
_STAMP = ("size", "modified")
_NOBODY = {"-1", "0000"}


def open_gallery(path: Path, embedder: Embedder, *, progress: Callable[[int], None] | None = None) -> Embeddings:
    """The gallery at a path: an embeddings folder, or a plain folder of images.

    Vectors of a plain folder are kept in `<folder>.embeddings` beside it; only images that are new or changed are
    embedded again. Where nothing can be written there, they are not kept.

    Args:
        path: of the gallery.
        embedder: the model; the stored vectors must be its own.
        progress: called with the number of images of each batch that is embedded.

    Raises:
        MissingInputError: there is no such folder.
        DataError: there is no image in it, or one cannot be read.
        GalleryError: the vectors of an embeddings folder are another model's.
        ArtefactError: an embeddings folder is damaged.
    """
    if not os.path.isdir(path):  # noqa: PTH112  unlike Path.is_dir, it takes any name
        raise MissingInputError(f"there is no gallery folder {printable(path)}")
    if (path / "manifest.json").is_file():
        stored = Embeddings.load(path)
        if stored.model != embedder.fingerprint:
            raise GalleryError(
                f"the vectors in {printable(path)} were made by model {stored.model[:12] or 'unknown'}, not by {embedder.fingerprint[:12]}; "
                "name that model's run with --run, or embed the images again"
            )
        return stored
    found = read_folder(path)
    beside = Path(os.path.abspath(path))  # noqa: PTH100  "." and ".." have no name to put a suffix to; links keep theirs
    cache = beside.with_name(f"{beside.name}{CACHE_SUFFIX}")
    known = _reusable(cache, embedder)
    stamps = _stamps(found)
    fresh = np.array([stamp not in known for stamp in stamps], dtype=bool)
    if fresh.any():
        made = embedder.embed_records(found.select(fresh), progress=progress).vectors
        known |= dict(zip(_stamps(found.select(fresh)), made, strict=True))
    embeddings = Embeddings(np.stack([known[stamp] for stamp in stamps]), found, embedder.fingerprint)
    if fresh.any() or len(known) > len(stamps):
        _keep(embeddings, cache)
    return embeddings


def read_folder(folder: Path) -> Records:
    """The images in a folder and below it, sorted.

    Identity and camera come from the file names where all of them are of Market-1501's form
    (`0002_c1s1_000451_03.jpg`), else the identity is the name of the folder inside `folder` that an image is in, and
    images in `folder` itself have none. Size and time of change of every file are kept as attributes.

    Raises:
        MissingInputError: there is no such folder.
        DataError: there is no image in it.
    """
    paths = scan(folder, "", Counter(), deep=True)
    if not paths:
        raise DataError(f"{printable(folder)} holds no images")
    told = [named(path.rpartition("/")[2]) for path in paths]
    names = [path.partition("/")[0] if "/" in path else "-1" for path in paths]
    cameras = None
    if all(told):
        names = [one[0] or "-1" for one in told if one]
        cameras = [one[1] for one in told if one]
    status = [os.stat(os.path.join(folder, path)) for path in paths]  # noqa: PTH116, PTH118  a million times
    return records.build(
        folder,
        paths,
        names,
        junk=frozenset({"-1"}),
        cameras=cameras,
        attributes={"size": [str(s.st_size) for s in status], "modified": [str(s.st_mtime_ns) for s in status]},
    )


def named(name: str) -> tuple[str | None, int] | None:
    """Identity and camera in a file name of Market-1501's form, `0002_c1s1_000451_03.jpg`; None in any other.

    `-1` and `0000` are not identities there but stand for many that are not known, and are None too.
    """
    match = re.fullmatch(NAMES, name.rpartition(".")[0])
    if match is None:
        return None
    return None if match["identity"] in _NOBODY else match["identity"], int(match["camera"])


def _stamps(found: Records) -> list[tuple[str, ...]]:
    return list(zip(found.paths, *(found.attributes[name] for name in _STAMP), strict=True))


def _reusable(cache: Path, embedder: Embedder) -> dict[tuple[str, ...], np.ndarray]:
    """Vectors by path, size and time of change; none where the cache is missing, damaged or another model's."""
    try:
        stored = Embeddings.load(cache)
    except (MissingInputError, ArtefactError):
        return {}
    if stored.model != embedder.fingerprint or not all(name in stored.records.attributes for name in _STAMP):
        return {}
    return dict(zip(_stamps(stored.records), stored.vectors, strict=True))


def _keep(made: Embeddings, cache: Path) -> None:
    try:
        made.save(cache, overwrite=True)
    except ArtefactError:  # a read-only place or a full disk: the next search embeds the folder again
        return
