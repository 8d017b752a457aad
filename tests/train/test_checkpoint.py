"""What a checkpoint holds is what comes back."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import small_runs
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from reid.errors import ArtefactError
from reid.train.checkpoint import machine, restore, save
from reid.train.division import Division
from reid.train.insight import LearnerTally
from reid.train.plan import Progress
from reid.train.run_folder import RunFolder
from reid.train.step import Learning


def _stepped(seed: int) -> Learning:
    """A learning with learned masks, an average and a scaler, after one step."""
    learning = small_runs.learning(seed=seed, subspaces="learned", learners=4, start=1)
    average = AveragedModel(learning.network, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    learning = dataclasses.replace(learning, average=average, scaler=torch.amp.GradScaler("cpu", init_scale=8.0))
    learning.grow(2)
    learning.step([small_runs.batch(seed=seed)])
    return learning


def _tally() -> LearnerTally:
    tally = LearnerTally(2)
    tally.add(1, 0.5, 12, active=3.0, pairs=False)
    return tally


@pytest.mark.parametrize("division", [None, Division(np.array([0, 1, -1, 1]), 2)])
def test_everything_comes_back(tmp_path: Path, division: Division | None) -> None:
    """Weights, average, beta, masks, moments, rates, scale, division, counts and tally, put into objects with others."""
    saved, other = _stepped(0), _stepped(1)
    saved.set_rates(0.25)
    assert other.scaler is not None
    other.scaler.update(4.0)
    progress = Progress(3, 5, division, 2, best=0.75, best_epoch=1, images=1234, skipped=2, tally=_tally())
    save(RunFolder(tmp_path), saved, progress, "digest")
    again, notes = restore(RunFolder(tmp_path), other, "digest")

    for name in ("epoch", "step", "divided", "best", "best_epoch", "images", "skipped"):
        assert getattr(again, name) == getattr(progress, name)
    assert again.tally is not None
    assert again.tally.state() == _tally().state()
    assert notes == []
    if division is None:
        assert again.division is None
    else:
        assert again.division is not None
        assert (again.division.clusters.tolist(), again.division.learners) == (division.clusters.tolist(), 2)
    for part in ("network", "criterion", "average"):
        states = [getattr(learning, part).state_dict() for learning in (saved, other)]
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert saved.scaler is not None
    assert saved.scaler.state_dict() == other.scaler.state_dict()
    moments = [learning.optimiser.state_dict() for learning in (saved, other)]
    assert moments[0]["param_groups"] == moments[1]["param_groups"]
    for key, state in moments[0]["state"].items():
        assert all(torch.equal(value, moments[1]["state"][key][name]) for name, value in state.items())


def test_other_data_are_refused_or_begin_the_epoch_again(tmp_path: Path) -> None:
    """A14: the digest of the training data must be the one it was made with; accepted all the same, the division and
    what was done of the epoch are forgotten, for they belong to the other data."""
    learning, run = _stepped(0), RunFolder(tmp_path)
    division = Division(np.array([0, 1]), 2)
    save(run, learning, Progress(3, 5, division, 2, 0.5, 1, 99, 1, 1, _tally()), "digest")
    with pytest.raises(ArtefactError, match="training data changed since the checkpoint"):
        restore(run, learning, "another")
    again, _ = restore(run, learning, "another", accept_change=True)

    assert again == Progress(epoch=3, best=0.5, best_epoch=1, images=99)


def test_what_was_logged_after_the_checkpoint_is_taken_back(tmp_path: Path) -> None:
    """It happens again, and would be in the log twice."""
    learning, run = _stepped(0), RunFolder(tmp_path)
    run.log({"event": "epoch", "epoch": 0})
    save(run, learning, Progress(1), "digest")
    run.log({"event": "epoch", "epoch": 1})
    restore(run, learning, "digest")

    assert [json.loads(line)["epoch"] for line in (tmp_path / "log.jsonl").read_text().splitlines()] == [0]


def test_another_machine_is_said_or_refused(tmp_path: Path) -> None:
    """E3: another number of threads gives other last bits; `exact` wants none of that."""
    learning, run, threads = _stepped(0), RunFolder(tmp_path), torch.get_num_threads()
    save(run, learning, Progress(), "digest")
    torch.set_num_threads(threads + 1)
    try:
        _, notes = restore(run, learning, "digest")
        with pytest.raises(ArtefactError, match=f"threads {threads}, now {threads + 1}.*without --exact"):
            restore(run, learning, "digest", exact=True)
    finally:
        torch.set_num_threads(threads)

    assert notes == [
        f"the checkpoint was written with threads {threads}, now {threads + 1}: results will differ in their last bits"
    ]
    assert machine(learning)["precision"] == "float32"
    assert machine(dataclasses.replace(learning, precision=torch.bfloat16))["precision"] == "bfloat16"
