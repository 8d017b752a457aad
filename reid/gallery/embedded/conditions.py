"""Conditions on images as SQL over the catalogue, in forms that its indexes answer."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import numpy as np

from reid.gallery.embedded.rows import to_bytes
from reid.gallery.filters import Where
from reid.records import Integers

# The distinct cameras, each found by one step down the index instead of a walk along it.
_CAMERAS = """
WITH RECURSIVE found(camera) AS (
    SELECT min(camera) FROM images
    UNION ALL SELECT (SELECT min(camera) FROM images WHERE camera > found.camera) FROM found WHERE found.camera IS NOT NULL
) SELECT camera FROM found WHERE camera IS NOT NULL
"""


def cameras(connection: sqlite3.Connection) -> list[int]:
    """The numbers of all cameras, and -1 where there are images without one."""
    return [camera for (camera,) in connection.execute(_CAMERAS)]


def clause(where: Where, connection: sqlite3.Connection) -> tuple[str, list[Any]]:
    """What stands behind WHERE, and its values; "1" holds for every image."""
    parts: list[tuple[str, list[Any]]] = [*_camera(where, connection)]
    if where.since is not None:
        parts.append(("time >= ?", [where.since]))
    if where.until is not None:
        parts.append(("time < ?", [where.until]))
    if where.identities is not None:
        parts.append(_identity(where.identities))
    if where.sources is not None:
        marks, names = _among([to_bytes(name) for name in where.sources])
        parts.append((f"source IN (SELECT code FROM sources WHERE name IN {marks})", names))
    if where.paths is not None:
        parts.append(_path(where.paths))
    if where.ids is not None:
        parts.append(("id IN (SELECT value FROM json_each(?))", [json.dumps(where.ids)]))
    return " AND ".join(f"({text})" for text, _ in parts) or "1", [value for _, values in parts for value in values]


def slots(where: Where, connection: sqlite3.Connection) -> Integers:
    """The slots of the images for which a condition holds, sorted."""
    text, values = clause(where, connection)
    found = connection.execute(f"SELECT slot FROM images WHERE {text}", values)
    return np.sort(np.fromiter((slot for (slot,) in found), dtype=np.int64))


def _camera(where: Where, connection: sqlite3.Connection) -> list[tuple[str, list[Any]]]:
    """Cameras by name, even if only a time is asked for: the index leads by camera to time."""
    timed = where.since is not None or where.until is not None
    if where.cameras is None and not where.not_cameras and not timed:
        return []
    wanted = cameras(connection) if where.cameras is None else list(dict.fromkeys(where.cameras))
    marks, values = _among([camera for camera in wanted if camera not in where.not_cameras])
    return [(f"camera IN {marks}", values)]


def _identity(identities: Sequence[str | None]) -> tuple[str, list[Any]]:
    marks, names = _among([to_bytes(name) for name in identities if name is not None])
    return f"identity IN {marks}" + (" OR identity IS NULL" if None in identities else ""), names


def _path(paths: Sequence[str]) -> tuple[str, list[Any]]:
    texts, values = [], list[Any]()
    for path in paths:
        texts.append("path = ? OR (path >= ? AND path < ?)")
        folder = to_bytes(path.rstrip("/"))
        values += [to_bytes(path), folder + b"/", folder + b"0"]  # 0 follows the slash
    return " OR ".join(texts) or "0", values


def _among(values: Sequence[Any]) -> tuple[str, list[Any]]:
    return f"({', '.join('?' * len(values))})", list(values)
