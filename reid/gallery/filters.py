"""Which images of a gallery a search may find, or a change concerns: one form for commands and for Python."""

import dataclasses
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reid.errors import GalleryError
from reid.gallery.entries import Stored
from reid.text import did_you_mean, printable

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Where:
    """A condition on images. All that are given must hold; one that is not given holds for every image.

    Attributes:
        cameras: of one of these cameras.
        not_cameras: of none of these cameras; an image without a camera passes.
        since: time at or after it, seconds since 1970 UTC or a frame number; an image without a time does not pass.
        until: time before it.
        identities: of one of these identities; None among them stands for images without one.
        sources: added from one of these.
        paths: one of these paths, or below one of them as a folder.
        ids: one of these images.
    """

    cameras: tuple[int, ...] | None = None
    not_cameras: tuple[int, ...] = ()
    since: float | None = None
    until: float | None = None
    identities: tuple[str | None, ...] | None = None
    sources: tuple[str, ...] | None = None
    paths: tuple[str, ...] | None = None
    ids: tuple[int, ...] | None = None

    @property
    def everything(self) -> bool:
        """Whether it holds for every image."""
        return self == _EVERYTHING

    def holds(self, image: Stored) -> bool:
        """Whether it holds for an image."""
        timed = self.since is not None or self.until is not None
        return (
            (self.cameras is None or image.camera in self.cameras)
            and (image.camera is None or image.camera not in self.not_cameras)
            and not (timed and image.time is None)
            and (self.since is None or image.time is None or image.time >= self.since)
            and (self.until is None or image.time is None or image.time < self.until)
            and (self.identities is None or image.identity in self.identities)
            and (self.sources is None or image.source in self.sources)
            and (self.paths is None or any(_below(image.path, path) for path in self.paths))
            and (self.ids is None or image.id in self.ids)
        )

    def but(self, **changed: Any) -> "Where":
        """The same condition with some parts replaced."""
        return dataclasses.replace(self, **changed)


_EVERYTHING = Where()


def parse_where(condition: "Where | Mapping[str, Any] | None") -> Where:
    """A condition from its Python form.

    Args:
        condition: `{"camera": 2}`, `{"camera": [1, 2]}`, `{"camera": {"not": 3}}`,
            `{"time": {"since": "2026-03-01T08:00", "until": 1772355600}}`, `{"identity": "car-7"}`, `{"identity": None}`
            (unknown), `{"source": "street-4"}`, `{"path": "crops/monday"}`, `{"id": 17}`, and any of them together.

    Raises:
        GalleryError: an unknown key, or a value of the wrong kind.
    """
    if condition is None:
        return Where()
    if isinstance(condition, Where):
        return condition
    parts: dict[str, Any] = {}
    for key, value in condition.items():
        if key not in _PARSERS:
            raise GalleryError(
                f"a search cannot be restricted by {printable(key)}{did_you_mean(str(key), list(_PARSERS))} "
                f"Known are {', '.join(_PARSERS)}"
            )
        parts |= _PARSERS[key](value)
    return Where(**parts)


def parse_time(value: object) -> float:
    """Seconds since 1970 UTC, or a frame number, from a number, a date, or a date and time (UTC unless it says otherwise).

    Raises:
        GalleryError: it is none of them.
    """
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    text = str(value).strip()
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise GalleryError(
            f"{printable(text)!r} is no time; write 2026-03-01, 2026-03-01T08:30, 2026-03-01T08:30+01:00, or a number"
        ) from None
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _camera(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        if set(value) != {"not"}:
            raise GalleryError(f'a camera is given as 3, [1, 2] or {{"not": 3}}, found {printable(dict(value))}')
        return {"not_cameras": tuple(_whole("camera", one) for one in _several(value["not"]))}
    return {"cameras": tuple(_whole("camera", one) for one in _several(value))}


def _time(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not value or set(value) - {"since", "until"}:
        raise GalleryError(f'a time is given as {{"since": ..., "until": ...}}, found {printable(value)}')
    return {edge: parse_time(moment) for edge, moment in value.items()}


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**62:
        raise GalleryError(f"a {name} is a whole number from 0, found {printable(value)!r}")
    return value


def _several(value: object) -> list[Any]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes)) else [value]


def _forms(path: str) -> tuple[str, ...]:
    """As it is, and from the root: images are known by absolute paths unless their files are elsewhere."""
    return tuple(dict.fromkeys((path, os.path.abspath(path))))  # noqa: PTH100  links keep their names


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise GalleryError(f"the {name} is a text, found {printable(value)!r}")
    return value


_PARSERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "camera": _camera,
    "time": _time,
    "identity": lambda value: {
        "identities": tuple(None if one is None else _text("identity", one) for one in _several(value))
    },
    "source": lambda value: {"sources": tuple(_text("source", one) for one in _several(value))},
    "path": lambda value: {"paths": tuple(form for one in _several(value) for form in _forms(_text("path", one)))},
    "id": lambda value: {"ids": tuple(_whole("id", one) for one in _several(value))},
}
