"""Tables of crops and boxes, as different programs write them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid.errors import DataError, MissingInputError
from reid.gallery.crop_tables import read


def write(folder, text, name="crops.csv"):
    """A table; its images need not exist."""
    (folder / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    return folder / name


def refused(folder, text):
    """Lines of the message, without the table's name."""
    file = write(folder, text)
    with pytest.raises(DataError) as caught:
        read(file)
    lines = str(caught.value).split("\n")
    assert all(line.startswith((f"{file}:", "and ")) for line in lines)
    return [line.removeprefix(f"{file}:") for line in lines]


def test_only_paths(tmp_path):
    """Relative to the table, or absolute; nothing else is said."""
    found = read(write(tmp_path, "path\na.jpg\n\nx/../b c.jpg\n../up.jpg\n/abs/d.jpg\n"))

    assert found.paths == [f"{tmp_path}/a.jpg", f"{tmp_path}/b c.jpg", f"{tmp_path.parent}/up.jpg", "/abs/d.jpg"]
    assert found.lines == [2, 4, 5, 6]
    assert [len(column) for column in (found.identities, found.cameras, found.times, found.boxes)] == [0] * 4


def test_all_columns(tmp_path):
    """In any order, with others between; empty cells are unknown."""
    text = (
        "colour,time,Camera,path,identity\n"
        "red,2026-03-01T08:00+01:00,3,a.jpg,7\n"
        "red,12.5,4.0,b.jpg,-1\n"
        "red,,,c.jpg,\n"
        "red,nan,-1,d.jpg,None\n"
        "red,2026-03-01,0,e.jpg,é 車\n"
    )
    found = read(write(tmp_path, text))

    assert found.identities == ["7", None, None, None, "é 車"]
    assert found.cameras == [3, 4, None, None, 0]
    assert found.times == [1772348400.0, 12.5, None, None, 1772323200.0]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("left,top,right,bottom", "10,20,40,80"),
        ("LEFT;Top;right;BOTTOM", "10;20;40;80"),
        ("x1\ty1\tx2\ty2", "10\t20\t40\t80"),
        ("x1,y1,x2,y2", "10.4,19.6,40.0,79.5000001"),
        ("left,top,width,height", "10,20,30,60"),
        ("x,y,w,h", "10.2,19.9,30.1,60.1"),
        ("h,w,y,x", "60,30,20,10"),
        ("left,top,right,bottom,width,height", "10,20,40,80,1920,1080"),
        ("x1,y1,right,bottom", "1e1,20,40,80"),
    ],
)
def test_forms_of_boxes(tmp_path, header, cells):
    """Corners or sizes, by any of their names, also as fractions; corners go before sizes, which may be the frame's."""
    between = next(c for c in ",;\t" if c in header)
    found = read(write(tmp_path, f"path{between}{header}\nf.jpg{between}{cells}\n"))

    assert found.boxes == [(10, 20, 40, 80)]


def test_boxes_may_be_missing_or_reach_out(tmp_path):
    """Four empty cells are the whole picture; the frame's size is not known here, only where it begins."""
    found = read(write(tmp_path, "path,x,y,w,h\nf.jpg,,,,\nf.jpg,-5,-5,10,10\nf.jpg,100000,0,9,9\n"))

    assert found.boxes == [None, (-5, -5, 5, 5), (100000, 0, 100009, 9)]


def test_sizes_of_frames_are_no_boxes(tmp_path):
    """Width and height alone say nothing of a part."""
    assert read(write(tmp_path, "path,width,height\na.jpg,640,480\n")).boxes == []


