"""A gallery's images as a table for other programs: CSV or Parquet, which `reid.gallery.crop_tables` reads back."""

import contextlib
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from reid import files
from reid.errors import ConfigError, GalleryError, OutputError
from reid.gallery.batches import parts, with_vectors
from reid.gallery.entries import Stored
from reid.gallery.filters import Where
from reid.gallery.store import About, Store
from reid.records import Floats
from reid.text import printable

COLUMNS = ("id", "path", "identity", "camera", "time", "left", "top", "right", "bottom", "source", "sha256")
"""Of a table. What is not known is an empty cell; so are the four edges of a box that is the whole image."""

VECTORS = ".embeddings"
"""Ending of the folder with the vectors of a CSV."""

_Write = Callable[[Sequence[Stored], Floats | None], None]


def export(
    store: Store,
    table: Path,
    *,
    where: Where | None = None,
    vectors: bool = False,
    overwrite: bool = False,
    batch: int = 5000,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write images of a gallery into a table with the columns `COLUMNS`, by id, whole or not at all.

    Args:
        store: the gallery; images that are added or removed meanwhile may be in the table or not.
        table: a file that ends in .csv or .parquet.
        where: which images; None is all.
        vectors: whether their vectors are written too: in Parquet as a column "vector", a list of float32; with a CSV as
            an embeddings folder beside it (images.csv: images.embeddings).
        overwrite: whether what stands there is replaced.
        batch: images that are held at once.
        progress: called with the number of images written since the last call.

    Returns:
        How many images were written.

    Raises:
        ConfigError: the name ends in something else, or is one of Parquet and pyarrow is not installed.
        OutputError: something stands there already, or nothing may be written there.
        GalleryError: a name cannot be written into Parquet, as it is no Unicode.
        ArtefactError: the disk is full or failed, or the gallery is damaged.
    """
    kind = table.suffix.lower()
    if kind not in _KINDS:
        raise ConfigError(f"{printable(table)} is no table: name a file that ends in {' or '.join(_KINDS)}")
    for path in (table, table.with_suffix(VECTORS)) if vectors and kind == ".csv" else (table,):
        if path.exists() and not overwrite:
            raise OutputError(f"{printable(path)} exists already; choose another place or pass --force")
    written = 0
    with _KINDS[kind](table, store.about, vectors) as write:
        for images in parts(store.entries(where or Where()), batch):
            kept, made = with_vectors(store, images) if vectors else (images, None)
            write(kept, made)
            written += len(kept)
            if progress is not None:
                progress(len(kept))
    return written


@contextlib.contextmanager
def _csv(table: Path, about: About, vectors: bool) -> Iterator[_Write]:
    beside = _embeddings(table.with_suffix(VECTORS), about) if vectors else contextlib.nullcontext(None)
    with files.replacement(table) as file, beside as keep:
        _append(file, [COLUMNS])

        def write(images: Sequence[Stored], made: Floats | None) -> None:
            _append(file, (_row(image) for image in images))
            if keep is not None:
                keep(images, made)

        yield write


@contextlib.contextmanager
def _embeddings(folder: Path, about: About) -> Iterator[_Write]:
    """A folder that `Embeddings.load` reads, whose attributes are the further columns."""
    written = 0
    with files.new_folder(folder, overwrite=True) as temporary:
        with (
            files.replacement(temporary / "records.csv") as records,
            files.replacement(temporary / "vectors.npy") as vectors,
        ):
            _append(records, [(*COLUMNS[1:], "id")])
            _header(vectors, 0, about.dimension)

            def write(images: Sequence[Stored], made: Floats | None) -> None:
                nonlocal written
                rows = (_row(image, unknown="-1") for image in images)
                _append(records, ((*row[1:], row[0]) for row in rows))
                vectors.write(np.ascontiguousarray(made, dtype="<f4").tobytes())
                written += len(images)

            yield write
            vectors.seek(0)
            _header(vectors, written, about.dimension)
        kept = {"kind": "embeddings", "model": about.model, "root": "/"}
        files.write_manifest(temporary, {**kept, "count": written, "dimension": about.dimension})


@contextlib.contextmanager
def _parquet(table: Path, about: About, vectors: bool) -> Iterator[_Write]:
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    except ImportError:
        raise ConfigError(
            f"writing {printable(table)} needs pyarrow: pip install 'reid-toolkit[parquet]', or write a .csv"
        ) from None
    kinds = {"id": pa.int64(), "camera": pa.int64(), "time": pa.float64()}
    kinds |= dict.fromkeys(("left", "top", "right", "bottom"), pa.int32())
    columns = [(name, kinds.get(name, pa.string())) for name in COLUMNS]
    schema = pa.schema([*columns, *([("vector", pa.list_(pa.float32()))] if vectors else [])])
    schema = schema.with_metadata({"reid.model": about.model, "reid.dimension": str(about.dimension)})
    with files.replacement(table) as file, ParquetWriter(file, schema) as writer:

        def write(images: Sequence[Stored], made: Floats | None) -> None:
            values = list(zip(*(_values(image) for image in images), strict=True)) or [()] * len(COLUMNS)
            try:
                arrays = [pa.array(column, kind) for column, (_, kind) in zip(values, columns, strict=True)]
            except UnicodeEncodeError as error:
                raise GalleryError(
                    f"{printable(error.object)} cannot be written into Parquet, as it is no Unicode; write a .csv"
                ) from None
            if made is not None:
                starts = pa.array(np.arange(len(made) + 1, dtype=np.int32) * about.dimension)
                arrays.append(pa.ListArray.from_arrays(starts, pa.array(made.reshape(-1))))
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield write


_KINDS = {".csv": _csv, ".parquet": _parquet}


def _values(image: Stored) -> tuple[Any, ...]:
    box = (None, None, None, None) if image.box is None else image.box
    return image.id, image.path, image.identity, image.camera, image.time, *box, image.source, image.sha256


def _row(image: Stored, *, unknown: str = "") -> list[str]:
    row = ["" if value is None else str(value) for value in _values(image)]
    row[2] = unknown if image.identity is None else image.identity
    return row


def _append(file: BinaryIO, rows: Iterable[Sequence[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)  # both characters are then quoted inside a name
    file.write(text.getvalue().encode("utf-8", "surrogateescape"))


def _header(file: BinaryIO, rows: int, dimension: int) -> None:
    """The beginning of an .npy file, in which numpy leaves room for more rows."""
    about = {"descr": "<f4", "fortran_order": False, "shape": (rows, dimension)}
    np.lib.format.write_array_header_1_0(file, about)
