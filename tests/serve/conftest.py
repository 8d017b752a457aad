"""One server for most tests; whoever changes its gallery puts it back."""

from collections.abc import Iterator

import pytest
import served as servers


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server of 24 drawn pictures, six identities."""
    with servers.server(tmp_path_factory.mktemp("served")) as one:
        yield one
