"""Writing files so that a killed process leaves either the old or the new content, and proving on reading
that nothing changed since.

A file is written beside its target under a temporary name, flushed to the disk, renamed over the target, and
the folder is flushed too (without the last step a power loss can undo the rename). A folder of several files
is written as a whole beside its target and renamed, with a `manifest.json` of sizes and sha256 sums inside.
"""

import contextlib
import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reid.errors import ArtefactError, MissingInputError, OutputError

MANIFEST = "manifest.json"
_SEAL = b"reid sealed file 1\n"
_SIGNATURE = "# sha256 of the lines above: "
_TEMPORARY = ".tmp-reid-"


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` atomically and durably; the parent folder must exist.

    Raises:
        OutputError: the folder is missing or may not be written to.
        ArtefactError: the disk is full or failed; the previous file is untouched.
    """
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_TEMPORARY, delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        _flush_folder(path.parent)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise OutputError(f"cannot write {path}: {error.strerror}; choose another place with --out") from error
    except OSError as error:
        raise ArtefactError(
            f"writing {path} failed: {error.strerror}; the previous file, if any, is untouched"
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` in UTF-8, as `write_bytes` does; lone surrogates of odd file names survive."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def to_json(value: object, *, indent: int | None = 2) -> str:
    """`value` as standard JSON: NaN and infinity, which JSON lacks, become null.

    Numpy scalars and arrays and paths are accepted.
    """
    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def write_json(path: Path, value: object) -> None:
    """Replace `path` by `value` as JSON, as `write_bytes` does."""
    write_text(path, to_json(value) + "\n")


def read_bytes(path: Path) -> bytes:
    """The content of `path`.

    Raises:
        MissingInputError: there is no such file, or it may not be read.
        ArtefactError: the disk failed.
    """
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise MissingInputError(f"cannot read {path}: {error.strerror}") from error
    except OSError as error:
        raise ArtefactError(f"reading {path} failed: {error.strerror}") from error


def read_json(path: Path) -> Any:
    """The value in a JSON file of ours.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: it is not JSON.
    """
    try:
        return json.loads(read_bytes(path).decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise ArtefactError(f"{path} is corrupt: not JSON ({error})") from error


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MissingInputError(f"cannot read {path}: {error.strerror}") from error


def write_sealed(path: Path, content: bytes) -> None:
    """Write `content` behind a header with its sha256, atomically; `read_sealed` refuses it when a bit changed."""
    write_bytes(path, _SEAL + hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def read_sealed(path: Path) -> bytes:
    """The content of a file written by `write_sealed`.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: it was not written by `write_sealed`, or is truncated or altered.
    """
    data = read_bytes(path)
    header = len(_SEAL) + 65
    if not data.startswith(_SEAL) or len(data) < header:
        raise ArtefactError(
            f"{path} is not a file of this toolkit, or its beginning is damaged; restore it from a copy"
        )
    content = data[header:]
    if hashlib.sha256(content).hexdigest().encode() + b"\n" != data[len(_SEAL) : header]:
        raise ArtefactError(
            f"{path} is corrupt: its sha256 differs from the one written into it; restore it from a copy"
        )
    return content


def write_signed_text(path: Path, text: str) -> None:
    """Write a text whose format has `#` comments (YAML), with a last line of its sha256, atomically."""
    write_text(path, f"{text}{_SIGNATURE}{hashlib.sha256(text.encode()).hexdigest()}\n")


def read_signed_text(path: Path) -> str:
    """The text written by `write_signed_text`.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: it was altered since it was written.
    """
    text, _, signature = read_bytes(path).decode("utf-8", "replace").rpartition(_SIGNATURE)
    if hashlib.sha256(text.encode()).hexdigest() != signature.strip():
        raise ArtefactError(f"{path} was changed or damaged since it was written: its last line holds another sha256")
    return text


@contextlib.contextmanager
def new_folder(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder to fill, which becomes `path` when the block ends without an error.

    Raises:
        OutputError: `path` exists and `overwrite` is false, or it cannot be created.
    """
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already; choose another place or pass --force")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=_TEMPORARY))
        temporary.chmod(0o777 & ~_umask())
    except OSError as error:
        raise OutputError(f"cannot create {path}: {error.strerror}") from error
    try:
        yield temporary
        _flush_tree(temporary)
        _swap_folder(temporary, path)
    except OSError as error:
        raise ArtefactError(f"writing {path} failed: {error.strerror}; what stood there before is untouched") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_manifest(folder: Path, about: Mapping[str, object]) -> None:
    """Write `manifest.json` into `folder`: `about` plus size in bytes and sha256 of every file beside it.

    The manifest carries a sha256 of itself as well, so that no field of it can change unnoticed.
    """
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name != MANIFEST)
    files = {name: {"bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)} for name in names}
    content = {**_plain(dict(about)), "files": files}
    write_json(folder / MANIFEST, {**content, "sha256": _digest(content)})


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of `folder` after every file it lists was compared with its size and sha256.

    Raises:
        MissingInputError: no folder, or no manifest in it.
        ArtefactError: the manifest or a listed file is missing, truncated or altered; the file is named.
    """
    content = read_json(folder / MANIFEST)
    if not isinstance(content, dict) or content.pop("sha256", None) != _digest(content):
        raise ArtefactError(f"{folder / MANIFEST} is corrupt: its own sha256 differs; make the folder again")
    for name, expected in content["files"].items():
        path = folder / name
        if not path.is_file():
            raise ArtefactError(f"{path} is missing although {MANIFEST} lists it; make the folder again")
        if path.stat().st_size != expected["bytes"] or sha256(path) != expected["sha256"]:
            raise ArtefactError(f"{path} is corrupt: size or sha256 differs from {MANIFEST}; make the folder again")
    return content


def sweep(folder: Path) -> int:
    """Remove temporary files and folders that a killed writer of ours left in `folder`; returns how many."""
    leftovers = list(folder.glob(f"{_TEMPORARY}*"))
    for path in leftovers:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return len(leftovers)


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, allow_nan=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()


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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    for path in [folder, *(p for p in folder.rglob("*") if p.is_dir())]:
        _flush_folder(path)


def _swap_folder(temporary: Path, path: Path) -> None:
    if path.exists():
        aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=_TEMPORARY))
        path.replace(aside / "old")
        temporary.replace(path)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        temporary.replace(path)
    _flush_folder(path.parent)
