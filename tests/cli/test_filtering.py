"""Filter options as a condition."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from reid.cli.filtering import filter_options, filters, identity_named, where
from reid.errors import GalleryError
from reid.gallery.filters import Where


def condition(*arguments):
    """What a command with the options makes of them."""
    made = []

    @click.command()
    @filter_options
    @click.option("-k", "count", default=3)
    def command(**options):
        made.append(where(filters(options)))
        assert options == {"count": 3}

    done = CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    return made[0] if made else done


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((), Where()),
        (("--camera", "2", "--camera", "0"), Where(cameras=(2, 0))),
        (("--not-camera", "3"), Where(not_cameras=(3,))),
        (("--since", "2026-03-01", "--until", "5e9"), Where(since=1772323200.0, until=5e9)),
        (("--identity", "car", "--identity", "unknown"), Where(identities=("car", "unknown", None))),
        (("--source", "street"), Where(sources=("street", str(Path.cwd() / "street")))),
        (("--path", "crops/../a"), Where(paths=(str(Path.cwd() / "a"),))),
        (("--id", "7"), Where(ids=(7,))),
    ],
)
def test_options(arguments, wanted):
    """Each, and repeated ones together."""
    assert condition(*arguments) == wanted


def test_a_wrong_time():
    """Is told as in Python."""
    with pytest.raises(GalleryError, match="'soon' is no time"):
        condition("--since", "soon")


@pytest.mark.parametrize(("name", "wanted"), [("car", "car"), ("unknown", None), ("", None)])
def test_names_of_identities(name, wanted):
    """What a table of hits calls unknown is said so as well."""
    assert identity_named(name) == wanted
