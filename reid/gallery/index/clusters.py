"""What makes lists of similar rows, and its file.

Lists are a help for speed alone: they can always be made again from the vectors.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from reid import files
from reid.errors import ArtefactError
from reid.files import sealing, unsealing
from reid.gallery.index.codes import coded
from reid.records import Floats
from reid.text import printable

FORMAT = 3
_HEADER = 65_536  # bytes of the first line at most


@dataclass(frozen=True, eq=False)
class Clusters:
    """Lists of similar rows.

    Attributes:
        centroids: (L, D) float32, the means of the lists when they were made, about; their file keeps what one byte a number holds.
        assignment: (S,) int32, the list of every slot before S; -1 where its row is gone. Later slots are in no list.
        near: how far in rank the lists with a query's nearest rows lie from the nearest list, as a rule.
        reach: how far in rank they lie from the score of the last row that is wanted.
        trained: rows that there were when the centroids were made.
        words: (B / 64, M) uint64, the sketches of the rows in lists, by list, then by slot; see `sketches`.
        factors: (M,) float32, of the sketches.
    """

    centroids: Floats
    assignment: NDArray[np.int32]
    near: float
    reach: float
    trained: int
    words: NDArray[np.uint64]
    factors: Floats

    def save(self, path: Path, binding: Mapping[str, Any]) -> None:
        """Write them to a file that can only be read with the same binding.

        Raises:
            OutputError: nothing may be written there.
            ArtefactError: the disk is full or failed; what stood there is whole.
        """
        about = {
            "format": FORMAT,
            "binding": dict(binding),
            "centroids": list(self.centroids.shape),
            "slots": len(self.assignment),
            "near": self.near,
            "reach": self.reach,
            "trained": self.trained,
            "words": len(self.words),
        }
        with sealing(path) as sink:
            sink.write(files.to_json(about, indent=None).encode() + b"\n")
            codes = coded(self.centroids)
            sink.write(np.ascontiguousarray(codes.numbers[:, : self.centroids.shape[1]]).tobytes())
            sink.write(codes.scales.astype("<f4").tobytes())
            sink.write(self.assignment.astype(_kind(len(self.centroids))).tobytes())
            sink.write(np.ascontiguousarray(self.words, dtype="<u8").tobytes())
            sink.write(np.ascontiguousarray(self.factors, dtype="<f4").tobytes())

    @classmethod
    def load(cls, path: Path, binding: Mapping[str, Any]) -> Self:
        """What `save` wrote.

        Raises:
            MissingInputError: there is no such file.
            ArtefactError: it is damaged, of a newer version, of another binding, or holds what cannot be.
        """
        with unsealing(path) as file:
            about = _about(file, path)
            if about.get("format") != FORMAT:
                raise ArtefactError(
                    f"{printable(path)} has format {printable(about.get('format'))}, this version reads {FORMAT}; "
                    "it will be made again when it is removed"
                )
            if about.get("binding") != json.loads(files.to_json(dict(binding))):
                raise ArtefactError(
                    f"{printable(path)} belongs to {printable(about.get('binding'))}, not to {printable(dict(binding))}; "
                    "it will be made again when it is removed"
                )
            return cls._read(file, about, path)

    @classmethod
    def _read(cls, file: BinaryIO, about: dict[str, Any], path: Path) -> Self:
        rest = file.read()
        try:
            lists, dimension = (int(size) for size in about["centroids"])
            slots, trained, words = int(about["slots"]), int(about["trained"]), int(about["words"])
            near, reach = float(about["near"]), float(about["reach"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise _odd(path, f"its first line lacks something: {printable(error)}") from error
        kind = _kind(lists)
        first = lists * (dimension + 4)
        second = first + kind.itemsize * slots
        if min(lists, dimension, words) < 1 or slots < 0 or len(rest) < second:
            raise _odd(path, f"{lists} x {dimension} centroids and {slots} slots in {len(rest)} bytes")
        assignment = np.frombuffer(rest[first:second], dtype=kind).astype(np.int32)
        assignment[assignment == np.iinfo(kind).max] = -1
        rows = int((assignment >= 0).sum())
        if len(rest) != second + (8 * words + 4) * rows:
            raise _odd(path, f"{rows} rows with {words} words each in {len(rest) - second} bytes")
        if slots and not -1 <= assignment.min() <= assignment.max() < lists:
            raise _odd(path, "a row is in a list that is not there")
        numbers = np.frombuffer(rest, dtype=np.int8, count=lists * dimension).reshape(lists, dimension)
        scales = np.frombuffer(rest[lists * dimension : first], dtype="<f4").astype(np.float32)
        centroids = numbers * scales[:, np.newaxis]
        sketches = np.frombuffer(rest, dtype="<u8", offset=second, count=words * rows).astype(np.uint64)
        factors = np.frombuffer(rest, dtype="<f4", offset=second + 8 * words * rows).astype(np.float32)
        if not (np.isfinite([near, reach]).all() and np.isfinite(centroids).all() and np.isfinite(factors).all()):
            raise _odd(path, "a number is not finite")
        return cls(centroids, assignment, near, reach, trained, sketches.reshape(words, rows), factors)


def _kind(lists: int) -> np.dtype[Any]:
    """How the number of a list is written, the largest standing for -1: two bytes where they hold all of them."""
    return np.dtype("<u2" if lists < 2**16 else "<u4")


def _odd(path: Path, reason: str) -> ArtefactError:
    return ArtefactError(f"{printable(path)} does not hold lists of rows: {reason}")


def _about(file: BinaryIO, path: Path) -> dict[str, Any]:
    try:
        about = json.loads(file.readline(_HEADER))
    except (ValueError, RecursionError) as error:
        raise _odd(path, "its first line is no JSON") from error
    if not isinstance(about, dict):
        raise _odd(path, "its first line is no table")
    return about
