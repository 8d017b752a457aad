"""What a checkpoint holds is what comes back."""

from pathlib import Path

import numpy as np
import pytest
import small_runs
import torch

from reid.errors import ArtefactError
from reid.train.checkpoint import Progress, restore, save
from reid.train.division import Division
from reid.train.run_folder import RunFolder


def _stepped(seed: int) -> object:
    learning = small_runs.learning(seed=seed)
    learning.step(small_runs.pictures(6), torch.arange(3).repeat_interleave(2), torch.arange(6), (0, 0), None)
    return learning


@pytest.mark.parametrize("division", [None, Division(np.array([0, 1, -1, 1]), 2)])
def test_everything_comes_back(tmp_path: Path, division: Division | None) -> None:
    """Weights, beta, moments, rates, division and counts, put into objects that held others."""
    saved, other = _stepped(0), _stepped(1)
    saved.set_rate(0.25)  # type: ignore[attr-defined]
    progress = Progress(epoch=3, division=division, best=0.75, best_epoch=1, images=1234)
    save(RunFolder(tmp_path), saved, progress, "digest")  # type: ignore[arg-type]
    again = restore(RunFolder(tmp_path), other, "digest")  # type: ignore[arg-type]

    assert (again.epoch, again.best, again.best_epoch, again.images) == (3, 0.75, 1, 1234)
    if division is None:
        assert again.division is None
    else:
        assert again.division is not None
        assert again.division.clusters.tolist() == division.clusters.tolist()
        assert again.division.learners == 2
    for part in ("network", "criterion"):
        states = [getattr(learning, part).state_dict() for learning in (saved, other)]
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    moments = [learning.optimiser.state_dict() for learning in (saved, other)]  # type: ignore[attr-defined]
    assert moments[0]["param_groups"] == moments[1]["param_groups"]
    for key, state in moments[0]["state"].items():
        assert all(torch.equal(value, moments[1]["state"][key][name]) for name, value in state.items())


def test_other_data_are_refused(tmp_path: Path) -> None:
    """A14: the digest of the training data must be the one it was made with."""
    learning = _stepped(0)
    save(RunFolder(tmp_path), learning, Progress(), "digest")  # type: ignore[arg-type]
    with pytest.raises(ArtefactError, match="training data changed since the checkpoint"):
        restore(RunFolder(tmp_path), learning, "another")  # type: ignore[arg-type]
