"""tools/method_pictures.py as it is called for docs/method.md."""

import runpy
from pathlib import Path

import cv2
from whole_runs import call, trained

from reid.cli.command import run

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "method_pictures.py"


def test_the_pictures_of_a_run(tmp_path_factory, tmp_path):
    """Three pictures by the names that the page shows, none of them empty, and nothing else."""
    made = trained(tmp_path_factory)
    command = runpy.run_path(str(SCRIPT))["command"]
    done = call(lambda: run(command), tmp_path, made.run, "--out", "pictures")

    assert done.code == 0, done.err
    files = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert files == ["method-divisions.png", "method-schedules.png", "method-slices.png"]
    page = (SCRIPT.parents[1] / "docs" / "method.md").read_text(encoding="utf-8")
    for name in files:
        assert f"pictures/{name}" in page
        assert cv2.imread(str(tmp_path / "pictures" / name)).std() > 5
