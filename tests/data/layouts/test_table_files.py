import sys

import pytest

from reid.data.layouts.table_files import camera_in, read_table, refuse
from reid.errors import ConfigError, DataError, MissingInputError


def write(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_cells_come_with_the_line_they_begin_on(tmp_path, delimiter):
    """Quoted newlines, quoted delimiters, blank lines and a byte order mark."""
    lines = ["\ufeffpath; identity ", '"a;\nb.jpg";7', "", 'c.jpg;"8 ""x"""']
    path = write(tmp_path, "\r\n".join(lines).replace(";", delimiter).encode())

    table = read_table(path)

    assert table.header == ["path", "identity"]
    assert table.lines == [2, 5]
    assert table.rows == [[f"a{delimiter}\nb.jpg", "7"], ["c.jpg", '8 "x"']]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the table is empty"),
        (b"\n\n", "the table is empty"),
        (b"path,identity\na.jpg\n", r"t.csv:2: 1 cells, but the header has 2"),
        (b"path,identity\na.jpg,1\nb.jpg,2,3\n", r"t.csv:3: 3 cells"),
        (b'path,identity\n"a.jpg,1\n', r"t.csv:2: not readable as CSV"),
        (b"path,identity,path\n", r"two columns named 'path'"),
        ("path,identity\na,1\n".encode("utf-16"), "this is UTF-16; save it as UTF-8"),
        (b"path,identity\n" + b"x" * 200_000 + b",1\n", "not readable as CSV: field larger"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(tmp_path, content, words):
    """Exit code 65 with file and line."""
    with pytest.raises(DataError, match=words):
        read_table(write(tmp_path, content))


def test_bytes_that_are_no_text_survive(tmp_path):
    """A path of arbitrary bytes is kept as the file system spells it."""
    assert read_table(write(tmp_path, b"path,identity\n\xff.jpg,1\n")).rows == [["\udcff.jpg", "1"]]


def test_parquet_cells_become_text(tmp_path):
    """Numbers, missing values and words; rows count from 1."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table({"path": ["a.jpg", "b.jpg"], "identity": [3, None], "camera": [1.0, 2.0]}), path)

    table = read_table(path)

    assert table.header == ["path", "identity", "camera"]
    assert table.rows == [["a.jpg", "3", "1.0"], ["b.jpg", "", "2.0"]]
    assert table.lines == [1, 2]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1"])
def test_damaged_parquet_is_refused(tmp_path, content):
    """Exit code 65."""
    pytest.importorskip("pyarrow")

    with pytest.raises(DataError, match=r"t.parquet: not readable as Parquet"):
        read_table(write(tmp_path, content, "t.parquet"))


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    """Parquet is optional, and the message says how to get it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(ConfigError, match=r"pip install 'reid-toolkit\[parquet\]'"):
        read_table(write(tmp_path, b"PAR1", "t.parquet"))


def test_a_missing_table_is_missing_input(tmp_path):
    """Exit code 66."""
    with pytest.raises(MissingInputError):
        read_table(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("cell", "camera"), [("3", 3), (" 12.0 ", 12), ("0", 0), ("", None), ("-1", None), ("nan", None)]
)
def test_cameras_in_cells(cell, camera):
    """Whole numbers, also as a spreadsheet writes them; nothing where none is known."""
    assert camera_in(cell) == camera


@pytest.mark.parametrize("cell", ["1.5", "c1", "-2", "1e3", "1234567890", "None"])
def test_what_is_no_camera(cell):
    """Everything else is a mistake that says what was found."""
    with pytest.raises(ValueError, match=f"found '{cell}'"):
        camera_in(cell)


@pytest.mark.parametrize("count", [1, 20, 21, 500])
def test_all_mistakes_at_once(tmp_path, count):
    """The first 20 with the file before them, and how many more there are."""
    with pytest.raises(DataError) as caught:
        refuse(tmp_path / "t.csv", [f"{line}:path: wrong" for line in range(count)])
    lines = str(caught.value).split("\n")

    assert lines[: min(count, 20)] == [f"{tmp_path}/t.csv:{line}:path: wrong" for line in range(min(count, 20))]
    assert lines[20:] == ([f"and {count - 20} more mistakes"] if count > 20 else [])
    refuse(tmp_path / "t.csv", [])
