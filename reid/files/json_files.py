"""JSON of ours: standard, whatever numbers are in it."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reid.errors import ArtefactError
from reid.files.reading import read_bytes
from reid.files.replacing import write_text
from reid.text import printable


def to_json(value: object, *, indent: int | None = 2) -> str:
    """`value` as standard JSON: NaN and infinity, which JSON lacks, become null.

    Numpy scalars and arrays and paths are accepted.
    """
    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def write_json(path: Path, value: object) -> None:
    """Replace `path` by `value` as JSON, as `write_bytes` does."""
    write_text(path, to_json(value) + "\n")


def read_json(path: Path) -> Any:
    """The value in a JSON file of ours.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: it is not JSON.
    """
    try:
        return json.loads(read_bytes(path).decode("utf-8", "surrogateescape"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ArtefactError(f"{printable(path)} is corrupt: not JSON ({error})") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy scalars and arrays, without importing numpy
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return os.fspath(value) if isinstance(value, os.PathLike) else value
