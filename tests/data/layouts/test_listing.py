import pytest

from reid.data.layouts.listing import Rows, inside, numbered_lines, unreadable
from reid.errors import DataError, MissingInputError


def test_rows_are_selected_in_all_columns():
    """Order and repetition follow the positions."""
    rows = Rows(["a", "b"], ["1", "2"], [3, 4], [0.5, 1.5], {"colour": ["red", "blue"]})

    chosen = rows.select([1, 0, 1])

    assert chosen == Rows(
        ["b", "a", "b"], ["2", "1", "2"], [4, 3, 4], [1.5, 0.5, 1.5], {"colour": ["blue", "red", "blue"]}
    )
    assert len(chosen) == 3


def test_rows_without_some_identities():
    """What is left keeps its order; nothing to drop gives back the same rows."""
    rows = Rows(["a", "b", "c"], ["1", "-1", "2"])

    assert rows.without(frozenset({"-1"})) == Rows(["a", "c"], ["1", "2"])
    assert rows.without(frozenset({"7"})) is rows


def test_lines_are_numbered_as_in_an_editor(tmp_path):
    """Blank lines count, byte order mark and line endings of Windows do not disturb, odd bytes survive."""
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbffirst 1\r\n\r\n  third\xff 3  \n\x0cfourth 4")

    assert list(numbered_lines(path)) == [(1, "first 1"), (3, "third\udcff 3"), (4, "fourth 4")]


def test_a_missing_list_is_missing_input(tmp_path):
    """Exit code 66 with the path."""
    with pytest.raises(MissingInputError, match=r"none\.txt"):
        list(numbered_lines(tmp_path / "none.txt"))


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.jpg", "a/../../x.jpg", "..", ".", "a\0b.jpg"])
def test_paths_that_leave_the_dataset_are_refused(path):
    """A list cannot make us read other files of the machine."""
    with pytest.raises(DataError, match=r"list\.txt:3: path .* leads out of the dataset's folder"):
        inside(path, "list.txt:3")


@pytest.mark.parametrize(
    ("path", "simple"), [("./a//b.jpg", "a/b.jpg"), ("a/x/../b.jpg", "a/b.jpg"), ("..a/...jpg", "..a/...jpg")]
)
def test_paths_inside_are_simplified(path, simple):
    """One file has one spelling."""
    assert inside(path, "list.txt:3") == simple


def test_an_unreadable_line_is_shown_safely(tmp_path):
    """Control characters of a line never reach the terminal."""
    error = unreadable(tmp_path / "list.txt", 7, "\x1b[31mred", "<name> <id>")

    assert "list.txt:7: wanted '<name> <id>'" in str(error)
    assert "\x1b" not in str(error)
