"""Run folders and devices, by name."""

from pathlib import Path

import pytest

from reid.embed import choose_device, load_embedder
from reid.errors import ConfigError


def test_devices(run: Path) -> None:
    """ "auto" exists everywhere; one that does not says what to do."""
    assert choose_device("auto").type in {"cpu", "cuda"}
    assert choose_device("cpu").type == "cpu"
    for name in ("cud", "cuda:99", "mps:7", ""):
        with pytest.raises(ConfigError, match="cannot be used here; use cpu, or leave --device out"):
            load_embedder(run, device=name)
