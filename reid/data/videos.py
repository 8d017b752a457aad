"""Frames of video files, decoded in order: each once, and only ever forward.

A frame is named like an image file, by the path of its video and its number from 0: `gate.mp4#frame=17`.
"""

import os
import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.data.image_headers import Size
from reid.data.pixels import check_size
from reid.errors import DataError, MissingInputError
from reid.text import printable

Pixels = NDArray[np.uint8]

SUFFIXES = (".avi", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv")
_MARK = "#frame="
_NUMBER = re.compile(r"[0-9]{1,12}")


def is_video(path: str) -> bool:
    """Whether a path is named like a video file."""
    return path.lower().endswith(SUFFIXES)


def frame_path(video: str, number: int) -> str:
    """The name of a frame: of the video's path and the frame's number, from 0."""
    return f"{video}{_MARK}{number}"


def parse_frame(path: str) -> tuple[str, int] | None:
    """The video and the number of the frame that a path names; None where it names a file."""
    if _MARK not in path:  # nearly all of a million
        return None
    video, _, number = path.rpartition(_MARK)
    if not is_video(video) or not _NUMBER.fullmatch(number):
        return None
    return video, int(number)


class Video:
    """One video file, at some place.

    Args:
        path: of the file.
        max_megapixels: larger frames are refused.

    Raises:
        MissingInputError: there is no such file.
        DataError: it is no video that can be decoded.
    """

    def __init__(self, path: str, max_megapixels: float) -> None:
        self.path = path
        self._max_megapixels = max_megapixels
        if not os.path.isfile(path):  # noqa: PTH113  a name too long must not raise
            raise MissingInputError(f"there is no video {printable(path)}")
        try:
            self._capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
        except cv2.error as error:
            raise self._refused() from error
        if not self._capture.isOpened():
            raise self._refused()
        self._next = 0

    def frame(self, number: int) -> Pixels:
        """(H, W, 3) uint8 RGB picture of a frame, upright; the video goes on from there.

        Args:
            number: from 0; not before the one that was asked for last.

        Raises:
            DataError: the video ends before it, or is damaged there.
        """
        while self._next < number:
            if not self._capture.grab():
                raise self._ended(number)
            self._next += 1
        found, picture = self._capture.read()
        if not found or picture is None:
            raise self._ended(number)
        self._next += 1
        try:
            check_size(Size(picture.shape[1], picture.shape[0]), self._max_megapixels)
        except DataError as error:
            raise DataError(f"cannot use frame {number} of {printable(self.path)}: {error}") from error
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)

    def passed(self, number: int) -> bool:
        """Whether the video is beyond a frame."""
        return self._next > number

    def rate(self) -> float:
        """Frames per second, as the file says.

        Raises:
            DataError: it says none.
        """
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        if not 0 < rate < 1e5:
            raise DataError(f"video {printable(self.path)} does not say how many frames it has per second; number them")
        return rate

    def skip_to(self, number: int) -> None:
        """Go near a frame without decoding all before it, as far as the file's index allows."""
        self._capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        self._next = number

    def close(self) -> None:
        """Let go of the file."""
        self._capture.release()

    def _ended(self, number: int) -> DataError:
        return DataError(
            f"video {printable(self.path)} has no frame {number}: it ends, or is damaged, after {self._next} frames, "
            "which are numbered from 0"
        )

    def _refused(self) -> DataError:
        return DataError(
            f"cannot read video {printable(self.path)}: it is damaged, or of a kind that cannot be decoded"
        )


class Videos:
    """Frames of videos, one video open at a time.

    Asked for in order, each video is decoded once; a frame before the last one has it begin anew.
    """

    def __init__(self) -> None:
        self._open: Video | None = None

    def frame(self, path: str, number: int, *, max_megapixels: float) -> Pixels:
        """(H, W, 3) uint8 RGB picture of a frame; larger ones are refused.

        Raises:
            MissingInputError: there is no such file.
            DataError: it is no video, or has no such frame.
        """
        video = self._open
        if video is None or video.path != path or video.passed(number):
            self.close()
            video = self._open = Video(path, max_megapixels)
        return video.frame(number)

    def close(self) -> None:
        """Let go of the file that is open."""
        if self._open is not None:
            self._open.close()
            self._open = None


def read_frame(path: Path | str, number: int, *, max_megapixels: float) -> Pixels:
    """(H, W, 3) uint8 RGB picture of one frame, found by the video's index.

    Raises:
        MissingInputError: there is no such file.
        DataError: it is no video, or has no such frame.
    """
    video = Video(str(path), max_megapixels)
    try:
        video.skip_to(number)
        return video.frame(number)
    finally:
        video.close()
