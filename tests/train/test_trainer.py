"""Whole runs on a few pictures: they learn, they repeat to the bit, and they go on where they stopped."""

import hashlib
import itertools
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_runs
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from reid.errors import ArtefactError, DataError, MissingInputError, TrainingDiverged, TrainingInterrupted
from reid.evaluation.protocols import all_vs_all
from reid.model.divide import DivideAndConquer
from reid.model.store import load_model
from reid.records import Embeddings, Records
from reid.train.extraction import extract
from reid.train.plan import Plan
from reid.train.rates import Rates
from reid.train.run_folder import RunFolder
from reid.train.schedule import Stage
from reid.train.stopping import Stopping
from reid.train.trainer import Trainer
from reid.train.validation import hold_out

LAST = 10**6


@dataclass
class Heard:
    """A listener that keeps every event, and asks to stop when told to; twice, as two Ctrl-C do, if `at_once`."""

    events: list[Mapping[str, Any]] = field(default_factory=list)
    stop_at: tuple[int, int] | None = None
    at_once: bool = False
    stopping: Stopping = field(default_factory=Stopping)

    def __call__(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)
        if event["event"] == "step" and (event["epoch"], event["step"]) == self.stop_at:
            if self.at_once:
                raise KeyboardInterrupt
            self.stopping.request()

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        return [event for event in self.events if event["event"] == kind]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Records, Records]:
    """Eight identities to train on, four to validate on."""
    train, validation = hold_out(small_runs.patches(tmp_path_factory.mktemp("patches")), 0.34, 0)
    assert validation is not None
    return train, validation


def _trainer(folder: Path, plan: Plan, heard: Heard | None = None) -> Trainer:
    folder.mkdir(exist_ok=True)
    heard = heard or Heard()
    return Trainer(plan, RunFolder(folder), heard, stopping=heard.stopping)


def _fingerprint(plan: Plan) -> str:
    """sha256 of every weight, of the loss, and of the optimiser's state."""
    total = hashlib.sha256()
    moments = [value for state in plan.learning.optimiser.state.values() for value in state.values()]
    weights = [*plan.learning.network.state_dict().values(), *plan.learning.criterion.state_dict().values()]
    for value in (*weights, *moments):
        total.update(value.contiguous().numpy().tobytes())
    return total.hexdigest()


def _digest(tensors: Mapping[str, torch.Tensor]) -> str:
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(tensors[name].contiguous().numpy().tobytes())
    return total.hexdigest()


def _steps(*heard: Heard) -> list[list[Mapping[str, Any]]]:
    return [one.of("step") for one in heard]


