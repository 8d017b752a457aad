"""Files of arrays that other programs wrote: NumPy's `.npz` and MATLAB's `.mat`, under names of our own."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid import files, text
from reid.errors import DataError
from reid.evaluation.matlab import NewMatlabError, Value, read_matlab

Arrays = Mapping[str, NDArray[Any]]

SIDES = ("query", "gallery")
PARTS = ("vectors", "identities", "cameras")
NAMES = tuple(f"{side}_{part}" for side in SIDES for part in PARTS)
"""What the arrays are called."""

# In the .mat files of the Market-1501 baselines, such as `pytorch_result.mat` of layumi's.
_BASELINE = {"f": "vectors", "label": "identities", "cam": "cameras"}
_ALIASES = {f"{side}_{theirs}": f"{side}_{ours}" for side in SIDES for theirs, ours in _BASELINE.items()}
_IGNORED = ("mquery_f", "mquery_label", "mquery_cam")  # several images per query

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


@dataclass(frozen=True, eq=False)
class FeatureFile:
    """What a file holds.

    Attributes:
        path: the file.
        arrays: by our names, all of `NAMES`.
        called: what the file calls each of them.
    """

    path: Path
    arrays: Arrays
    called: Mapping[str, str]

    def name(self, array: str) -> str:
        """What the file calls an array, for messages."""
        return self.called.get(array, array)


def read_feature_file(path: Path) -> FeatureFile:
    """The arrays of a `.npz` or `.mat` file, which one its name or its first bytes tell.

    Raises:
        MissingInputError: there is no such file.
        DataError: not such a file, or it holds an array that is not known, or one twice.
    """
    data = files.read_bytes(path)
    matlab = path.suffix.lower() == ".mat" or data.startswith(b"MATLAB")
    return _named(path, _read_matlab(path, data) if matlab else _read_numpy(path, data), matlab=matlab)


def _named(path: Path, arrays: Arrays, *, matlab: bool) -> FeatureFile:
    aliases = _ALIASES if matlab else {}
    called: dict[str, str] = {}
    for name in arrays:
        ours = aliases.get(name, name)
        if ours not in NAMES:
            known = [*NAMES, *aliases]
            hint = text.did_you_mean(name, known)
            raise DataError(
                f"{text.printable(path)}: {text.printable(name)!r} is not known{hint} "
                f"The arrays are {', '.join(known)}."
            )
        if ours in called:
            raise DataError(f"{text.printable(path)} holds both {called[ours]} and {name}, which mean the same")
        called[ours] = name
    return FeatureFile(path, {ours: arrays[name] for ours, name in called.items()}, called)


def _read_numpy(path: Path, data: bytes) -> Arrays:
    try:
        archive = np.load(io.BytesIO(data), allow_pickle=False)
        if isinstance(archive, np.lib.npyio.NpzFile):
            return {name: archive[name] for name in archive.files}
    except _UNREADABLE as error:
        raise DataError(
            f"{text.printable(path)} is not a .npz file of plain arrays ({text.printable(error)}); "
            "write it with numpy.savez"
        ) from error
    raise DataError(f"{text.printable(path)} holds a single array; a .npz file with {', '.join(NAMES)} is needed")


def _read_matlab(path: Path, data: bytes) -> Arrays:
    try:
        found = read_matlab(data)
    except NewMatlabError as error:
        raise DataError(
            f"{text.printable(path)} is a MATLAB 7.3 file, which cannot be read; write it in MATLAB with "
            "save(..., '-v7') or in Python with scipy.io.savemat"
        ) from error
    except ValueError as error:
        raise DataError(f"{text.printable(path)} is not a .mat file, or damaged: {text.printable(error)}") from error
    return {name: _as_stored(path, name, value) for name, value in found.items() if name not in _IGNORED}


def _as_stored(path: Path, name: str, value: Value) -> NDArray[Any]:
    """An array as it would stand in a `.npz` file: lists of numbers have one axis."""
    if isinstance(value, str):
        raise DataError(
            f"{text.printable(path)}: {text.printable(name)} must be an array of numbers or words; it is {value}"
        )
    vectors = _ALIASES.get(name, name).endswith("_vectors")
    return value if vectors or value.size != max(value.shape) else value.reshape(-1)
