"""What a run needs to go on: how it is taken from the objects of a run, and put back into them.

Neither the sampler nor any generator is in it: both are pure functions of the seed and the position.
"""

from typing import Any

import torch

from reid.errors import ArtefactError
from reid.train.division import Division
from reid.train.insight import LearnerTally
from reid.train.plan import Progress
from reid.train.run_folder import RunFolder
from reid.train.step import Learning

_NUMBERS = ("epoch", "step", "divided", "best", "best_epoch", "images", "skipped", "failing")


def save(run: RunFolder, learning: Learning, progress: Progress, data_digest: str) -> None:
    """Replace the run's checkpoint; the one before is kept until the new one is complete.

    Raises:
        ArtefactError: it could not be written; the one before is still there.
    """
    division, tally = progress.division, progress.tally
    run.write_state(
        {
            **{name: part.state_dict() for name, part in _parts(learning).items()},
            "clusters": None if division is None else torch.from_numpy(division.clusters),
            "learners": None if division is None else division.learners,
            "progress": {name: getattr(progress, name) for name in _NUMBERS},
            "tally": None if tally is None else tally.state(),
            "data": data_digest,
            "machine": machine(learning),
            "log": run.log_length(),
        }
    )


def restore(
    run: RunFolder, learning: Learning, data_digest: str, *, accept_change: bool = False, exact: bool = False
) -> tuple[Progress, list[str]]:
    """Fill network, loss and optimiser from the run's checkpoint, and find how far it had come.

    What was logged after the checkpoint is taken out of the log, for it will happen again.

    Args:
        run: whose checkpoint.
        learning: what is filled.
        data_digest: of the training data now.
        accept_change: whether the data may be others than before; the epoch under way then begins again with a division.
        exact: whether a machine on which the run cannot go on to the bit is refused.

    Returns:
        The progress, and what the user should know, a sentence each.

    Raises:
        MissingInputError: the run has no checkpoint.
        ArtefactError: it is damaged; was made with other training data and `accept_change` is false; or `exact`, and
            the machine is another.
    """
    state, note = learning.group.from_first(run.read_state)
    changed = state["data"] != data_digest
    if changed and not accept_change:
        raise ArtefactError(
            f"the training data changed since the checkpoint of {run.path} was written (files, identities or sizes); "
            "start a new run, or go on all the same with --accept-data-change"
        )
    others = _other_machine(state["machine"], machine(learning))
    if others and exact:
        raise ArtefactError(f"{others[0]}; go on without --exact, or as it was")
    for name, part in _parts(learning).items():
        part.load_state_dict(state[name])
    if learning.group.first:
        run.truncate_log(state["log"])
    numbers = {**state["progress"], **({"step": 0, "skipped": 0, "failing": 0, "divided": -1} if changed else {})}
    clusters = None if changed else state["clusters"]
    division = None if clusters is None else Division(clusters.numpy(), state["learners"])
    tally = None if changed or state["tally"] is None else LearnerTally.from_state(state["tally"])
    return Progress(division=division, tally=tally, **numbers), [*([note] if note else []), *others]


def machine(learning: Learning) -> dict[str, Any]:
    """What the last bits of a result depend on besides settings and data."""
    device = learning.network.mean.device
    return {
        "torch": str(torch.__version__),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads() if device.type == "cpu" else 0,
        "precision": str(learning.precision).removeprefix("torch."),
        "processes": learning.group.world,
    }


def _other_machine(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    changed = [f"{name} {before.get(name)}, now {value}" for name, value in now.items() if before.get(name) != value]
    if not changed:
        return []
    return [f"the checkpoint was written with {', '.join(changed)}: results will differ in their last bits"]


def _parts(learning: Learning) -> dict[str, Any]:
    parts = {
        "network": learning.network,
        "criterion": learning.criterion,
        "optimiser": learning.optimiser,
        "average": learning.average,
        "scaler": learning.scaler,
    }
    return {name: part for name, part in parts.items() if part is not None}
