"""`reid-embed` as people meet it first."""

import pytest
from click.testing import CliRunner

from reid.cli.embed import command


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "a/b", "1/0", "-1/2"])
def test_a_shard_that_is_none(shard):
    """Is wrong usage, before any work."""
    done = CliRunner().invoke(command, ["images", "--out", "e", "--shard", shard])

    assert done.exit_code == 2
    assert "wanted i/n with i from 1 to n" in done.output
