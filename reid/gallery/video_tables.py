"""Rows of a table that are boxes in the frames of videos."""

import contextlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

from reid.data.images import MAX_MEGAPIXELS
from reid.data.videos import Video, frame_path, is_video
from reid.text import printable

_LONGEST = 1e9


@dataclass(frozen=True)
class Moments:
    """What a table says of the frames of N rows.

    Attributes:
        numbers: of frames, from 0; None where the cell is empty, or there is no such column.
        seconds: since the beginning of the video, likewise.
        tracks: names, likewise.
    """

    numbers: Sequence[int | None]
    seconds: Sequence[float | None]
    tracks: Sequence[str | None]


@dataclass(frozen=True)
class Found:
    """What became of the rows.

    Attributes:
        paths: with the number of the frame where a row is one of a video.
        times: seconds or number of the frame, whichever the table says; None for rows of images.
        identities: "gate:17" for track 17 of gate.mp4; None for rows of images, and where no track is told.
        mistakes: row, and what is wrong there.
    """

    paths: list[str]
    times: list[float | None]
    identities: list[str | None]
    mistakes: list[tuple[int, str]]


def place(paths: Sequence[str], moments: Moments) -> Found:
    """Find the frames that the rows of a table mean.

    A time means the frame that is shown then, in a video with as many frames per second as it says.

    Args:
        paths: of N rows, absolute.
        moments: of them.

    Raises:
        MissingInputError: there is no such video.
        DataError: one cannot be read, or says nothing of frames per second.
    """
    found = Found(list(paths), [None] * len(paths), [None] * len(paths), [])
    rates: dict[str, float] = {}
    for row, path in enumerate(paths):
        if not is_video(path):
            continue
        number, seconds, track = moments.numbers[row], moments.seconds[row], moments.tracks[row]
        if number is None and seconds is None:
            found.mistakes.append((row, "frame: wanted the number of a frame from 0, or seconds, found neither"))
            continue
        found.times[row] = seconds if number is None else number
        if number is None and seconds is not None:
            if path not in rates:
                rates[path] = _rate(path)
            number = math.floor(seconds * rates[path] + 1e-3)  # a time that was rounded still means its frame
        found.paths[row] = frame_path(path, number or 0)
        if track is not None:
            found.identities[row] = f"{os.path.splitext(os.path.basename(path))[0]}:{track}"  # noqa: PTH119, PTH122  a million times
    return found


def number_in(cell: str) -> int | None:
    """The number of a frame in a cell; None where it is empty.

    Raises:
        ValueError: it is something else.
    """
    text = cell.strip().removesuffix(".0")
    if not text:
        return None
    if not text.isdecimal() or int(text) > _LONGEST:
        raise ValueError(f"wanted the number of a frame, from 0, found {printable(cell)!r}")
    return int(text)


def seconds_in(cell: str) -> float | None:
    """A time in seconds in a cell; None where it is empty.

    Raises:
        ValueError: it is something else.
    """
    if not cell.strip():
        return None
    seconds = math.nan
    with contextlib.suppress(ValueError):
        seconds = float(cell)
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(f"wanted seconds since the video began, found {printable(cell)!r}")
    return seconds


def track_in(cell: str) -> str | None:
    """The name of a track in a cell; None where it is empty, or -1."""
    name = cell.strip().removesuffix(".0")
    return None if name in {"", "-1", "nan"} else name


def _rate(path: str) -> float:
    video = Video(path, MAX_MEGAPIXELS)
    try:
        return video.rate()
    finally:
        video.close()
