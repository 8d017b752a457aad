"""What the stages hand to each other: lists of labelled images, test sets, splits, embeddings.

Identities are integer codes. All records of one dataset share one table of identity names, sorted by name, so that
a code means the same identity in training, query and gallery, whatever order a folder was listed in.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reid import files
from reid.errors import ArtefactError, DataError, ShapeError

JUNK = -1
"""Identity code of images that are ignored in a ranking: neither right nor wrong."""
NO_CAMERA = -1
"""Camera number of an image whose camera is not known."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Records:
    """N labelled images, in columns.

    Attributes:
        root: folder that `paths` are relative to.
        paths: (N,) object array of str, with forward slashes.
        identities: (N,) int64 codes into `identity_names`; -1 is junk.
        identity_names: the dataset's names of its identities; shared by all its records.
        cameras: (N,) int64 camera numbers, -1 unknown; None where the dataset has no cameras.
        times: (N,) float64 seconds or frame numbers, NaN unknown; None where the dataset has none.
        attributes: further columns by name, each (N,) object array of str, such as colour or model.

    Raises:
        ShapeError: columns differ in length.
        DataError: an identity code is outside the table of names.
    """

    root: Path
    paths: NDArray[np.object_]
    identities: Integers
    identity_names: tuple[str, ...]
    cameras: Integers | None = None
    times: NDArray[np.float64] | None = None
    attributes: Mapping[str, NDArray[np.object_]] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for name, column in self._columns().items():
            if column.shape != self.paths.shape:
                raise ShapeError(f"column {name} has shape {column.shape}, but there are {len(self.paths)} paths")
        if len(self) and not (self.identities.min() >= JUNK and self.identities.max() < len(self.identity_names)):
            raise DataError(f"identity codes must lie in -1..{len(self.identity_names) - 1}")

    def __len__(self) -> int:
        return len(self.paths)

    def select(self, rows: NDArray[Any] | slice) -> Self:
        """The records at `rows` (indices, mask or slice), in that order."""
        return replace(
            self,
            paths=self.paths[rows],
            identities=self.identities[rows],
            cameras=None if self.cameras is None else self.cameras[rows],
            times=None if self.times is None else self.times[rows],
            attributes=MappingProxyType({name: column[rows] for name, column in self.attributes.items()}),
        )

    def names(self) -> list[str]:
        """The identity name of every image, "-1" for junk."""
        return ["-1" if code == JUNK else self.identity_names[code] for code in self.identities.tolist()]

    def files(self) -> list[Path]:
        """The full path of every image."""
        return [self.root / path for path in self.paths]

    def count(self) -> dict[str, int]:
        """Numbers of identities (junk not counted), images and cameras; 0 cameras means that there is no such column."""
        cameras = 0 if self.cameras is None else len(np.unique(self.cameras[self.cameras != NO_CAMERA]))
        known = self.identities[self.identities != JUNK]
        return {"identities": len(np.unique(known)), "images": len(self), "cameras": cameras}

    def _columns(self) -> dict[str, NDArray[Any]]:
        columns: dict[str, NDArray[Any] | None] = {
            "identities": self.identities,
            "cameras": self.cameras,
            "times": self.times,
            **self.attributes,
        }
        return {name: column for name, column in columns.items() if column is not None}


def concatenate(parts: Sequence[Records]) -> Records:
    """One list out of several of the same dataset; attributes that not all of them have are dropped.

    Raises:
        DataError: no parts, or parts of different datasets (another root or table of names).
    """
    first = parts[0] if parts else None
    if first is None or any(p.root != first.root or p.identity_names != first.identity_names for p in parts):
        raise DataError("only records of one dataset, and at least one list of them, can be joined")
    optional = {
        name: np.concatenate([getattr(p, name) for p in parts])
        for name in ("cameras", "times")
        if all(getattr(p, name) is not None for p in parts)
    }
    shared = [name for name in first.attributes if all(name in p.attributes for p in parts)]
    return Records(
        root=first.root,
        paths=np.concatenate([p.paths for p in parts]),
        identities=np.concatenate([p.identities for p in parts]),
        identity_names=first.identity_names,
        attributes=MappingProxyType({name: np.concatenate([p.attributes[name] for p in parts]) for name in shared}),
        **optional,
    )