def _log(folder: Path) -> list[dict[str, Any]]:
    """The log without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    timed = ("time", "seconds", "images_per_second", "division_share", "division_seconds", "feature_seconds")
    return [{key: value for key, value in line.items() if key not in timed} for line in lines]


@pytest.fixture(scope="module")
def reference(data: tuple[Records, Records], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Heard, Plan]:
    """A run of four epochs that was never disturbed: its folder, what it told, its plan."""
    folder, heard = tmp_path_factory.mktemp("reference"), Heard()
    plan = small_runs.plan(*data)
    _trainer(folder, plan, heard).train()
    return folder, heard, plan


def test_training_learns(tmp_path: Path) -> None:
    """Over all three stages the loss falls, and strangers are told apart better than by the untrained network."""
    train, validation = hold_out(small_runs.patches(tmp_path, identities=24), 0.34, 0)
    assert validation is not None
    heard, plan = Heard(), small_runs.plan(train, validation)
    trainer = _trainer(tmp_path / "run", plan, heard)
    features = extract(plan, validation, "embedding", plan.learning.network, trainer.stopping.check)
    before = all_vs_all(Embeddings(features, validation), nmi_seeds=0).mAP
    trainer.train()
    epochs = heard.of("epoch")

    assert [epoch["stage"] for epoch in epochs] == ["divide", "divide", "conquer", "finetune"]
    assert epochs[-1]["loss"] < 0.7 * epochs[0]["loss"]
    assert before is not None
    assert epochs[-1]["validation"] > before + 0.1


def test_events_tell_the_course_of_the_run(reference: tuple[Path, Heard, Plan]) -> None:
    """Divisions before epochs 0 and 2 and not in the finetune stage, every step once and in order, one line per epoch,
    one at the end; step and epoch counts agree."""
    _, heard, plan = reference
    steps, epochs = heard.of("step"), heard.of("epoch")

    assert [event["epoch"] for event in heard.of("division")] == [0, 2]
    assert [(e["epoch"], e["step"]) for e in steps] == [
        (epoch, step) for epoch in range(4) for step in range(max(e["steps"] for e in steps if e["epoch"] == epoch))
    ]
    assert sum(epoch["images"] for epoch in epochs) == 9 * len(steps) == heard.of("done")[0]["images"]
    for division in heard.of("division"):
        assert sum(division["sizes"]) + division["sitting_out"] == len(plan.train)
        assert len(division["identities"]) == 2
        assert division["agreement"] is None or 0 <= division["agreement"] <= 1


def test_events_tell_learners_apart(reference: tuple[Path, Heard, Plan]) -> None:
    """Each has its own batches, also where the loss sees the whole embedding; one learner at the end, with all images;
    what slices find is measured after every epoch."""
    _, heard, plan = reference
    learners, epochs = heard.of("learners"), heard.of("epoch")

    assert [len(event["loss"]) for event in learners] == [2, 2, 2, 1]
    for event, epoch in zip(learners, epochs, strict=True):
        steps = [step for step in heard.of("step") if step["epoch"] == event["epoch"]]
        assert sum(event["batches"]) == len(steps)
        assert max(event["batches"]) - min(event["batches"]) == 0
        assert sum(event["images"]) == epoch["images"]
        assert np.mean(event["loss"]) == pytest.approx(epoch["loss"])
        assert event["without_pairs"] == 0
        assert len(event["recall"]["each"]) == 2
        assert event["recall"]["queries"] == len(plan.validation or ())


def test_the_log_and_the_divisions_are_written(reference: tuple[Path, Heard, Plan]) -> None:
    """log.jsonl has every event but the steps, a line of JSON each; divisions/ has the cluster of every image."""
    folder, heard, plan = reference
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]

    assert [line["event"] for line in lines] == [event["event"] for event in heard.events if event["event"] != "step"]
    for line in lines:
        if line["event"] == "division":
            with np.load(folder / "divisions" / f"epoch-{line['epoch']:04d}.npz") as division:
                assert division["clusters"].shape == (len(plan.train),)
                assert division["sizes"].tolist() == line["sizes"]


def test_the_best_epoch_is_chosen_on_validation_identities(
    reference: tuple[Path, Heard, Plan], data: tuple[Records, Records]
) -> None:
    """The stored model is that of the epoch with the best mAP on held-out training identities, the first of equals."""
    folder, heard, _ = reference
    scores = [epoch["validation"] for epoch in heard.of("epoch")]
    network, _, _ = load_model(folder)
    plan = replace(small_runs.plan(*data), learning=replace(small_runs.learning(), network=network))
    features = extract(plan, data[1], "embedding", network, Stopping().check)

    assert heard.of("done")[0]["best_epoch"] == int(np.argmax(scores))
    assert heard.of("done")[0]["best"] == max(scores)
    assert all_vs_all(Embeddings(features, data[1]), nmi_seeds=0).mAP == pytest.approx(max(scores), abs=1e-6)


def test_without_validation_the_last_epoch_is_kept(data: tuple[Records, Records], tmp_path: Path) -> None:
    """No held-out identities: the model on disk is the last."""
    plan = small_runs.plan(data[0], epochs=3)
    _trainer(tmp_path, plan).train()
    network, _, _ = load_model(tmp_path)

    assert all(
        torch.equal(a, b)
        for a, b in zip(network.state_dict().values(), plan.learning.network.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.soak), 2])
def test_equal_seeds_give_equal_weights(
    data: tuple[Records, Records], tmp_path: Path, reference: tuple[Path, Heard, Plan], workers: int
) -> None:
    """E2: the same seed gives the same weights, loss and optimiser to the bit, with any number of workers, whatever
    was drawn from torch's generator before."""
    torch.rand(17)
    plan = small_runs.plan(*data, workers=workers)
    _trainer(tmp_path, plan).train()

    assert _fingerprint(plan) == _fingerprint(reference[2])


