"""Which model reid-eval scores."""

from pathlib import Path

import exports
import pytest
import whole_runs

from reid.cli.scored import is_exported, to_score
from reid.config import Config
from reid.errors import MissingInputError


def test_a_run_brings_its_settings_and_its_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The report goes into the run."""
    made = whole_runs.trained(tmp_path_factory)
    found = to_score(made.run)

    assert (found.path, found.home) == (made.run, made.run)
    assert found.config.data.dataset == "market1501"
    assert found.config.division.learners == 2


def test_a_file_brings_its_dataset(tmp_path_factory: pytest.TempPathFactory) -> None:
    """All else is as usual, and the report goes beside the file."""
    made = exports.exported(tmp_path_factory)
    found = to_score(made.float32)

    assert found.path == made.float32
    assert found.home == made.float32.with_name("model-report")
    assert found.config.data.dataset == "patches"
    assert found.config.evaluate == Config().evaluate


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    """Files and folders."""
    assert is_exported(Path("a/B.ONNX"))
    assert not is_exported(tmp_path)
    for name in ("none", "none.onnx"):
        with pytest.raises(MissingInputError, match=name):
            to_score(tmp_path / name)
