"""Exported models."""

from pathlib import Path

import pytest

from reid.embed import load_embedder
from reid.errors import MissingInputError


def test_exported_models_are_told_apart_by_their_suffix(tmp_path: Path) -> None:
    """An ONNX file is not mistaken for a run folder."""
    with pytest.raises(MissingInputError, match=r"there is no model .*model\.onnx"):
        load_embedder(tmp_path / "model.onnx", device="cpu")
