"""Whole runs on a few pictures: they learn, they repeat to the bit, and they go on where they stopped."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_runs
import torch

from reid.errors import ArtefactError, DataError, MissingInputError, TrainingDiverged, TrainingInterrupted
from reid.evaluation.protocols import all_vs_all
from reid.model.divide import DivideAndConquer
from reid.model.store import load_model
from reid.records import Embeddings, Records
from reid.train.run_folder import RunFolder
from reid.train.schedule import Stage
from reid.train.trainer import Plan, Trainer
from reid.train.validation import hold_out


@dataclass
class Heard:
    """A listener that keeps every event, and presses Ctrl-C when told to."""

    events: list[Mapping[str, Any]] = field(default_factory=list)
    stop_at: tuple[int, int] | None = None

    def __call__(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)
        if event["event"] == "step" and (event["epoch"], event["step"]) == self.stop_at:
            raise KeyboardInterrupt

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
    return Trainer(plan, RunFolder(folder), heard or Heard())


def _fingerprint(plan: Plan) -> str:
    """sha256 of every weight, of the loss, and of the optimiser's state."""
    total = hashlib.sha256()
    moments = [value for state in plan.learning.optimiser.state.values() for value in state.values()]
    weights = [*plan.learning.network.state_dict().values(), *plan.learning.criterion.state_dict().values()]
    for value in (*weights, *moments):
        total.update(value.contiguous().numpy().tobytes())
    return total.hexdigest()


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
    before = all_vs_all(Embeddings(trainer._features(validation, "embedding"), validation), nmi_seeds=0).mAP
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
    features = _trainer(folder, plan)._features(data[1], "embedding")

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


@pytest.mark.parametrize("workers", [0, 1, 2])
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


@pytest.mark.parametrize("stop_at", [(1, 2), (2, 0), (3, 3)])
def test_a_run_goes_on_to_the_bit(
    data: tuple[Records, Records], tmp_path: Path, reference: tuple[Path, Heard, Plan], stop_at: tuple[int, int]
) -> None:
    """E1, E4, F10: interrupted in the middle of any epoch (between divisions, right after one, in the finetune stage)
    and resumed by new objects, a run ends with the weights, the best epoch and the model file of one never stopped."""
    plan = small_runs.plan(*data)
    with pytest.raises(TrainingInterrupted, match=rf"stopped in epoch {stop_at[0] + 1}; go on with .*--resume --out"):
        _trainer(tmp_path, plan, Heard(stop_at=stop_at)).train()

    torch.rand(5)
    plan, heard = small_runs.plan(*data, workers=1), Heard()
    trainer = _trainer(tmp_path, plan, heard)
    trainer.resume()
    assert trainer.progress.epoch == stop_at[0]
    trainer.train()

    assert _fingerprint(plan) == _fingerprint(reference[2])
    assert heard.of("done") == reference[1].of("done")
    assert [e["loss"] for e in heard.of("step")] == [
        e["loss"] for e in reference[1].of("step") if e["epoch"] >= stop_at[0]
    ]
    assert (tmp_path / "model.safetensors").read_bytes() == (reference[0] / "model.safetensors").read_bytes()


def test_an_interrupt_before_the_first_checkpoint_promises_nothing(
    data: tuple[Records, Records], tmp_path: Path
) -> None:
    """Where there is nothing to resume from, Ctrl-C stays Ctrl-C, also in later epochs of a run that saves rarely."""
    for save_every, stop_at in ((1, (0, 3)), (3, (1, 0))):
        with pytest.raises(KeyboardInterrupt):
            _trainer(tmp_path, small_runs.plan(data[0], save_every=save_every), Heard(stop_at=stop_at)).train()


def test_a_run_that_saves_rarely_goes_on_from_its_checkpoint(data: tuple[Records, Records], tmp_path: Path) -> None:
    """`save_every: 2` resumes after epoch 2, and always saves at the end."""
    with pytest.raises(TrainingInterrupted):
        _trainer(tmp_path, small_runs.plan(*data, save_every=2), Heard(stop_at=(3, 0))).train()
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

    assert (trainer.progress.epoch, trainer.progress.division) == (1, None)
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
    with pytest.raises(TrainingDiverged, match=r"the loss is nan .* in epoch 3, batch 3") as caught:
        trainer.train()

    assert caught.value.exit_code == 76
    assert (tmp_path / "last.ckpt").read_bytes() == state
    assert (tmp_path / "model.safetensors").read_bytes() == model


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