def test_all_mistakes_at_once(tmp_path):
    """Line, column as the table calls it, what was found."""
    text = (
        "path,X1,y1,x2,y2,camera,time\n"
        ",0,0,9,9,1,1\n"
        "a.jpg,9,0,9,9,c1,1\n"
        "b.jpg,0,9,9,0,1,noon\n"
        "c.jpg,0,0,,9,1,1\n"
        "d.jpg,zero,0,9,nan,1,1\n"
        "e.jpg,-9,0,0,9,1,1\n"
        "f.jpg,0,0,1e9,9,1,1\n"
    )

    assert refused(tmp_path, text) == [
        "2:path: wanted the path of an image, found ''",
        "3:camera: wanted a whole number from 0 to 999999999 or nothing, found 'c1'",
        "3:x2: the box is empty or reversed: it reaches from 9 to 9 pixels",
        "4:time: 'noon' is no time; write 2026-03-01, 2026-03-01T08:30, 2026-03-01T08:30+01:00, or a number",
        "4:y2: the box is empty or reversed: it reaches from 9 to 0 pixels",
        "5:x2: wanted pixels, a number, found nothing",
        "6:X1: wanted pixels, a number, found 'zero'",
        "6:y2: wanted pixels, a number, found 'nan'",
        "7:x2: the box lies outside the frame: it ends at 0 pixels",
        "8:x2: wanted pixels, a number, found '1e9'",
    ]


def test_two_identities_of_one_crop(tmp_path):
    """A mistake for the same file, or the same box of it, and for no other."""
    assert refused(tmp_path, "path,identity\na.jpg,1\nb.jpg,2\nx/../a.jpg,1\na.jpg,3\na.jpg,\n") == [
        "5:identity: found '3', but the same crop is '1' on line 2",
        "6:identity: found 'None', but the same crop is '1' on line 2",
    ]
    boxes = "path,identity,x,y,w,h\nf.jpg,1,0,0,9,9\nf.jpg,2,1,0,9,9\nf.jpg,1,0,0,9,9\n"
    assert read(write(tmp_path, boxes)).identities == ["1", "2", "1"]
    assert len(refused(tmp_path, boxes + "f.jpg,2,0,0,9,9\n")) == 1


@pytest.mark.parametrize("header", ["left,top", "x1,y1,x2", "right,bottom", "x,y,w", "x"])
def test_half_a_box(tmp_path, header):
    """The columns that are needed are named."""
    (line,) = refused(tmp_path, f"path,{header}\n")
    assert line.startswith(
        "1: a box needs the columns left, top, right, bottom, or left, top, width, height; found path,"
    )


def test_no_path(tmp_path):
    """The nearest column is named."""
    assert refused(tmp_path, "paths,identity\na,b\n") == [
        "1: there is no column 'path'; did you mean 'paths'? Found the columns paths, identity"
    ]
    with pytest.raises(MissingInputError):
        read(tmp_path / "none.csv")


def test_parquet(tmp_path):
    """The same from typed columns with holes."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table(
        {"path": ["f.jpg", "f.jpg"], "camera": [2.0, None], "time": [1.5, None], "x1": [0.0, None], "y1": [1.0, None],
         "x2": [20.6, None], "y2": [30.0, None]}
    )  # fmt: skip
    parquet.write_table(table, tmp_path / "t.parquet")
    found = read(tmp_path / "t.parquet")

    assert (found.boxes, found.cameras, found.times) == ([(0, 1, 21, 30), None], [2, None], [1.5, None])
    assert found.lines == [1, 2]


CELLS = st.sampled_from(
    ["", "a.jpg", "1", "-1", "2.5", "nan", "1e400", "inf", '"', "x", "é", "\udcff", "2026-01-01", ",", "\n", "9" * 30]
)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(["path", "identity", "camera", "time", "x", "y", "w", "h", "x2", "y2", ""]), max_size=8),
    st.lists(st.lists(CELLS, max_size=8), max_size=5),
)
def test_any_table_is_read_or_refused(tmp_path_factory, header, rows):
    """A9: whatever stands in it, boxes have an inside and times are finite, or it is bad data; never anything else."""
    file = tmp_path_factory.getbasetemp() / "any.csv"
    text = "\n".join([",".join(["path", *header]), *(",".join(["a.jpg", *row]) for row in rows)])
    file.write_text(text, encoding="utf-8", errors="surrogateescape")
    try:
        found = read(file)
    except DataError:
        return

    assert len(found.paths) == len(found.lines)
    assert all(box is None or (box[0] < box[2] and box[1] < box[3]) for box in found.boxes)
    assert all(time is None or np.isfinite(time) for time in found.times)
    assert all(camera is None or camera >= 0 for camera in found.cameras)
