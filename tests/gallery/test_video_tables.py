"""Tables of boxes in the frames of videos."""

import pytest
import videos

from reid.errors import DataError, MissingInputError
from reid.gallery.crop_tables import read
from reid.gallery.sources import Told, listing
from reid.gallery.video_tables import Moments, number_in, place, seconds_in, track_in


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A video, and one with another name."""
    made = tmp_path_factory.mktemp("videos")
    for name in ("gate.avi", "yard.avi"):
        videos.write(made / name, videos.frames(6))
    return made


def table(folder, text):
    """A table beside the videos."""
    (folder / "boxes.csv").write_text(text)
    return folder / "boxes.csv"


def test_frames_are_numbered_or_timed(folder):
    """A number from 0, or seconds: the frame shown then, also where the time was rounded; both are times of the row."""
    found = read(table(folder, "path,frame\ngate.avi,0\nyard.avi,17\n"))
    assert list(found.paths) == [f"{folder}/gate.avi#frame=0", f"{folder}/yard.avi#frame=17"]
    assert list(found.times) == [0, 17]

    timed = read(table(folder, "path,seconds\ngate.avi,0\ngate.avi,0.3\ngate.avi,0.29999\ngate.avi,0.39\n"))
    assert [path.rpartition("=")[2] for path in timed.paths] == ["0", "3", "3", "3"]
    assert list(timed.times) == [0, 0.3, 0.29999, 0.39]


def test_what_else_is_said(folder):
    """Own columns come first; a track stands for an identity of its video; images of the same table need no frame."""
    (folder / "x.jpg").touch()
    found = read(table(folder, "path,frame,track_id,time\ngate.avi,1,7,2026-01-01\nyard.avi,2,,5\nx.jpg,,7,6\n"))
    assert list(found.identities) == ["gate:7", None, None]
    assert list(found.times)[1:] == [5, 6]
    named = read(table(folder, "path,frame,track,identity\ngate.avi,1,7,bus\ngate.avi,2,7,\n"))
    assert list(named.identities) == ["bus", None]


def test_one_video_for_a_table_without_paths(folder):
    """It is named beside the table; boxes stand in the order of the frames, however the table has them."""
    text = "frame,x,y,w,h\n4,0,0,20,20\n0,1,1,20,20\n4,2,2,20,20\n1,3,3,20,20\n"
    found = listing(table(folder, text), Told(video=folder / "gate.avi"))

    assert [(entry.path.rpartition("=")[2], entry.box[0]) for entry in found] == [
        ("0", 1),
        ("1", 3),
        ("4", 0),
        ("4", 2),
    ]
    assert found.lines == [3, 5, 2, 4]
    with pytest.raises(DataError, match="there is no column 'path'"):
        listing(table(folder, text))
    with pytest.raises(MissingInputError, match=r"1 of 1 images that .*boxes\.csv names are not there: .*none\.avi;"):
        listing(table(folder, text), Told(video=folder / "none.avi"))
    with pytest.raises(DataError, match=r"gate\.avi is a video: name a table of boxes in its frames, and with --video"):
        listing(folder / "gate.avi")


def test_mistakes(folder):
    """Rows that say nothing of the frame, or no number; the line and column are told."""
    text = "path,frame,seconds\ngate.avi,,\ngate.avi,1,\ngate.avi,,0.1\n"
    with pytest.raises(DataError, match=r"boxes\.csv:2:frame: wanted the number of a frame from 0, or seconds, found"):
        read(table(folder, text))
    with pytest.raises(DataError, match=r"boxes\.csv:2:frame: wanted the number of a frame, from 0, found '-3'"):
        read(table(folder, "path,frame\ngate.avi,-3\n"))
    with pytest.raises(DataError, match=r"boxes\.csv:3:seconds: wanted seconds since the video began, found 'nan'"):
        read(table(folder, "path,seconds\ngate.avi,1\ngate.avi,nan\n"))
    with pytest.raises(MissingInputError, match=r"there is no video .*none\.avi"):
        read(table(folder, "path,seconds\nnone.avi,1\n"))


def test_two_identities_of_one_box_are_told_apart_by_frames(folder):
    """The same box in two frames is two crops; in one frame it is one."""
    head = "path,frame,identity,x1,y1,x2,y2\ngate.avi,1,a,0,0,9,9\n"
    assert len(read(table(folder, f"{head}gate.avi,2,b,0,0,9,9\n")).paths) == 2
    with pytest.raises(DataError, match="identity: found 'b', but the same crop is 'a' on line 2"):
        read(table(folder, f"{head}gate.avi,1,b,0,0,9,9\n"))


def test_cells():
    """Whole numbers as tables write them, also with a point; nothing is nothing."""
    assert [number_in(cell) for cell in ("3", " 3.0", "")] == [3, 3, None]
    assert [seconds_in(cell) for cell in ("1.5", "0", " ")] == [1.5, 0, None]
    assert [track_in(cell) for cell in ("a", "3.0", "-1", "")] == ["a", "3", None, None]
    for check, wrong in ((number_in, "1.5"), (number_in, "x"), (seconds_in, "-1"), (seconds_in, "inf")):
        with pytest.raises(ValueError, match="wanted"):
            check(wrong)
    assert place(["a.jpg"], Moments([None], [None], [None])).paths == ["a.jpg"]
