import os
from collections import Counter

import pytest

from reid.data.layouts.tree import absent, scan, subfolders
from reid.errors import MissingInputError


def write(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_what_is_no_image_is_passed_over_by_rule_and_counted(tmp_path):
    """Hidden files, system files, other endings, folders and dead links are each counted under their reason."""
    write(
        tmp_path,
        "b.JPG",
        "a.jpeg",
        "Thumbs.db",
        ".DS_Store",
        "._a.jpg",
        "a.jpg.txt",
        "jpg",
        "notes",
        "deep/c.png",
        ".git/d.png",
        "desktop.ini",
    )
    (tmp_path / "dead.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "live.png").symlink_to(tmp_path / "a.jpeg")
    os.mkfifo(tmp_path / "pipe.png")
    skipped = Counter()

    found = scan(tmp_path, "", skipped)

    assert found == ["a.jpeg", "b.JPG", "live.png"]
    assert skipped == {
        "hidden": 3,
        "system file": 2,
        "not an image": 3,
        "folder": 1,
        "link to nothing or special file": 2,
    }


def test_a_deep_scan_enters_folders_but_no_circle(tmp_path):
    """Links to a folder above do not send the walk round for ever."""
    write(tmp_path, "set/a.png", "set/one/b.png", "set/one/two/c.png")
    (tmp_path / "set" / "one" / "back").symlink_to(tmp_path / "set" / "one", target_is_directory=True)
    skipped = Counter()

    found = scan(tmp_path, "set", skipped, deep=True)

    assert found == ["set/a.png", "set/one/b.png", "set/one/two/c.png"]
    assert skipped == {"folder": 1}


def test_subfolders_are_sorted_and_loose_images_counted(tmp_path):
    """An image beside the identity folders belongs to nobody."""
    write(tmp_path, "b/1.png", "a/1.png", "loose.png", ".cache/x.png", "__MACOSX/a.png", "readme.txt")
    skipped = Counter()

    assert subfolders(tmp_path, "", skipped) == ["a", "b"]
    assert skipped == {"image outside an identity folder": 1, "hidden": 1, "system file": 1, "not an image": 1}


def test_absent_names_exactly_the_files_that_are_not_there(tmp_path):
    """Missing files, missing folders, folders in a file's place, dead links and absolute paths."""
    write(tmp_path, "a/1.png", "a/2.png", "top.png")
    (tmp_path / "a" / "folder.png").mkdir()
    (tmp_path / "a" / "dead.png").symlink_to(tmp_path / "nowhere")
    absolute = str(tmp_path / "a" / "2.png")
    paths = [
        "a/1.png",
        "a/3.png",
        "b/1.png",
        "top.png",
        "a/folder.png",
        "a/dead.png",
        absolute,
        f"{absolute}x",
        "a/" + "n" * 300,
    ]

    assert absent(tmp_path, paths) == [
        "a/3.png",
        "b/1.png",
        "a/folder.png",
        "a/dead.png",
        f"{absolute}x",
        "a/" + "n" * 300,
    ]


def test_names_that_are_no_text_survive(tmp_path):
    """A file name of arbitrary bytes comes back as the same file."""
    name = os.fsdecode(b"\xff\xfe \xe4.png")
    write(tmp_path, name)

    found = scan(tmp_path, "", Counter())

    assert found == [name]
    assert not absent(tmp_path, found)
    assert (tmp_path / found[0]).read_bytes() == b"x"


def test_a_missing_folder_is_missing_input(tmp_path):
    """The folder is named."""
    with pytest.raises(MissingInputError, match=r"query: No such file"):
        scan(tmp_path, "query", Counter())
