"""Texts and folders that prove on reading that nothing changed since they were written."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reid.errors import ArtefactError
from reid.files.json_files import read_json, to_json, write_json
from reid.files.reading import read_bytes, reading
from reid.files.replacing import write_text
from reid.text import printable

MANIFEST = "manifest.json"
_PART = 2**22  # bytes: in small parts, threads that compute would keep this one waiting at each
_SIGNATURE = "# sha256 of the lines above: "


def sha256(path: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    with reading(path), path.open("rb", buffering=0) as file:
        content, buffer = hashlib.sha256(), memoryview(bytearray(min(_PART, path.stat().st_size + 1)))
        while size := file.readinto(buffer):
            content.update(buffer[:size])
        return content.hexdigest()


def write_signed_text(path: Path, text: str) -> None:
    """Write a text whose format has `#` comments (YAML), with a last line of its sha256, atomically."""
    write_text(path, f"{text}{_SIGNATURE}{_text_digest(text)}\n")


def read_signed_text(path: Path) -> str:
    """The text written by `write_signed_text`.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: it was altered since it was written.
    """
    text, _, signature = read_bytes(path).decode("utf-8", "surrogateescape").rpartition(_SIGNATURE)
    if _text_digest(text) != signature.strip():
        raise ArtefactError(
            f"{printable(path)} was changed or damaged since it was written: its last line holds another sha256"
        )
    return text


def write_signed_json(path: Path, value: Mapping[str, object]) -> None:
    """Write a mapping as JSON with a field "sha256" of all others, atomically."""
    content = json.loads(to_json(dict(value)))
    write_json(path, {**content, "sha256": _digest(content)})


def read_signed_json(path: Path) -> dict[str, Any]:
    """The mapping written by `write_signed_json`, without its sha256.

    Raises:
        MissingInputError: there is no such file.
        ArtefactError: it is not JSON, or was altered since it was written.
    """
    content = read_json(path)
    if not isinstance(content, dict) or content.pop("sha256", None) != _digest(content):
        raise ArtefactError(f"{printable(path)} was changed or damaged since it was written: its own sha256 differs")
    return content


def write_manifest(folder: Path, about: Mapping[str, object]) -> None:
    """Write `manifest.json` into `folder`: `about` plus size in bytes and sha256 of every file beside it.

    The manifest carries a sha256 of itself as well, so that no field of it can change unnoticed.
    """
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name != MANIFEST)
    files = {name: {"bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)} for name in names}
    write_signed_json(folder / MANIFEST, {**about, "files": files})


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of `folder` after every file it lists was compared with its size and sha256.

    Raises:
        MissingInputError: no folder, or no manifest in it.
        ArtefactError: the manifest or a listed file is missing, truncated or altered; the file is named.
    """
    try:
        content = read_signed_json(folder / MANIFEST)
    except ArtefactError as error:
        raise ArtefactError(f"{error}; make the folder again") from error
    for name, expected in content["files"].items():
        path = folder / name
        if not path.is_file():
            raise ArtefactError(f"{printable(path)} is missing although {MANIFEST} lists it; make the folder again")
        if path.stat().st_size != expected["bytes"] or sha256(path) != expected["sha256"]:
            raise ArtefactError(
                f"{printable(path)} is corrupt: size or sha256 differs from {MANIFEST}; make the folder again"
            )
    return content


def _digest(value: object) -> str:
    return _text_digest(json.dumps(value, sort_keys=True))


def _text_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