def test_another_seed_gives_other_weights(data: tuple[Records, Records], tmp_path: Path) -> None:
    """The fingerprint is able to tell runs apart."""
    plans = [small_runs.plan(data[0], seed=seed, epochs=1) for seed in (0, 1)]
    for number, plan in enumerate(plans):
        _trainer(tmp_path / str(number), plan).train()

    assert _fingerprint(plans[0]) != _fingerprint(plans[1])


@pytest.mark.parametrize("stop_at", [(0, 0), (1, 2), (2, 0), (3, 3), (1, LAST)])
def test_a_run_goes_on_to_the_bit(
    data: tuple[Records, Records], tmp_path: Path, reference: tuple[Path, Heard, Plan], stop_at: tuple[int, int]
) -> None:
    """E1, E4, F10: asked to stop at the first step of all, in the middle of any epoch (between divisions, right after
    one, in the finetune stage) or at the last step of one, before validation, a run finishes the step and saves; resumed
    by new objects with other workers, it ends with the weights, the best epoch, the log and the model file of one never
    stopped, and no step is taken twice."""
    steps = max(e["steps"] for e in reference[1].of("step") if e["epoch"] == stop_at[0])
    stop_at = (stop_at[0], min(stop_at[1], steps - 1))
    plan, first = small_runs.plan(*data), Heard(stop_at=stop_at)
    with pytest.raises(
        TrainingInterrupted,
        match=rf"stopped in epoch {stop_at[0] + 1}, batch {stop_at[1] + 1}; go on with .*--resume --out",
    ):
        _trainer(tmp_path, plan, first).train()

    torch.rand(5)
    plan, heard = small_runs.plan(*data, workers=1), Heard()
    trainer = _trainer(tmp_path, plan, heard)
    trainer.resume()
    assert (trainer.progress.epoch, trainer.progress.step) == (stop_at[0], stop_at[1] + 1)
    trainer.train()

    assert _fingerprint(plan) == _fingerprint(reference[2])
    assert heard.of("done") == reference[1].of("done")
    told = [[(e["epoch"], e["step"], e["loss"]) for e in events] for events in _steps(first, heard, reference[1])]
    assert told[0] + told[1] == told[2]
    assert _log(tmp_path) == _log(reference[0])
    assert (tmp_path / "model.safetensors").read_bytes() == (reference[0] / "model.safetensors").read_bytes()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("enough", [3, pytest.param(20, marks=pytest.mark.soak)])
def test_a_run_killed_anywhere_goes_on_to_the_bit(
    data: tuple[Records, Records], tmp_path: Path, reference: tuple[Path, Heard, Plan], enough: int
) -> None:
    """E1: a process killed by SIGKILL at random moments of a run that saves after every step, each time resumed by
    another, ends with the sha256 of the uninterrupted run; no kill leaves a state that cannot be read."""
    random, kills = np.random.default_rng(0), 0
    seconds = _in_a_process(tmp_path / "timing", data, None)
    assert seconds is not None
    while kills < enough:
        folder = tmp_path / str(kills)
        while _in_a_process(folder, data, random.uniform(0.0, 0.6 * seconds)) is None:
            kills += 1
        found = load_model(folder)[2]

        assert found == load_model(reference[0])[2]
        state = RunFolder(folder).read_state().state
        assert _digest(state["network"]) == _digest(reference[2].learning.network.state_dict())
        assert _log(folder) == _log(reference[0])


