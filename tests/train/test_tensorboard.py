"""Curves for TensorBoard, read back by TensorBoard itself."""

import math
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import disks
import numpy as np
import pytest

from reid.train.tensorboard import EVERY, TensorBoardLog, tensorboard_log

pytest.importorskip("tensorboard")
STEPS = 40


def curves(run: Path) -> dict[str, dict[int, float]]:
    """By name, the value at each place of the horizontal axis, as TensorBoard shows them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
    accumulator.Reload()
    names = accumulator.Tags()["scalars"]
    return {name: {point.step: point.value for point in accumulator.Scalars(name)} for name in names}


def epoch(listen: TensorBoardLog, number: int, steps: range = range(STEPS), *, loss: float = 1.0) -> None:
    """Tell the events of an epoch, or of some of its steps."""
    if steps.start == 0:
        sizes = np.array([30, 20])
        listen(
            {"event": "division", "epoch": number, "sizes": sizes, "agreement": 0.5, "merged": [(0, 1)], "retries": 0}
        )
    for step in steps:
        listen({"event": "step", "epoch": number, "step": step, "steps": STEPS, "loss": loss, "learner": 1})
    if steps.stop == STEPS:
        rates = {"backbone": 1e-5, "loss": 1e-3}
        listen(
            {
                "event": "epoch",
                "epoch": number,
                "epochs": 9,
                "stage": "divide",
                "lr": rates,
                "validation": None,
                "loss": loss,
            }
        )
        listen({"event": "learners", "epoch": number, "loss": [0.25, None], "images": [100, 200]})


def listener(run: Path) -> TensorBoardLog:
    """One, which must be possible."""
    made = tensorboard_log(run)
    assert made is not None
    return made


def test_every_number_is_a_curve(tmp_path: Path) -> None:
    """Of every tenth step, of epochs with their learning rates, of learners, and of divisions; texts and None are none."""
    listen = listener(tmp_path)
    for number in range(3):
        epoch(listen, number, loss=number)
    listen({"event": "note", "text": "no time, no point", "number": 3})
    found = curves(tmp_path)

    at = [1000 * number + 25 * (step + 1) for number in range(3) for step in range(0, STEPS, EVERY)]
    assert list(found["step/loss"]) == at
    assert found["step/loss"][2025] == 2
    ends = [1000, 2000, 3000]
    assert {name: list(points) for name, points in found.items() if not name.startswith("step")} == {
        "division/sizes/0": [1, 1001, 2001],
        "division/sizes/1": [1, 1001, 2001],
        "division/agreement": [1, 1001, 2001],
        "division/retries": [1, 1001, 2001],
        "epoch/lr/backbone": ends,
        "epoch/lr/loss": ends,
        "epoch/loss": ends,
        "learners/loss/0": ends,
        "learners/images/0": ends,
        "learners/images/1": ends,
    }
    assert found["division/sizes/1"][1] == 20
    assert found["epoch/lr/backbone"][1000] == pytest.approx(1e-5)


def test_nothing_to_say_is_no_error(tmp_path: Path) -> None:
    """NaN is a point, as it is news; an event without numbers leaves none."""
    listen = listener(tmp_path)
    listen({"event": "skipped", "epoch": 0, "paths": ["a.jpg"], "batches": ["batch 1"]})
    listen({"event": "epoch", "epoch": 0, "loss": math.nan})

    assert list(curves(tmp_path)) == ["epoch/loss"]
    assert math.isnan(curves(tmp_path)["epoch/loss"][1000])


@pytest.mark.parametrize("resumed_at", [0, 15, 20, 39])
def test_a_resumed_run_goes_on_with_its_curves(tmp_path: Path, resumed_at: int) -> None:
    """Points beyond the state it is resumed from are hidden, those before stay, and no place has two."""
    listen = listener(tmp_path)
    epoch(listen, 0)
    epoch(listen, 1, loss=5)
    epoch(listen, 2, range(12), loss=5)
    again = listener(tmp_path)
    epoch(again, 1, range(resumed_at, STEPS))
    found = curves(tmp_path)

    places = [1000 * number + 25 * (step + 1) for number in range(2) for step in range(0, STEPS, EVERY)]
    assert list(found["step/loss"]) == places
    assert list(found["epoch/loss"].values()) == [1, 1]
    before = {1000 + 25 * (step + 1) for step in range(resumed_at)}
    assert {place for place, loss in found["step/loss"].items() if loss == 5} == before & set(places)


def test_files_are_in_order_whatever_the_clock_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """E14: TensorBoard reads files in the order of their names: a run that is resumed after the clock was set back, or
    within the same second, still comes after the one before.
    """
    for number, now in enumerate([2e9, 2e9, 1e9]):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        epoch(listener(tmp_path), number)

    assert len(list((tmp_path / "tensorboard").iterdir())) == 3
    assert list(curves(tmp_path)["epoch/loss"]) == [1000, 2000, 3000]


def test_a_full_disk_stops_nothing(tmp_path: Path) -> None:
    """E14: points that find no room are lost; those before and after are read."""
    listen = listener(tmp_path)
    listen({"event": "epoch", "epoch": 0, "loss": 1.0})
    (path,) = (tmp_path / "tensorboard").iterdir()
    for room in (0, 5):
        with disks.largest_file(path.stat().st_size + room):
            listen({"event": "epoch", "epoch": 1, "loss": 1.0})
    listen({"event": "epoch", "epoch": 2, "loss": 1.0})

    assert list(curves(tmp_path)["epoch/loss"]) == [1000, 3000]
    (tmp_path / "file").write_text("")
    TensorBoardLog(tmp_path / "file" / "x")({"event": "epoch", "epoch": 0, "loss": 1.0})


def test_without_tensorboard_there_is_no_listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None, and nothing on disk."""
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.record_writer", None)

    assert tensorboard_log(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_an_event_is_not_changed(tmp_path: Path) -> None:
    """Other listeners get what this one got."""
    event: Mapping[str, Any] = {"event": "epoch", "epoch": 0, "lr": {"a": 1.0}}
    listener(tmp_path)(event)

    assert event == {"event": "epoch", "epoch": 0, "lr": {"a": 1.0}}
