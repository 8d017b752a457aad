"""What is installed, and the commands that install, check and show it."""

import ast
import fnmatch
import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SETUP = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
CONSTANTS: dict[str, Any] = {
    node.targets[0].id: ast.literal_eval(node.value)
    for node in SETUP.body
    if isinstance(node, ast.Assign)
    and isinstance(node.targets[0], ast.Name)
    and node.targets[0].id.isupper()
    and node.targets[0].id != "HERE"
}


def argument(name: str) -> Any:
    """What setup() is given."""
    (call,) = (node for node in ast.walk(SETUP) if isinstance(node, ast.Call) and ast.unparse(node.func) == "setup")
    return ast.literal_eval(next(keyword.value for keyword in call.keywords if keyword.arg == name))


def distributions(requirements: list[str]) -> set[str]:
    """Names of distributions, in the spelling in which names are compared."""
    return {re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower() for requirement in requirements}  # type: ignore[index]


@pytest.mark.parametrize("name", CONSTANTS["COMMANDS"])
def test_every_command_has_its_module(name: str) -> None:
    """reid-NAME is reid.cli.NAME:main, which `python -m reid.cli.NAME` runs too."""
    main = importlib.import_module(f"reid.cli.{name}").main
    source = (ROOT / "reid" / "cli" / f"{name}.py").read_text(encoding="utf-8")

    assert callable(main)
    assert 'if __name__ == "__main__":\n    main()\n' in source
    assert f"reid-{name}" in {script.name for script in importlib.metadata.distribution("reid-toolkit").entry_points}


@pytest.mark.parametrize("kind", ["configs", "datasets"])
def test_every_card_and_recipe_is_installed(kind: str) -> None:
    """The folder is mapped to a package whose patterns match all its files, in the wheel and in the source archive."""
    package = f"reid._shipped.{kind}"
    patterns = argument("package_data")[package]
    files = [path.name for path in (ROOT / kind).iterdir() if path.is_file() and not path.name.startswith(".")]

    assert argument("package_dir")[package] == kind
    assert [name for name in files if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns)] == []
    assert f"recursive-include {kind} *.yaml" in (ROOT / "MANIFEST.in").read_text(encoding="utf-8")


def test_every_folder_of_modules_is_a_package() -> None:
    """A folder without __init__.py would be missing from the wheel."""
    folders = {path.parent for path in (ROOT / "reid").rglob("*.py")}

    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_source_archive_names_what_is_there() -> None:
    """MANIFEST.in mentions no file that does not exist."""
    lines = (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines()
    named = [name for line in lines if line.startswith("include ") for name in line.split()[1:]]
    named += [line.split()[1] for line in lines if line.startswith("recursive-include ")]

    assert [name for name in named if not (ROOT / name).exists()] == []


def test_everything_imported_is_required() -> None:
    """No module works only because something else happens to install what it imports."""
    provided = importlib.metadata.packages_distributions()
    required = distributions(
        [*CONSTANTS["REQUIRED"], *(name for names in CONSTANTS["EXTRAS"].values() for name in names)]
    )
    imported = {
        alias.split(".")[0]
        for path in (ROOT / "reid").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for alias in (
            [name.name for name in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    foreign = imported - sys.stdlib_module_names - {"reid"}

    assert [name for name in sorted(foreign) if not distributions(provided.get(name, ["missing"])) & required] == []


def test_versions_agree() -> None:
    """The number in setup.py is the newest one in the changelog, if any was released."""
    released = re.findall(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert re.fullmatch(r"\d+\.\d+\.\d+", CONSTANTS["VERSION"])
    assert released[:1] in ([], [CONSTANTS["VERSION"]])


def test_unmaintained_library_is_pinned() -> None:
    """Albumentations gets no more fixes: another version is another library."""
    assert [name for name in CONSTANTS["REQUIRED"] if name.startswith("albumentations")] == ["albumentations==2.0.8"]


@pytest.mark.parametrize("target", ["demo", "test", "lint", "types", "format", "bench", "clean"])
def test_make_knows_what_the_readme_promises(target: str) -> None:
    """Each target is described by `make help`, and make finds all it depends on."""
    planned = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    described = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert planned
    assert f"make {target} " in described


def test_gate_runs_everything() -> None:
    """.ci/run can be run, is right shell, and calls suite, lint, types and demo."""
    gate = ROOT / ".ci" / "run"
    subprocess.run(["bash", "-n", gate], check=True)

    assert os.access(gate, os.X_OK)
    assert [
        name
        for name in ("make test", "make lint", "make types", "make demo", "-m build")
        if name not in gate.read_text()
    ] == []


@pytest.mark.parametrize(
    "name", ["Makefile", ".ci/run", ".ci/check_wheel.py", ".pre-commit-config.yaml", "setup.py", "pyproject.toml"]
)
def test_set_up_names_no_host(name: str) -> None:
    """Packages come from where pip is told to get them, hooks from the environment."""
    content = (ROOT / name).read_text(encoding="utf-8")

    assert "://" not in content
    assert "index-url" not in content
