"""The package's own names."""

import importlib.metadata
import subprocess
import sys

import pytest

import reid


@pytest.mark.parametrize("name", reid.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    """What the package offers can be had from it, and says what it is."""
    found = getattr(reid, name)

    assert found.__doc__
    assert name in dir(reid)


def test_import_is_quick() -> None:
    """`import reid` loads nothing heavy, not even numpy; names do, when they are used."""
    script = (
        "import sys, reid; before = set(sys.modules); reid.Records; print('numpy' in before, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "True"]


def test_version_is_the_installed_one() -> None:
    """One number, written down in setup.py."""
    assert reid.__version__ == importlib.metadata.version("reid-toolkit")


def test_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="module 'reid' has no attribute 'nothing'"):
        reid.nothing  # noqa: B018
