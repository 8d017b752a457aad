"""The steps of one epoch."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import small_runs

from reid.data.loader import Loader
from reid.train.division import Division
from reid.train.epoch import EpochSteps
from reid.train.insight import LearnerTally
from reid.train.plan import Plan, Progress


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Eight identities, two learners."""
    return small_runs.plan(small_runs.patches(tmp_path_factory.mktemp("patches"), identities=8))


def _progress(plan: Plan, epoch: int, step: int = 0) -> Progress:
    clusters = np.unique(plan.train.identities, return_inverse=True)[1] % 2
    return Progress(epoch, step, Division(clusters, 2), divided=0, tally=LearnerTally(2))


def _run(plan: Plan, progress: Progress) -> tuple[list[Mapping[str, Any]], list[int]]:
    """What was told, and the steps after which the caller was called."""
    told: list[Mapping[str, Any]] = []
    after: list[int] = []
    steps = EpochSteps(plan, progress, told.append, "")
    with Loader(plan.augmented, workers=0) as loader:
        steps.run(loader, lambda: after.append(progress.step))
    return told, after


@pytest.mark.parametrize(("epoch", "learners"), [(0, {0, 1}), (2, {None}), (3, {None})])
def test_who_learns(plan: Plan, epoch: int, learners: set[int | None]) -> None:
    """Divide: batches of one cluster each train its learner; conquer: of one cluster each, the whole embedding;
    finetune: of the whole set, without asking the division."""
    progress = _progress(plan, epoch)
    steps = EpochSteps(plan, progress, lambda _event: None, "")
    clusters = {assignment.cluster for assignment in steps.assignments()}
    told, _ = _run(plan, progress)

    assert {event["learner"] for event in told} == learners
    assert clusters == ({None} if epoch == 3 else {0, 1})


def test_what_is_left_of_an_epoch(plan: Plan) -> None:
    """From the step that progress names to the last, each told and counted once; progress stands behind the last."""
    total = len(EpochSteps(plan, _progress(plan, 0), lambda _event: None, "").assignments())
    progress = _progress(plan, 0, step=2)
    told, after = _run(plan, progress)

    assert [event["step"] for event in told] == list(range(2, total))
    assert after == list(range(3, total + 1))
    assert progress.step == total
    assert progress.images == 9 * (total - 2)
    assert progress.tally is not None
    assert sum(progress.tally.state()["batches"]) == total - 2


def test_batches_are_accumulated(plan: Plan) -> None:
    """Steps of several batches end where an epoch ends, with fewer in the last."""
    total = len(EpochSteps(plan, _progress(plan, 0), lambda _event: None, "").assignments())
    _, after = _run(replace(plan, accumulate=4), _progress(plan, 0))

    assert after == [*range(4, total, 4), total]


def test_rates_follow_the_part_of_the_epoch(plan: Plan) -> None:
    """The cosine falls from step to step; a resting backbone has none."""
    optimiser = plan.learning.optimiser
    resting = replace(plan, schedule=replace(plan.schedule, freeze_backbone=1))
    rates: list[tuple[float, float]] = []
    progress = _progress(plan, 0)
    with Loader(plan.augmented, workers=0) as loader:
        EpochSteps(resting, progress, lambda _event: None, "").run(
            loader, lambda: rates.append((optimiser.param_groups[0]["lr"], optimiser.param_groups[1]["lr"]))
        )
    layer = [rate for _, rate in rates]

    assert {rate for rate, _ in rates} == {0.0}
    assert layer == sorted(layer, reverse=True)
    assert len(set(layer)) == len(layer)
