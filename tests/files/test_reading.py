"""Reading files, and the errors of it."""

from pathlib import Path

import pytest

from reid import files
from reid.errors import ArtefactError, MissingInputError


def test_reads_all_or_the_beginning(tmp_path: Path) -> None:
    """The whole content, or as many bytes as asked for: enough to refuse a file that is too large."""
    (tmp_path / "x").write_bytes(b"12345")

    assert files.read_bytes(tmp_path / "x") == b"12345"
    assert files.read_bytes(tmp_path / "x", 3) == b"123"
    assert files.read_bytes(Path("/dev/zero"), 3) == b"\0\0\0"


def unseal(path: Path) -> None:
    """Open a sealed file."""
    with files.unsealing(path):
        pass


@pytest.mark.parametrize("read", [files.read_bytes, files.read_json, unseal, files.sha256])
@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("missing", "No such file"),
        (".", "Is a directory"),
        ("file/x", "Not a directory"),
        ("n" * 300, "too long"),
        ("a\0b", "null"),
        ("a\n\x1b\udcff", "No such file"),
    ],
)
def test_what_cannot_be_read_is_missing_input(where: str, reason: str, read: object, tmp_path: Path) -> None:
    """Exit code 66 with the path, on one line, and the system's reason."""
    (tmp_path / "file").write_text("")

    with pytest.raises(MissingInputError, match=f"(?i)^cannot read /.*: .*{reason}") as caught:
        read(tmp_path / where)  # type: ignore[operator]
    assert str(caught.value).isprintable()


def test_failing_disk_is_another_error() -> None:
    """Exit code 74 when the file is there and reading fails all the same; address 0 of this process is not readable."""
    with pytest.raises(ArtefactError, match="cannot read /proc/self/mem: Input/output error"):
        files.read_bytes(Path("/proc/self/mem"))
