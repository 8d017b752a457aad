"""Vectors that were computed elsewhere or before, read for scoring."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid import files, text
from reid.errors import DataError, MissingInputError
from reid.records import Embeddings, build, identity_table

_JUNK = frozenset({"-1"})
_PARTS = ("vectors", "identities", "cameras")
_KEYS = tuple(f"{side}_{part}" for side in ("query", "gallery") for part in _PARTS)

# What numpy and zipfile raise for damaged or foreign files.
_UNREADABLE = (
    ValueError,
    OSError,
    EOFError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)

Arrays = Mapping[str, NDArray[Any]]
Pair = tuple[Embeddings | None, Embeddings]


def load_features(path: Path) -> Pair:
    """Queries, or None where every image is to be asked against all others, and gallery.

    Args:
        path: a `.npz` file, or a folder of embeddings, or a folder with such folders `query` and `gallery` in it.
            The file holds `query_vectors` (Q, D), `query_identities` (Q,) and perhaps `query_cameras` (Q,), and the
            same three for `gallery_`. Identities are whole numbers or words, -1 is junk; camera -1 is unknown.
            Without gallery arrays the queries are all there is.

    Raises:
        MissingInputError: nothing there.
        DataError: not such a file, or its arrays are not as they should be; the array is named.
        ArtefactError: an embeddings folder is damaged.
        ShapeError: vectors with NaN or infinity.
    """
    if path.is_dir():
        return _load_folder(path)
    if not path.exists():
        raise MissingInputError(f"cannot read {text.printable(path)}: there is no such file or folder")
    arrays = _read(path)
    has_gallery = any(name.startswith("gallery_") for name in arrays)
    sides = ("query", "gallery") if has_gallery else ("query",)
    _refuse_odd(arrays, sides, path)
    columns = {side: _identities(arrays[f"{side}_identities"], f"{side}_identities", path) for side in sides}
    table = identity_table([name for names in columns.values() for name in names], junk=_JUNK)
    found = [_embeddings(arrays, side, columns[side], table, path) for side in sides]
    return (found[0], found[1]) if has_gallery else (None, found[0])


def _load_folder(path: Path) -> Pair:
    if (path / files.MANIFEST).is_file() or not (path / "gallery").is_dir():
        return None, Embeddings.load(path)
    return Embeddings.load(path / "query"), Embeddings.load(path / "gallery")


def _read(path: Path) -> Arrays:
    try:
        archive = np.load(io.BytesIO(files.read_bytes(path)), allow_pickle=False)
        if isinstance(archive, np.lib.npyio.NpzFile):
            return {name: archive[name] for name in archive.files}
    except _UNREADABLE as error:
        raise DataError(
            f"{text.printable(path)} is not a .npz file of plain arrays ({text.printable(error)}); "
            "write it with numpy.savez"
        ) from error
    raise DataError(f"{text.printable(path)} holds a single array; a .npz file with {', '.join(_KEYS)} is needed")


def _refuse_odd(arrays: Arrays, sides: tuple[str, ...], path: Path) -> None:
    needed = [f"{side}_{part}" for side in sides for part in _PARTS[:2]]
    missing = [name for name in needed if name not in arrays]
    unknown = sorted(arrays.keys() - set(_KEYS))
    mistakes = [f"it lacks {text.listed(missing)}."] if missing else []
    mistakes += [f"{text.printable(name)!r} is not known{text.did_you_mean(name, _KEYS)}" for name in unknown]
    if mistakes:
        raise DataError(f"{text.printable(path)}: {' '.join(mistakes)} The arrays are {', '.join(_KEYS)}.")


def _embeddings(arrays: Arrays, side: str, names: list[str], table: tuple[str, ...], path: Path) -> Embeddings:
    vectors, cameras = arrays[f"{side}_vectors"], arrays.get(f"{side}_cameras")
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        raise DataError(
            f"{text.printable(path)}: {side}_vectors must be a matrix of numbers, one row per image; "
            f"found shape {vectors.shape} of {vectors.dtype}"
        )
    for part in _PARTS[1:]:
        column = arrays.get(f"{side}_{part}")
        if column is not None and column.shape != vectors.shape[:1]:
            raise DataError(
                f"{text.printable(path)}: {side}_{part} has shape {column.shape}, but {side}_vectors has "
                f"{len(vectors)} rows"
            )
    numbers = None if cameras is None else _whole(cameras, f"{side}_cameras", path).tolist()
    paths = [f"{side}_vectors[{row}]" for row in range(len(vectors))]
    records = build(path, paths, names, table=table, junk=_JUNK, cameras=numbers)
    with np.errstate(over="ignore"):
        return Embeddings(vectors.astype(np.float32), records)


def _identities(column: NDArray[Any], name: str, path: Path) -> list[str]:
    if column.dtype.kind == "U":
        return [str(word) for word in column.reshape(-1)]
    return [str(number) for number in _whole(column, name, path).reshape(-1).tolist()]


def _whole(column: NDArray[Any], name: str, path: Path) -> NDArray[np.int64]:
    """Whole numbers, -1 or larger."""
    wrong = np.ones(column.shape, dtype=bool)
    if column.dtype.kind in "iuf":
        wrong = ~((column >= -1) & (column < 2**53) & (column == np.floor(column)))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        value = text.printable(column.reshape(-1)[row])
        raise DataError(
            f"{text.printable(path)}: {name} must be whole numbers, -1 or larger; row {row} is {value} of type {column.dtype}"
        )
    return column.astype(np.int64)
