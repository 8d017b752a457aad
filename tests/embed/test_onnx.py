"""Exported models."""

from pathlib import Path

import pytest

from reid.embed import load_embedder
from reid.errors import ConfigError


def test_exported_models_are_told_apart_by_their_suffix(tmp_path: Path) -> None:
    """An ONNX file is not mistaken for a run folder."""
    with pytest.raises(ConfigError, match=r"model\.onnx cannot be read here"):
        load_embedder(tmp_path / "model.onnx", device="cpu")
