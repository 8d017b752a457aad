"""What a run needs to go on: how it is taken from the objects of a run, and put back into them.

Neither the sampler nor any generator is in it: both are pure functions of the seed and the position.
"""

from dataclasses import dataclass

import torch

from reid.errors import ArtefactError
from reid.train.division import Division
from reid.train.run_folder import RunFolder
from reid.train.step import Learning

_NUMBERS = ("epoch", "best", "best_epoch", "images")


@dataclass
class Progress:
    """How far a run has come: what a checkpoint holds besides weights.

    Attributes:
        epoch: the next one.
        division: in force, or None.
        best: best validation score so far, -1 before the first.
        best_epoch: when that was; -1 before the first.
        images: number of images trained on so far.
    """

    epoch: int = 0
    division: Division | None = None
    best: float = -1.0
    best_epoch: int = -1
    images: int = 0


def save(run: RunFolder, learning: Learning, progress: Progress, data_digest: str) -> None:
    """Replace the run's checkpoint."""
    run.write_state(
        {
            "network": learning.network.state_dict(),
            "criterion": learning.criterion.state_dict(),
            "optimiser": learning.optimiser.state_dict(),
            "clusters": None if progress.division is None else torch.from_numpy(progress.division.clusters),
            "progress": {name: getattr(progress, name) for name in _NUMBERS},
            "data": data_digest,
        }
    )


def restore(run: RunFolder, learning: Learning, data_digest: str, *, accept_change: bool = False) -> Progress:
    """Fill network, loss and optimiser from the run's checkpoint, and return how far it had come.

    Args:
        run: whose checkpoint.
        learning: what is filled.
        data_digest: of the training data now.
        accept_change: whether the data may be others than before; their division is forgotten then.

    Raises:
        MissingInputError: the run has no checkpoint.
        ArtefactError: it is damaged, or was made with other training data and `accept_change` is false.
    """
    state = run.read_state()
    changed = state["data"] != data_digest
    if changed and not accept_change:
        raise ArtefactError(
            f"the training data changed since the checkpoint of {run.path} was written (files, identities or sizes); "
            "start a new run, or go on all the same with --accept-data-change"
        )
    learning.network.load_state_dict(state["network"])
    learning.criterion.load_state_dict(state["criterion"])
    learning.optimiser.load_state_dict(state["optimiser"])
    clusters = None if changed else state["clusters"]
    division = None if clusters is None else Division(clusters.numpy(), learning.criterion.learners)
    return Progress(division=division, **state["progress"])
