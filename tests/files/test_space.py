"""Room on the disk."""

import os
from pathlib import Path

import pytest

from reid import files
from reid.errors import ArtefactError
from reid.files import space


def test_free_space_is_that_of_the_disk(tmp_path: Path) -> None:
    """What the system says of the disk that a path is on, or would be on."""
    system = os.statvfs(tmp_path)

    for path in (tmp_path, tmp_path / "new", tmp_path / "new" / "deep"):
        assert files.free_space(path) == pytest.approx(system.f_bavail * system.f_frsize, rel=0.01)


def test_unknown_space_refuses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not say how much is free, writing is tried."""
    (tmp_path / "file").write_text("")

    assert files.free_space(tmp_path / "file" / "x") is None
    files.require_space(tmp_path / "file" / "x", 10**18)


def test_what_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the file, what it takes and what there is; what just fits is let through."""
    monkeypatch.setattr(space, "free_space", lambda _path: 5_000_000)
    files.require_space(tmp_path / "x", 5_000_000)
    with pytest.raises(ArtefactError, match=r"x: it takes 312\.5 MB, and 5\.0 MB are free .*; make room"):
        files.require_space(tmp_path / "x", 312_500_000)
