"""Pictures of the learners' course can be drawn of whatever a log holds."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from reid.errors import ConfigError, OutputError
from reid.report.canvas import learner_colour
from reid.report.division_learners import learner_losses, learner_recall


def event(epoch: int, learners: int, *, slices: int = 0, active: bool = True, whole: float = 0.8) -> dict:
    recall = {"each": [0.4] * slices, "whole": whole, "gain": whole - 0.4, "queries": 50} if slices else None
    return {
        "event": "learners",
        "epoch": epoch,
        "loss": [0.5 - 0.01 * k for k in range(learners)],
        "active_pairs": [100.0 if active else None] * learners,
        "recall": recall,
    }


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path))[:, :, ::-1]


def area(picture: np.ndarray, learner: int, learners: int) -> int:
    colour = [round(255 * part) for part in learner_colour(learner, learners)]
    return int((picture == colour).all(axis=2).sum())


def test_bars_are_as_high_as_recalls(tmp_path: Path) -> None:
    """Twice the recall, twice the bar; each in its learner's colour."""
    made = event(0, 4, slices=4)
    made["recall"]["each"] = [0.2, 0.4, 0.4, 0.1]
    learner_recall([made], tmp_path / "recall.png")
    areas = [area(read(tmp_path / "recall.png"), learner, 4) for learner in range(4)]

    assert areas[0] / areas[1] == pytest.approx(0.5, rel=0.05)
    assert areas[2] == pytest.approx(areas[1], rel=0.02)
    assert areas[3] / areas[1] == pytest.approx(0.25, rel=0.08)


def test_bars_are_those_of_the_epoch_that_was_kept(tmp_path: Path) -> None:
    """Of the last one measured, where that one was not."""
    events = [event(0, 2, slices=2), event(1, 2), event(2, 2, slices=2)]
    events[0]["recall"]["each"] = [0.1, 0.4]
    for best, ratio in ((0, 0.25), (1, 1.0), (None, 1.0), (2, 1.0)):
        learner_recall(events, tmp_path / "recall.png", best=best)
        picture = read(tmp_path / "recall.png")
        assert area(picture, 0, 2) / area(picture, 1, 2) == pytest.approx(ratio, rel=0.08)


@pytest.mark.parametrize("learners", [[1, 1, 2, 2, 4, 1], [32, 32], [8], [16]])
def test_any_course_can_be_drawn(tmp_path: Path, learners: list[int]) -> None:
    """Doubling, many learners, one epoch; losses that count no pairs have one panel; a learner without batches a gap."""
    events = [event(epoch, k, slices=max(learners), active=False) for epoch, k in enumerate(learners)]
    events[0]["loss"][0] = None
    learner_losses(events, tmp_path / "one.png")
    learner_recall(events, tmp_path / "recall.png")
    learner_losses([event(epoch, k) for epoch, k in enumerate(learners)], tmp_path / "two.png")

    for name in ("one", "two", "recall"):
        assert read(tmp_path / f"{name}.png").shape == (585, 1281, 3)
    assert (read(tmp_path / "one.png") != read(tmp_path / "two.png")).any()


def test_a_collapsed_model_can_be_drawn(tmp_path: Path) -> None:
    """All recalls and losses are zero."""
    made = event(0, 2, slices=2, whole=0.0)
    made["recall"]["each"] = [0.0, 0.0]
    made["loss"] = [0.0, 0.0]
    learner_recall([made], tmp_path / "recall.png")
    learner_losses([made], tmp_path / "losses.png")

    assert read(tmp_path / "recall.png").std() > 1


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    """Nothing was measured; no folder."""
    with pytest.raises(ConfigError, match="no epoch has recalls"):
        learner_recall([event(0, 2)], tmp_path / "recall.png")
    with pytest.raises(ConfigError, match="no epoch has losses"):
        learner_losses([], tmp_path / "losses.png")
    with pytest.raises(OutputError):
        learner_losses([event(0, 2)], tmp_path / "nowhere" / "losses.png")