@dataclass(frozen=True, eq=False)
class TestSet:
    """A fixed test set.

    Attributes:
        name: name of the split, such as "large" or "test".
        gallery: the images that are searched.
        query: the images that are searched for; None where every image of `gallery` takes its turn as a query.
        protocols: how it is scored by default: "single-shot", "all-vs-all", "query-gallery".
    """

    __test__ = False  # not a test class of pytest's

    name: str
    gallery: Records
    query: Records | None
    protocols: tuple[str, ...]

    def images(self) -> Records:
        """All images of the set: the queries, if any, then the gallery."""
        return self.gallery if self.query is None else concatenate([self.query, self.gallery])


@dataclass(frozen=True, eq=False)
class Splits:
    """A dataset as it was read.

    Attributes:
        name: the card's name.
        kind: what the images show, from the card: "vehicle", "person", "clothes", "product", ...
        train: training images.
        tests: test sets by name, in the card's order.
        problems: what differs from the card or looks wrong, one sentence each; empty is good.
        skipped: number of files passed over, by reason.
    """

    name: str
    kind: str
    train: Records
    tests: Mapping[str, TestSet]
    problems: tuple[str, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


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
            listed = ", ".join(map(str, self.records.paths[bad[:5]]))
            raise ShapeError(f"{len(bad)} of {len(self.vectors)} vectors hold NaN or infinity: {listed}")

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
        """The embeddings in `folder`.

        Raises:
            MissingInputError: no such folder, or not one of embeddings.
            ArtefactError: a file in it is missing, truncated or altered.
        """
        manifest = files.read_manifest(folder)
        if manifest.get("kind") != "embeddings":
            raise ArtefactError(f"{folder} holds {manifest.get('kind', 'something else')}, not embeddings")
        vectors = np.load(folder / "vectors.npy", allow_pickle=False)
        records = _from_csv(
            files.read_bytes(folder / "records.csv").decode("utf-8", "surrogateescape"), Path(manifest["root"])
        )
        return cls(vectors, records, manifest["model"])


def build(
    root: Path,
    paths: Sequence[str],
    names: Sequence[str],
    *,
    table: tuple[str, ...] | None = None,
    junk: frozenset[str] = frozenset(),
    cameras: Sequence[int] | None = None,
    times: Sequence[float] | None = None,
    attributes: Mapping[str, Sequence[str]] | None = None,
) -> Records:
    """Records from plain columns, in the order given.

    Args:
        root: folder that `paths` are relative to.
        paths: path of every image.
        names: identity name of every image.
        table: all identity names of the dataset (see `identity_table`); None makes it from `names`.
        junk: identity names that mean junk, such as {"-1"}.
        cameras: camera number of every image.
        times: time of every image.
        attributes: further columns.

    Raises:
        DataError: a name is neither in `table` nor junk.
    """
    table = identity_table(names, junk=junk) if table is None else table
    code_of = {**{name: code for code, name in enumerate(table)}, **dict.fromkeys(junk, JUNK)}
    try:
        codes = [code_of[name] for name in names]
    except KeyError as error:
        raise DataError(f"identity {error} is not in the dataset's table of identities") from None
    columns = {name: np.array(column, dtype=object) for name, column in (attributes or {}).items()}
    return Records(
        root=root,
        paths=np.array(paths, dtype=object).reshape(len(paths)),
        identities=np.array(codes, dtype=np.int64),
        identity_names=table,
        cameras=None if cameras is None else np.array(cameras, dtype=np.int64),
        times=None if times is None else np.array(times, dtype=np.float64),
        attributes=MappingProxyType(columns),
    )


def identity_table(names: Sequence[str], *, junk: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """All different identity names but junk, sorted: the code of an identity is its place here."""
    return tuple(sorted(set(names) - junk))


def _to_csv(records: Records) -> str:
    header = ["path", "identity", "camera", "time", *records.attributes]
    blank = [""] * len(records)
    cameras = blank if records.cameras is None else ["" if c == NO_CAMERA else str(c) for c in records.cameras.tolist()]
    times = blank if records.times is None else ["" if t != t else repr(t) for t in records.times.tolist()]  # noqa: PLR0124  NaN
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
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
