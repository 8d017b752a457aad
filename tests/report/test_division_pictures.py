"""A run's folder becomes pictures, as far as it goes."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import small_runs

from reid.records import Records
from reid.report.division_pictures import draw_division


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    return small_runs.patches(tmp_path_factory.mktemp("patches"), identities=4, each=3)


def run(folder: Path, *, recall: bool, divisions: bool, learners: bool = True) -> Path:
    """A folder as the trainer leaves it."""
    (folder / "divisions").mkdir(parents=True)
    for epoch in (0, 2) if divisions else ():
        np.savez(folder / "divisions" / f"epoch-{epoch:04d}.npz", clusters=np.arange(12) % 2, sizes=np.array([6, 6]))
    events = []
    for epoch in range(3):
        found = {"each": [0.1, 0.2], "whole": 0.3, "gain": 0.1, "queries": 9} if recall else None
        events.append({"event": "epoch", "epoch": epoch, "stage": "divide", "best_epoch": 1})
        if learners:
            tally = {"loss": [0.1, 0.2], "active_pairs": [3.0, None], "recall": found}
            events.append({"event": "learners", "epoch": epoch, **tally})
    (folder / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("about", "names"),
    [
        (
            {"recall": True, "divisions": True},
            ["division-flow", "division-clusters", "learner-recall", "learner-losses"],
        ),
        ({"recall": False, "divisions": True}, ["division-flow", "division-clusters", "learner-losses"]),
        ({"recall": True, "divisions": False}, ["learner-recall", "learner-losses"]),
        ({"recall": False, "divisions": False, "learners": False}, []),
    ],
)
def test_pictures_are_those_the_files_allow(records: Records, tmp_path: Path, about, names: list[str]) -> None:
    """All four, or those of which there is something to draw; one learner leaves nothing."""
    out = tmp_path / "report"
    out.mkdir()
    drawn = draw_division(run(tmp_path / "run", **about), records, out)

    assert [path.name for path in drawn] == [f"{name}.png" for name in names]
    assert sorted(out.iterdir()) == sorted(drawn)
    assert all(cv2.imread(str(path)).std() > 1 for path in drawn)


def test_a_run_without_a_log_still_shows_its_divisions(records: Records, tmp_path: Path) -> None:
    """Such as one whose log was lost."""
    folder = run(tmp_path / "run", recall=True, divisions=True)
    (folder / "log.jsonl").unlink()

    assert len(draw_division(folder, records, tmp_path)) == 2


def test_no_sample_images_of_other_data(records: Records, tmp_path: Path) -> None:
    """Where the training data changed after the last division."""
    drawn = draw_division(run(tmp_path / "run", recall=False, divisions=True), records.select(slice(0, 9)), tmp_path)

    assert [path.name for path in drawn] == ["division-flow.png", "learner-losses.png"]
