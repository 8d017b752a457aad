"""Labelled images, in columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reid.errors import DataError, ShapeError
from reid.text import printable

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
        raise DataError(f"identity {printable(error)} is not in the dataset's table of identities") from None
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