def _in_a_process(folder: Path, data: tuple[Records, Records], kill_after: float | None) -> float | None:
    """Train, or go on, in a process that is killed after so many seconds; its seconds if it came to the end."""
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            plan = replace(small_runs.plan(*data), save_minutes=1e-9)
            trainer = _trainer(folder, plan)
            if trainer.run.has_state():
                trainer.resume()
            else:
                trainer.run.forget()  # as a new run does: what one killed before its first state has logged
            trainer.train()
            code = 0
        finally:
            os._exit(code)
    deadline = started + (kill_after if kill_after is not None else 100.0)
    while time.perf_counter() < deadline:
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            assert os.waitstatus_to_exitcode(status) == 0
            return time.perf_counter() - started
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def test_an_interrupt_at_once_goes_back_to_the_last_checkpoint(
    data: tuple[Records, Records], tmp_path: Path, reference: tuple[Path, Heard, Plan]
) -> None:
    """The second Ctrl-C does not wait: what came after the checkpoint is done again, and is the same."""
    with pytest.raises(TrainingInterrupted, match="stopped at once in epoch 2, batch 3; go on with"):
        _trainer(tmp_path, small_runs.plan(*data), Heard(stop_at=(1, 2), at_once=True)).train()
    plan = small_runs.plan(*data)
    trainer = _trainer(tmp_path, plan)
    trainer.resume()
    assert (trainer.progress.epoch, trainer.progress.step) == (1, 0)
    trainer.train()

    assert _fingerprint(plan) == _fingerprint(reference[2])


def test_an_interrupt_at_once_before_the_first_checkpoint_promises_nothing(
    data: tuple[Records, Records], tmp_path: Path
) -> None:
    """Where there is nothing to resume from, Ctrl-C stays Ctrl-C, also in later epochs of a run that saves rarely."""
    for save_every, stop_at in ((1, (0, 3)), (3, (1, 0))):
        heard = Heard(stop_at=stop_at, at_once=True)
        with pytest.raises(KeyboardInterrupt):
            _trainer(tmp_path, small_runs.plan(data[0], save_every=save_every), heard).train()


def test_a_stop_while_features_are_extracted_is_heard(
    data: tuple[Records, Records], tmp_path: Path, reference: tuple[Path, Heard, Plan]
) -> None:
    """E10: dividing a large set takes minutes, and is left at once: the run goes on by dividing again."""
    heard = Heard()
    heard.stopping.request()
    with pytest.raises(TrainingInterrupted, match="stopped in epoch 1; go on with"):
        _trainer(tmp_path, small_runs.plan(*data), heard).train()
    plan = small_runs.plan(*data)
    trainer = _trainer(tmp_path, plan)
    trainer.resume()
    trainer.train()

    assert _fingerprint(plan) == _fingerprint(reference[2])


def test_a_run_that_saves_rarely_goes_on_from_its_checkpoint(data: tuple[Records, Records], tmp_path: Path) -> None:
    """`save_every: 2` saves after epoch 2, and always at the end."""
    heard = Heard(stop_at=(3, 0), at_once=True)
    with pytest.raises(TrainingInterrupted):
        _trainer(tmp_path, small_runs.plan(*data, save_every=2), heard).train()
    trainer = _trainer(tmp_path, small_runs.plan(*data, save_every=3))
    trainer.resume()

    assert trainer.progress.epoch == 2
    assert trainer.train().epoch == 4
    again = _trainer(tmp_path, small_runs.plan(*data))
    again.resume()
    assert again.progress.epoch == 4


def test_changed_training_data_are_not_resumed(data: tuple[Records, Records], tmp_path: Path) -> None:
    """A14: another digest of the data refuses, as does a folder without a checkpoint."""
    with pytest.raises(MissingInputError, match="no checkpoint to resume from"):
        _trainer(tmp_path, small_runs.plan(*data)).resume()
    _trainer(tmp_path, small_runs.plan(data[0], epochs=1)).train()
    plan = small_runs.plan(data[0], digest="other")
    before = _fingerprint(plan)
    with pytest.raises(ArtefactError, match="the training data changed since the checkpoint"):
        _trainer(tmp_path, plan).resume()

    assert _fingerprint(plan) == before


