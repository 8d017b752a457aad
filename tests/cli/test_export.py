"""The options of reid-export."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from whole_runs import call

from reid.cli.export import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing option '--out'"),
        (("--out", "m.onnx", "--format", "tflite"), "'tflite' is not 'onnx'"),
        (("--out", "m.onnx", "--normalise", "no"), "'no' is not one of 'inside', 'outside'"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """Exit code 2, and the option is named."""
    done = call(main, tmp_path, *arguments)

    assert done.code == 2
    assert message in done.err


def test_help_is_quick() -> None:
    """Every option is explained, and nothing slow is imported."""
    script = "import sys; sys.argv = ['reid-export', '--help']; import reid.cli.export as e; e.command(standalone_mode=False); print(*({'torch', 'onnx'} & set(sys.modules)), sep='LOADED ')"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=dict(os.environ)
    )

    assert "LOADED" not in done.stdout
    assert all(
        name in done.stdout for name in ("--run", "--normalise", "--int8", "--calibration", "--images", "--opset")
    )
