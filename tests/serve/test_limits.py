"""Bounds are checked when they are set."""

import pytest

from reid.errors import ConfigError
from reid.serve.limits import Limits


def test_uploads_that_can_be_no_pictures():
    """A limit below any picture is a mistake of whoever set it."""
    with pytest.raises(ConfigError, match="999 bytes"):
        Limits(upload=999)


def test_all_bodies_fit_one():
    """The bodies of all requests together may be at least as large as one."""
    assert Limits().uploads >= Limits().upload
