"""`reid-gallery` as people meet it first."""

import click
import pytest
from click.testing import CliRunner

from reid.cli.gallery import command

COMMANDS = sorted(command.commands)


def test_all_commands_are_there():
    """Those of the design, and what galleries need besides."""
    assert COMMANDS == [
        "add",
        "check",
        "compact",
        "copy",
        "create",
        "export",
        "info",
        "label",
        "merge",
        "migrate",
        "remove",
        "search",
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name):
    """Says what the command does and takes; every option has words."""
    shown = CliRunner().invoke(command, [name, "--help"])

    assert shown.exit_code == 0
    assert all(option.help for option in command.commands[name].params if isinstance(option, click.Option))
    assert "--json" in shown.output
