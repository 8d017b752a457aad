"""Files that prove that nothing changed."""

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from damage import mutants
from hypothesis import given, settings
from hypothesis import strategies as st

from reid import files
from reid.errors import ArtefactError

CONTENT = b"\x00content\xff\n" * 5
VALUE = {"kind": "test", "share": 0.25, "names": ["\udcff", None], "inner": {"one": 1}}
TEXT = "a: 1\nb: é\udcff\n"


def test_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    """The hexadecimal sum that `sha256sum` prints."""
    (tmp_path / "x").write_bytes(b"abc")

    assert files.sha256(tmp_path / "x") == hashlib.sha256(b"abc").hexdigest()
    for size in (0, 2**22 - 1, 2**22, 2**23 + 5):  # it is read in parts
        (tmp_path / "x").write_bytes(bytes(size))
        assert files.sha256(tmp_path / "x") == hashlib.sha256(bytes(size)).hexdigest()


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\udc80\udcff")))
@settings(deadline=None, max_examples=20)
def test_signed_text_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Any text, also one with names that are no UTF-8, or without a line end."""
    path = tmp_path_factory.mktemp("signed") / "x"
    files.write_signed_text(path, text)

    assert files.read_signed_text(path) == text


def test_signature_is_a_comment_on_a_line_of_its_own(tmp_path: Path) -> None:
    """The text stays YAML for other programs."""
    files.write_signed_text(tmp_path / "x", TEXT)

    *lines, last = (tmp_path / "x").read_text("utf-8", "surrogateescape").splitlines()
    assert lines == TEXT.splitlines()
    assert last == f"# sha256 of the lines above: {hashlib.sha256(TEXT.encode('utf-8', 'surrogateescape')).hexdigest()}"


def test_signed_mappings_come_back(tmp_path: Path) -> None:
    """What went in, what is not a number as None; the file is JSON with one more field; a list is no such file."""
    files.write_signed_json(tmp_path / "x", {**VALUE, "nothing": float("nan")})

    assert files.read_signed_json(tmp_path / "x") == {**VALUE, "nothing": None}
    assert files.read_json(tmp_path / "x").keys() == VALUE.keys() | {"nothing", "sha256"}
    files.write_json(tmp_path / "x", [VALUE])
    with pytest.raises(ArtefactError, match="x was changed or damaged"):
        files.read_signed_json(tmp_path / "x")


def write_folder(path: Path) -> None:
    """A folder of two files with a manifest, and a folder inside that it does not list."""
    with files.new_folder(path) as folder:
        (folder / "vectors").write_bytes(CONTENT)
        (folder / "empty").write_bytes(b"")
        (folder / "pictures").mkdir()
        files.write_manifest(folder, {"kind": "test", "share": 0.25, "nothing": float("nan"), "name": "\udcff"})


def test_manifest_says_what_was_said_and_lists_the_files(tmp_path: Path) -> None:
    """Fields come back, what is not a number as None, with size and sum of every file beside it."""
    write_folder(tmp_path / "x")

    found = files.read_manifest(tmp_path / "x")
    assert found.pop("files") == {
        "empty": {"bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()},
        "vectors": {"bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()},
    }
    assert found == {"kind": "test", "share": 0.25, "nothing": None, "name": "\udcff"}


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A folder that lost a file is not read in part."""
    write_folder(tmp_path / "x")
    (tmp_path / "x" / "empty").unlink()

    with pytest.raises(ArtefactError, match=r"x/empty is missing although manifest\.json lists it"):
        files.read_manifest(tmp_path / "x")


KINDS: dict[str, tuple[Callable[[Path], None], Callable[[Path], object], str]] = {
    "signed JSON": (lambda path: files.write_signed_json(path, VALUE), files.read_signed_json, ""),
    "signed": (lambda path: files.write_signed_text(path, TEXT), files.read_signed_text, ""),
    "manifest": (write_folder, files.read_manifest, "manifest.json"),
    "listed file": (write_folder, files.read_manifest, "vectors"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_damage_goes_unseen(kind: str, tmp_path: Path) -> None:
    """D4: each of 400 damaged copies is refused with the file's name, or reads as before where the damage means nothing.

    White space in JSON and at the end of a text means nothing.
    """
    write, read, name = KINDS[kind]
    write(tmp_path / "x")
    damaged = tmp_path / "x" / name if name else tmp_path / "x"
    original, before, refused = damaged.read_bytes(), read(tmp_path / "x"), 0
    for mutant in mutants(original, 400):
        damaged.unlink()
        damaged.write_bytes(mutant)
        with contextlib.suppress(ArtefactError):
            assert read(tmp_path / "x") == before
            continue
        refused += 1
        with pytest.raises(ArtefactError, match=damaged.name):
            read(tmp_path / "x")

    assert refused > 380
