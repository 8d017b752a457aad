"""Run folders and devices, by name."""

from pathlib import Path

import pytest
import small_runs
import torch

from reid.embed import choose_device, load_embedder
from reid.errors import ConfigError


def test_devices(run: Path) -> None:
    """ "auto" exists everywhere; one that does not says what to do."""
    assert choose_device("auto").type in {"cpu", "cuda"}
    assert choose_device("cpu").type == "cpu"
    for name in ("cud", "cuda:99", "mps:7", ""):
        with pytest.raises(ConfigError, match="cannot be used here; use cpu, or leave --device out"):
            load_embedder(run, device=name)


def test_precision_and_averaging(run: Path, tmp_path: Path) -> None:
    """bfloat16 is nearly the same model, and counts as it; averaging makes another; exported files have their own."""
    pictures = list(small_runs.pictures(3).numpy())
    plain = load_embedder(run, device="cpu")
    rough = load_embedder(run, device="cpu", precision="bf16")
    both = load_embedder(run, device="cpu", flip=True, crops=5)

    assert rough.fingerprint == plain.fingerprint
    assert rough.model.precision is torch.bfloat16
    assert 0.99 < (rough.embed(pictures) * plain.embed(pictures)).sum(axis=1).min() < 1 - 1e-7
    assert both.averaging == {"flip": True, "crops": 5}
    assert both.fingerprint == plain.averaged(flip=True, crops=5).fingerprint
    with pytest.raises(ConfigError, match="precision 'int4' is not known; there are fp32, bf16"):
        load_embedder(run, precision="int4")
    with pytest.raises(ConfigError, match=r"model\.onnx has a precision of its own"):
        load_embedder(tmp_path / "model.onnx", precision="bf16")
