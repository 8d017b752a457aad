"""Vectors that were computed elsewhere or before, read for scoring."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid import files, text
from reid.errors import DataError, MissingInputError
from reid.evaluation.feature_files import NAMES, PARTS, FeatureFile, read_feature_file
from reid.records import Embeddings, build, identity_table

_JUNK = frozenset({"-1"})

Pair = tuple[Embeddings | None, Embeddings]


def load_features(path: Path) -> Pair:
    """Queries, or None where every image is to be asked against all others, and gallery.

    Args:
        path: a `.npz` or `.mat` file, or a folder of embeddings, or a folder with such folders `query` and `gallery`
            in it. The file holds `query_vectors` (Q, D), `query_identities` (Q,) and perhaps `query_cameras` (Q,),
            and the same three for `gallery_`. Identities are whole numbers or words, -1 is junk; camera -1 is
            unknown. Without gallery arrays the queries are all there is. In a `.mat` file the arrays may also be
            called as in those of Market-1501 baselines: `query_f`, `query_label`, `query_cam` and `gallery_f`, ...

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
    found = read_feature_file(path)
    has_gallery = any(name.startswith("gallery_") for name in found.arrays)
    sides = ("query", "gallery") if has_gallery else ("query",)
    _refuse_missing(found, sides)
    columns = {side: _identities(found, f"{side}_identities") for side in sides}
    table = identity_table([name for names in columns.values() for name in names], junk=_JUNK)
    loaded = [_embeddings(found, side, columns[side], table) for side in sides]
    return (loaded[0], loaded[1]) if has_gallery else (None, loaded[0])


def _load_folder(path: Path) -> Pair:
    if (path / files.MANIFEST).is_file() or not (path / "gallery").is_dir():
        return None, Embeddings.load(path)
    return Embeddings.load(path / "query"), Embeddings.load(path / "gallery")


def _refuse_missing(found: FeatureFile, sides: tuple[str, ...]) -> None:
    missing = [name for side in sides for part in PARTS[:2] if (name := f"{side}_{part}") not in found.arrays]
    if missing:
        raise DataError(
            f"{text.printable(found.path)}: it lacks {text.listed(missing)}. The arrays are {', '.join(NAMES)}."
        )


def _embeddings(found: FeatureFile, side: str, names: list[str], table: tuple[str, ...]) -> Embeddings:
    vectors, cameras = found.arrays[f"{side}_vectors"], found.arrays.get(f"{side}_cameras")
    called = found.name(f"{side}_vectors")
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        raise DataError(
            f"{text.printable(found.path)}: {called} must be a matrix of numbers, one row per image; "
            f"found shape {vectors.shape} of {vectors.dtype}"
        )
    for part in PARTS[1:]:
        column = found.arrays.get(f"{side}_{part}")
        if column is not None and column.shape != vectors.shape[:1]:
            turned = "; images must be its rows, not its columns" if column.shape == vectors.shape[1:] else ""
            raise DataError(
                f"{text.printable(found.path)}: {found.name(f'{side}_{part}')} has shape {column.shape}, but {called} "
                f"has {len(vectors)} rows{turned}"
            )
    numbers = None if cameras is None else _whole(found, f"{side}_cameras").tolist()
    paths = [f"{called}[{row}]" for row in range(len(vectors))]
    records = build(found.path, paths, names, table=table, junk=_JUNK, cameras=numbers)
    with np.errstate(over="ignore"):
        return Embeddings(vectors.astype(np.float32, order="C"), records)


def _identities(found: FeatureFile, name: str) -> list[str]:
    column = found.arrays[name]
    if column.dtype.kind == "U":
        return [str(word) for word in column.reshape(-1)]
    return [str(number) for number in _whole(found, name).reshape(-1).tolist()]


def _whole(found: FeatureFile, name: str) -> NDArray[np.int64]:
    """Whole numbers, -1 or larger."""
    column: NDArray[Any] = found.arrays[name]
    wrong = np.ones(column.shape, dtype=bool)
    if column.dtype.kind in "iuf":
        wrong = ~((column >= -1) & (column < 2**53) & (column == np.floor(column)))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        value = text.printable(column.reshape(-1)[row])
        raise DataError(
            f"{text.printable(found.path)}: {found.name(name)} must be whole numbers, -1 or larger; row {row} is {value} "
            f"of type {column.dtype}"
        )
    return column.astype(np.int64)
