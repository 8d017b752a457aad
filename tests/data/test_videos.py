"""Frames of videos, against the pictures they were written from."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
import videos

from reid.data.videos import Video, Videos, frame_path, is_video, parse_frame, read_frame
from reid.errors import DataError, MissingInputError


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Twelve frames."""
    return str(videos.write(tmp_path_factory.mktemp("clip") / "gate.avi", videos.frames(12)))


def near(picture, number):
    """Whether a picture is a frame rather than any other, but for what the codec loses."""
    apart = [np.abs(picture.astype(int) - other).mean() for other in videos.frames(12)]
    return np.argmin(apart) == number and apart[number] < 6


def test_frames_in_order_are_decoded_once(clip, monkeypatch):
    """RGB, each the picture it was; gaps are passed over, and only a step back opens the file again."""
    opened = []
    plain = Video.__init__
    monkeypatch.setattr(Video, "__init__", lambda self, *rest: (opened.append(rest[0]), plain(self, *rest))[1])
    source = Videos()
    for number in (0, 1, 4, 11):
        assert near(source.frame(clip, number, max_megapixels=1), number)
    assert opened == [clip]
    assert near(source.frame(clip, 3, max_megapixels=1), 3)
    assert opened == [clip, clip]
    assert near(read_frame(clip, 7, max_megapixels=1), 7)
    source.close()


def test_what_cannot_be_had(clip, tmp_path):
    """Frames after the end, files that are missing or no videos, and frames that are too large."""
    with pytest.raises(DataError, match=r"gate\.avi has no frame 12: it ends, or is damaged, after 12 frames"):
        Videos().frame(clip, 12, max_megapixels=1)
    with pytest.raises(MissingInputError, match=r"there is no video .*none\.avi"):
        Videos().frame(str(tmp_path / "none.avi"), 0, max_megapixels=1)
    (tmp_path / "text.avi").write_text("no video")
    with pytest.raises(DataError, match=r"cannot read video .*text\.avi: it is damaged"):
        Videos().frame(str(tmp_path / "text.avi"), 0, max_megapixels=1)
    with pytest.raises(DataError, match=r"cannot use frame 2 of .*gate\.avi: it has 64 x 48 pixels, more than the lim"):
        Videos().frame(clip, 2, max_megapixels=0.001)


def test_a_video_that_was_cut_short_ends_early(clip, tmp_path):
    """What is left of it can be read; what is not there is told, and never another frame instead."""
    content = Path(clip).read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(content[: len(content) * 3 // 4])
    source, read = Videos(), []
    with contextlib.suppress(DataError):
        for number in range(12):
            read.append(source.frame(str(cut), number, max_megapixels=1))  # noqa: PERF401  it ends in an error
    assert 2 < len(read) < 12
    assert all(near(picture, number) for number, picture in enumerate(read[:-1]))  # the last may be cut itself
    with pytest.raises(DataError, match=rf"cut\.avi has no frame 11: it ends, or is damaged, after {len(read)} frames"):
        source.frame(str(cut), 11, max_megapixels=1)


def test_names_of_frames():
    """A frame's name is taken apart again; files that only look like one stay files."""
    assert parse_frame(frame_path("/a/b#frame=3.MP4", 17)) == ("/a/b#frame=3.MP4", 17)
    for other in ("a.mp4", "a.jpg#frame=1", "a.mp4#frame=", "a.mp4#frame=-1", "a.mp4#frame=1x", "#frame=1"):
        assert parse_frame(other) is None
    assert is_video("A.MP4")
    assert not is_video("a.jpg")


def test_frames_a_second(clip, tmp_path):
    """As the file says."""
    video = Video(clip, 1)
    assert video.rate() == pytest.approx(videos.RATE)
    video.close()
