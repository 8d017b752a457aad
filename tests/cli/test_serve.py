"""`reid-serve` as people meet it first."""

import click
from click.testing import CliRunner

from reid.cli.serve import command


def test_help():
    """Every option has words, and the default is this machine alone."""
    shown = CliRunner().invoke(command, ["--help"])

    assert shown.exit_code == 0
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    assert "127.0.0.1" in shown.output


def test_wrong_options():
    """Are told before anything is loaded."""
    for options in (["--port", "70000"], ["--upload-limit", "0"], []):
        assert CliRunner().invoke(command, [*(["g"] if options else []), *options]).exit_code == 2