def test_changed_training_data_can_be_accepted(data: tuple[Records, Records], tmp_path: Path) -> None:
    """A14: a third of the images is gone; accepted, the run goes on in the middle of a division's epochs by dividing anew."""
    _trainer(tmp_path, small_runs.plan(*data, epochs=1)).train()
    fewer = data[0].select(np.arange(len(data[0])) % 3 > 0)
    trainer = _trainer(tmp_path, small_runs.plan(fewer, data[1], digest="other"))
    trainer.resume(accept_change=True)

    assert (trainer.progress.epoch, trainer.progress.step, trainer.progress.division) == (1, 0, None)
    assert trainer.train().epoch == 4
    assert (tmp_path / "divisions" / "epoch-0001.npz").is_file()


def test_divergence_leaves_the_last_good_state(data: tuple[Records, Records], tmp_path: Path) -> None:
    """E5: a loss that becomes NaN in the third epoch ends the run with its position; checkpoint and model are those of
    the second."""
    plan = small_runs.plan(*data)
    steps = [0]

    def failing(raw: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        steps[0] += 1
        good: torch.Tensor = base(raw, labels)
        return good * torch.nan if steps[0] == fail_at else good

    base = plan.learning.criterion.loss
    heard = Heard()
    fail_at = 10**9
    criterion = DivideAndConquer(failing, dimension=16, learners=2)
    plan = replace(plan, learning=replace(plan.learning, criterion=criterion))
    _trainer(tmp_path, replace(plan, schedule=replace(plan.schedule, epochs=2)), heard).train()
    state, model = (tmp_path / "last.ckpt").read_bytes(), (tmp_path / "model.safetensors").read_bytes()
    fail_at = steps[0] + 3
    trainer = _trainer(tmp_path, plan, heard)
    trainer.resume()
    with pytest.raises(
        TrainingDiverged,
        match=r"the loss is nan .* in epoch 3, batch 3, images .*png.* and \d+ more; no weight was changed; lower train.lr.*the last good checkpoint is .*last.ckpt",
    ) as caught:
        trainer.train()

    assert caught.value.exit_code == 76
    assert (tmp_path / "last.ckpt").read_bytes() == state
    assert (tmp_path / "model.safetensors").read_bytes() == model


def test_a_batch_that_is_not_finite_can_be_skipped(data: tuple[Records, Records], tmp_path: Path) -> None:
    """`on_nan: skip` leaves it out, with its images in the log, and goes on; too many in a row, also over the end of an
    epoch, end the run all the same."""
    count = [0]

    def failing(raw: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        count[0] += 1
        good: torch.Tensor = base(raw, labels)
        return good * torch.nan if count[0] in fail_at else good

    plan = small_runs.plan(*data)
    base = plan.learning.criterion.loss
    criterion = DivideAndConquer(failing, dimension=16, learners=2)
    plan = replace(plan, learning=replace(plan.learning, criterion=criterion), on_nan="skip")
    heard = Heard()
    fail_at = {2, 3}
    _trainer(tmp_path / "few", plan, heard).train()
    skipped = heard.of("skipped")

    assert [event["batches"] for event in skipped] == [["batch 2 of learner 1"], ["batch 3 of learner 0"]]
    assert set(skipped[0]["paths"]) <= set(data[0].paths)
    assert heard.of("epoch")[0]["skipped"] == 2
    fail_at = set(range(10**4))
    with pytest.raises(TrainingDiverged, match="so were the 10 batches before it; lower train"):
        _trainer(tmp_path / "many", replace(plan, schedule=replace(plan.schedule, learners=1))).train()


def test_repeated_images_are_no_positives(tmp_path: Path) -> None:
    """A3: identities with two images fill three places by repeating one; the loss never sees a file twice."""
    records = small_runs.patches(tmp_path, identities=10, each=2)
    plan = small_runs.plan(records, learners=1, epochs=1)
    seen: list[tuple[int, int]] = []

    def watched(embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        seen.append((len(labels), len(torch.unique(labels))))
        loss: torch.Tensor = base(embeddings, labels)
        return loss

    base = plan.learning.criterion.loss
    criterion = DivideAndConquer(watched, dimension=16, learners=1)
    _trainer(tmp_path / "run", replace(plan, learning=replace(plan.learning, criterion=criterion))).train()

    assert set(seen) == {(6, 3)}


def test_an_unreadable_image_stops_the_run_with_its_name(tmp_path: Path) -> None:
    """B1: whether the division or a batch meets it first, one DataError names the file; no traceback of a worker."""
    records = small_runs.patches(tmp_path, identities=8)
    broken = records.files()[5]
    broken.write_bytes(broken.read_bytes()[:100])
    for learners in (1, 2):
        with pytest.raises(DataError, match=str(broken)):
            _trainer(tmp_path / "run", small_runs.plan(records, learners=learners, workers=1)).train()


def test_one_learner_never_divides(data: tuple[Records, Records], tmp_path: Path) -> None:
    """K = 1: the plain loss on batches of the whole set, through all stages."""
    heard = Heard()
    _trainer(tmp_path, small_runs.plan(data[0], learners=1), heard).train()

    assert heard.of("division") == []
    assert not (tmp_path / "divisions").exists()
    assert {event["steps"] for event in heard.of("step")} == {-(-len(data[0]) // 9)}


def test_a_resting_backbone_does_not_move(data: tuple[Records, Records], tmp_path: Path) -> None:
    """`freeze_backbone: 1`: in the epoch after a division only the layer and the loss learn; in the next, all."""
    plan = small_runs.plan(data[0])
    plan = replace(plan, schedule=replace(plan.schedule, epochs=1, freeze_backbone=1))
    backbone, layer = plan.learning.network.backbone, plan.learning.network.layer
    before = [parameter.detach().clone() for parameter in backbone.parameters()]
    first = layer.weight.detach().clone()
    _trainer(tmp_path, plan).train()

    assert all(torch.equal(a, b) for a, b in zip(before, backbone.parameters(), strict=True))
    assert not torch.equal(first, layer.weight)
    plan = replace(plan, schedule=replace(plan.schedule, epochs=2))
    trainer = _trainer(tmp_path, plan)
    trainer.resume()
    trainer.train()
    assert plan.schedule.stage(1) == Stage.DIVIDE
    assert not any(torch.equal(a, b) for a, b in zip(before, backbone.parameters(), strict=True))


def test_frozen_statistics_stay_over_a_run(data: tuple[Records, Records], tmp_path: Path) -> None:
    """`freeze_batchnorm`: running means stay through training, division and validation."""
    plan = replace(small_runs.plan(*data, epochs=1), freeze_batchnorm=True)
    before = {k: v.clone() for k, v in plan.learning.network.state_dict().items() if "running" in k}
    _trainer(tmp_path, plan).train()

    assert before
    assert all(torch.equal(value, plan.learning.network.state_dict()[key]) for key, value in before.items())


@pytest.mark.parametrize("space", ["pooled", "embedding"])
def test_clusters_are_made_in_the_space_asked_for(data: tuple[Records, Records], tmp_path: Path, space: str) -> None:
    """`space: embedding` clusters the d-vector, "pooled" the feature before the embedding layer, in evaluation mode."""
    plan = replace(small_runs.plan(data[0], epochs=1), space=space)
    layer, before_training = plan.learning.network.layer, []
    layer.register_forward_hook(lambda module, _inputs, output: before_training.append((module.training, len(output))))
    _trainer(tmp_path, plan).train()
    divided = [(training, count) for training, count in before_training if count == len(data[0])]

    assert divided == ([(False, len(data[0]))] if space == "embedding" else [])


def test_learners_double_to_the_bit(data: tuple[Records, Records], tmp_path: Path) -> None:
    """PAMI 2021: 1, 2, 4 learners with learned masks, children of one cluster and one mask; features are extracted only
    when there is something to divide; stopped right after the second division and resumed, the run ends the same."""
    plan = small_runs.plan(*data, learners=4, subspaces="learned", doubling=True)
    plan = replace(plan, schedule=replace(plan.schedule, every=1, conquer_from=3, finetune_from=None))
    heard = Heard()
    _trainer(tmp_path / "whole", plan, heard).train()
    divisions = [RunFolder(tmp_path / "whole").read_division(epoch) for epoch in range(4)]

    assert [len(event["sizes"]) for event in heard.of("division")] == [1, 2, 4, 4]
    assert [event["feature_seconds"] > 0 for event in heard.of("division")] == [False, True, True, True]
    assert [len(event["recall"]["each"]) for event in heard.of("learners")] == [1, 2, 4, 4]
    for parent, child in itertools.pairwise(divisions[:3]):
        both = (parent.clusters >= 0) & (child.clusters >= 0)
        assert (child.clusters[both] // 2 == parent.clusters[both]).all()
    stopped = small_runs.plan(*data, learners=4, subspaces="learned", doubling=True)
    stopped = replace(stopped, schedule=plan.schedule)
    with pytest.raises(TrainingInterrupted):
        _trainer(tmp_path / "part", stopped, Heard(stop_at=(2, 0))).train()
    again = replace(small_runs.plan(*data, learners=4, subspaces="learned", doubling=True), schedule=plan.schedule)
    trainer = _trainer(tmp_path / "part", again)
    trainer.resume()
    trainer.train()

    assert _fingerprint(again) == _fingerprint(plan)


def test_an_average_is_validated_kept_and_resumed(data: tuple[Records, Records], tmp_path: Path) -> None:
    """EMA: the model on disk is the moving average, and a resumed run has the same one; with accumulated gradients and
    a clipped norm, whose last group in an epoch is smaller."""

    def averaged() -> Plan:
        plan = small_runs.plan(data[0])
        average = AveragedModel(plan.learning.network, multi_avg_fn=get_ema_multi_avg_fn(0.9))
        return replace(plan, learning=replace(plan.learning, average=average, clip=0.5), accumulate=4)

    plan, other, heard = averaged(), averaged(), Heard()
    _trainer(tmp_path / "whole", plan, heard).train()
    kept, _, fingerprint = load_model(tmp_path / "whole")
    deployed = plan.learning.deployed.state_dict()
    with pytest.raises(TrainingInterrupted):
        _trainer(tmp_path / "part", other, Heard(stop_at=heard_step(heard, 1, 0))).train()
    other = averaged()
    trainer = _trainer(tmp_path / "part", other)
    trainer.resume()
    trainer.train()

    assert all(torch.equal(value, deployed[name]) for name, value in kept.state_dict().items())
    assert not torch.equal(kept.layer.weight, plan.learning.network.layer.weight)
    assert load_model(tmp_path / "part")[2] == fingerprint
    assert {event["step"] % 4 for event in heard.of("step")[:-1] if event["step"] + 1 < event["steps"]} == {3}


def heard_step(heard: Heard, epoch: int, number: int) -> tuple[int, int]:
    """Position of an epoch's `number`-th step that was told."""
    event = [event for event in heard.of("step") if event["epoch"] == epoch][number]
    return event["epoch"], event["step"]


def test_patience(data: tuple[Records, Records], tmp_path: Path) -> None:
    """The run ends after so many epochs without a better score, keeps its best model, and stays ended when resumed."""
    plan = small_runs.plan(*data, epochs=30)
    plan = replace(plan, patience=2, rates=Rates(30, "multi-step", 0, (1,), 1e-9))
    heard = Heard()
    done = _trainer(tmp_path, plan, heard).train()
    scores = [event["validation"] for event in heard.of("epoch")]
    again = _trainer(tmp_path, replace(small_runs.plan(*data, epochs=30), patience=2))
    again.resume()

    assert done.epoch == len(scores) == done.best_epoch + 3 < 30
    assert max(scores) == scores[done.best_epoch] == done.best
    assert again.train().epoch == done.epoch
