"""A small model and a few pictures, for all tests of embedding."""

from pathlib import Path

import pytest
import small_runs

from reid.embed import Embedder, load_embedder
from reid.model.store import save_model
from reid.records import Records


@pytest.fixture(scope="package")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """A few pictures in files."""
    return small_runs.patches(tmp_path_factory.mktemp("patches"), identities=4, each=3)


@pytest.fixture(scope="package")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model."""
    folder, network = tmp_path_factory.mktemp("run"), small_runs.network()
    save_model(folder, network, small_runs.description(network.architecture))
    return folder


@pytest.fixture
def embedder(run: Path) -> Embedder:
    """The model of the folder."""
    return load_embedder(run, device="cpu")
