"""Vectors of images, in memory and in a folder."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reid import files
from reid.errors import ArtefactError, ShapeError
from reid.records.columns import NO_CAMERA, Floats, Records, build
from reid.text import listed, printable


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Vectors of images, computed once and scored many times.

    Attributes:
        vectors: (N, D) float32, finite; unit length where a model of this toolkit made them.
        records: the N images.
        model: fingerprint (sha256) of the model that made them; "" for vectors from elsewhere.

    Raises:
        ShapeError: not a matrix, another number of rows than records, or NaN or infinity; up to five paths are named.
    """

    vectors: Floats
    records: Records
    model: str = ""

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.records):
            raise ShapeError(f"vectors have shape {self.vectors.shape}, but there are {len(self.records)} records")
        bad = np.flatnonzero(~np.isfinite(self.vectors).all(axis=1))
        if len(bad):
            names = listed(self.records.paths[bad], limit=5)
            raise ShapeError(f"{len(bad)} of {len(self.vectors)} vectors hold NaN or infinity: {names}")

    def select(self, rows: NDArray[Any] | slice) -> Self:
        """The vectors and records at `rows`, in that order."""
        return replace(self, vectors=self.vectors[rows], records=self.records.select(rows))

    def save(self, folder: Path, *, overwrite: bool = False, about: Mapping[str, object] | None = None) -> None:
        """Write `vectors.npy`, `records.csv` and `manifest.json` into `folder`, whole or not at all.

        Args:
            folder: where to; created.
            overwrite: whether an existing folder is replaced.
            about: further fields for the manifest.

        Raises:
            OutputError: `folder` exists and `overwrite` is false, or it cannot be created.
        """
        with files.new_folder(folder, overwrite=overwrite) as temporary:
            with (temporary / "vectors.npy").open("wb") as file:
                np.save(file, self.vectors)
            (temporary / "records.csv").write_bytes(_to_csv(self.records).encode("utf-8", "surrogateescape"))
            kept = {"kind": "embeddings", "model": self.model, "root": str(self.records.root)}
            files.write_manifest(
                temporary, {**(about or {}), **kept, "count": len(self.vectors), "dimension": self.vectors.shape[1]}
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The embeddings in `folder`. Identities are numbered anew: their table holds only names that occur.

        Raises:
            MissingInputError: no such folder, or not one of embeddings.
            ArtefactError: a file in it is missing, truncated or altered.
        """
        manifest = files.read_manifest(folder)
        if manifest.get("kind") != "embeddings":
            raise ArtefactError(f"{printable(folder)} holds {printable(manifest.get('kind'))}, not embeddings")
        vectors = np.load(folder / "vectors.npy", allow_pickle=False)
        records = _from_csv(
            files.read_bytes(folder / "records.csv").decode("utf-8", "surrogateescape"), Path(manifest["root"])
        )
        return cls(vectors, records, manifest["model"])


def _to_csv(records: Records) -> str:
    header = ["path", "identity", "camera", "time", *records.attributes]
    blank = [""] * len(records)
    cameras = blank if records.cameras is None else ["" if c == NO_CAMERA else str(c) for c in records.cameras.tolist()]
    times = blank if records.times is None else ["" if t != t else repr(t) for t in records.times.tolist()]  # noqa: PLR0124  NaN
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # both characters are then quoted inside a name
    writer.writerow(header)
    writer.writerows(zip(records.paths, records.names(), cameras, times, *records.attributes.values(), strict=True))
    return text.getvalue()


def _from_csv(text: str, root: Path) -> Records:
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    columns = dict(zip(header, zip(*rows, strict=True) if rows else [()] * len(header), strict=True))
    paths, names, cameras, times = (list(columns.pop(name)) for name in ("path", "identity", "camera", "time"))
    return build(
        root,
        paths,
        names,
        junk=frozenset({"-1"}),
        cameras=[int(c) if c else NO_CAMERA for c in cameras] if any(cameras) else None,
        times=[float(t) if t else np.nan for t in times] if any(times) else None,
        attributes={name: list(column) for name, column in columns.items()},
    )
