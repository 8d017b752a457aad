"""Where recipes and cards are found."""

import shutil
from pathlib import Path

import pytest

from reid import shipped
from reid.errors import ArtefactError

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("kind", ["configs", "datasets"])
def test_names_are_those_of_the_checkout(kind: str) -> None:
    """Every YAML file of the folder is known by its name, sorted."""
    assert shipped.names(kind) == sorted(path.stem for path in (CHECKOUT / kind).glob("*.yaml"))
    assert shipped.names(kind)


@pytest.mark.parametrize("kind", ["configs", "datasets"])
def test_installed_copy_wins(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an installed package the copy inside is read, whatever lies beside site-packages."""
    package = tmp_path / "reid"
    shutil.copytree(CHECKOUT / kind, package / "_shipped" / kind)
    (tmp_path / kind).mkdir()
    (tmp_path / kind / "stranger.yaml").write_text("")
    (tmp_path / "setup.py").write_text("")
    monkeypatch.setattr(shipped, "_PACKAGE", package)

    assert shipped.folder(kind) == package / "_shipped" / kind
    assert "stranger" not in shipped.names(kind)


@pytest.mark.parametrize("kind", ["configs", "datasets"])
def test_a_strangers_folder_is_not_ours(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `datasets` folder beside the package without our setup.py belongs to somebody else."""
    (tmp_path / kind).mkdir()
    (tmp_path / kind / "stranger.yaml").write_text("")
    monkeypatch.setattr(shipped, "_PACKAGE", tmp_path / "reid")

    with pytest.raises(ArtefactError, match=f"{kind}/ folder is missing.*install reid-toolkit again"):
        shipped.folder(kind)
