"""One step: what it changes, what it must not change, and what stops it."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import small_runs
import torch
from torch import Tensor

from reid.errors import TrainingDiverged
from reid.model.divide import DivideAndConquer
from reid.model.subspaces import slice_of
from reid.train.step import Learning, build_optimiser, runs_bf16

LABELS = torch.arange(4).repeat_interleave(3)
ROWS = torch.arange(12)


def _weights(learning: Learning) -> dict[str, list[float]]:
    state = {**learning.network.state_dict(), **learning.criterion.state_dict()}
    return {name: value.flatten().tolist() for name, value in state.items()}


def _step(learning: Learning, position: tuple[int, int] = (0, 0), learner: int | None = 0, **changed: Tensor) -> float:
    inputs = {"images": small_runs.pictures(12), "labels": LABELS, "rows": ROWS, **changed}
    return learning.step(**inputs, position=position, learner=learner)


def _with_loss(loss: Callable[[Tensor, Tensor], Tensor], *, optimiser: str = "sgd") -> Learning:
    """A learning whose base loss is this function."""
    learning = small_runs.learning(optimiser=optimiser)
    criterion = DivideAndConquer(loss, dimension=16, learners=2)
    made = build_optimiser(optimiser, learning.network, criterion, lr=0.1, weight_decay=0.0)
    return dataclasses.replace(learning, criterion=criterion, optimiser=made)


def test_steps_lower_the_loss() -> None:
    """The same batch again and again is learned, in every stage."""
    for learner in (0, 1, None):
        learning = small_runs.learning()
        losses = [_step(learning, (0, number), learner) for number in range(10)]

        assert np.mean(losses[-3:]) < 0.8 * np.mean(losses[:3])


@pytest.mark.parametrize("learner", [0, 1, None])
def test_a_step_of_a_learner_changes_its_rows_of_the_layer(learner: int | None) -> None:
    """Stage divide: plain gradient descent moves the rows of the learner's slice; conquer moves all. The backbone and
    the loss's beta learn in every stage."""
    learning = small_runs.learning(optimiser="sgd")
    made = build_optimiser("sgd", learning.network, learning.criterion, lr=0.1, weight_decay=0.0)
    learning = dataclasses.replace(learning, optimiser=made)
    before, beta = learning.network.layer.weight.detach().clone(), learning.criterion.loss.beta.item()
    first = next(learning.network.backbone.parameters()).detach().clone()
    _step(learning, (0, 0), learner)
    changed = (learning.network.layer.weight.detach() != before).any(dim=1).nonzero().squeeze(1).tolist()

    assert changed == list(range(16)) if learner is None else list(range(16))[slice_of(learner, 2, 16)]
    assert learning.criterion.loss.beta.item() != beta
    assert not torch.equal(next(learning.network.backbone.parameters()), first)


def test_chance_follows_from_seed_and_position() -> None:
    """Dropout and drawn negatives are the same at the same seed, epoch and step, whatever was drawn before; and others
    at another."""

    def loss(position: tuple[int, int], seed: int = 0, burn: int = 0) -> float:
        learning = dataclasses.replace(small_runs.learning(dropout=0.5), seed=seed)
        torch.rand(burn + 1)
        return _step(learning, position, None)

    assert loss((1, 2)) == loss((1, 2), burn=1000)
    assert len({loss((1, 2)), loss((1, 3)), loss((2, 2)), loss((1, 2), seed=1)}) == 4


def test_a_repeated_image_counts_once() -> None:
    """A3: an image that fills two places of a batch is no positive pair of itself: the loss is that of the different
    images, and no pair of one file is ever seen."""
    seen: list[Tensor] = []

    def loss(embeddings: Tensor, labels: Tensor) -> Tensor:
        seen.append(embeddings.detach())
        return (embeddings * labels[:, None]).sum()

    places = torch.tensor([0, 1, 0, 3, 4, 5, 3, 3, 8, 9, 10, 9])
    learning = _with_loss(loss)
    learning.network.eval()  # BatchNorm would see the repeated ones
    value = _step(learning, images=small_runs.pictures(12)[places], labels=LABELS[places], rows=places)
    first = torch.tensor([0, 1, 3, 4, 5, 8, 9, 10])
    other = _with_loss(loss)
    other.network.eval()

    assert value == pytest.approx(
        _step(other, images=small_runs.pictures(12)[first], labels=LABELS[first], rows=first), rel=1e-4
    )
    assert [len(embeddings) for embeddings in seen] == [8, 8]
    distances = torch.cdist(seen[0], seen[0]) + torch.eye(8)
    assert distances.min() > 1e-3


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_loss_that_is_no_number_changes_no_weight(value: float, optimiser: str) -> None:
    """E5: exit code 76 with the position; no weight and no state of the optimiser changes."""
    learning = _with_loss(lambda embeddings, _labels: embeddings.sum() * value, optimiser=optimiser)
    learning.network.eval()
    before = _weights(learning)
    with pytest.raises(
        TrainingDiverged, match=r"the loss is (nan|-?inf) .* epoch 4, batch 8, learner 1; lower train\.lr"
    ) as caught:
        _step(learning, (3, 7), 1)

    assert caught.value.exit_code == 76
    assert _weights(learning) == before
    assert not learning.optimiser.state


def test_a_gradient_that_is_no_number_changes_no_weight() -> None:
    """E5: a finite loss with a NaN gradient, as from a square root at zero, stops the run as well."""
    learning = _with_loss(lambda embeddings, _labels: ((embeddings - embeddings.detach()).square().sum()).sqrt())
    learning.network.eval()
    before = _weights(learning)
    with pytest.raises(
        TrainingDiverged, match=r"the loss is 0\.0 and the norm of its gradient nan in epoch 1, batch 1"
    ):
        _step(learning)

    assert _weights(learning) == before


def test_bfloat16_multiplies_but_weights_and_loss_stay_float32() -> None:
    """Under autocast the loss sees float32, weights stay float32, and the loss is near the exact one."""
    seen: list[torch.dtype] = []

    def loss(embeddings: Tensor, labels: Tensor) -> Tensor:
        seen.append(embeddings.dtype)
        return (embeddings[:, 0] * labels).sum()

    exact, rough = _with_loss(loss), dataclasses.replace(_with_loss(loss), bf16=True)
    for learning in (exact, rough):
        learning.network.eval()

    assert _step(rough) == pytest.approx(_step(exact), abs=0.5)
    assert set(seen) == {torch.float32}
    assert {parameter.dtype for parameter in rough.network.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_the_optimiser_has_every_parameter_once(name: str) -> None:
    """METHOD 9: network and loss, beta included, which alone is not decayed; rates are those asked for."""
    learning = small_runs.learning()
    made = build_optimiser(name, learning.network, learning.criterion, lr=0.02, weight_decay=0.3)
    given = [id(parameter) for group in made.param_groups for parameter in group["params"]]
    wanted = [id(parameter) for parameter in (*learning.network.parameters(), *learning.criterion.parameters())]

    assert sorted(given) == sorted(wanted)
    assert [group["weight_decay"] for group in made.param_groups] == [0.3, 0.0]
    assert [id(parameter) for parameter in made.param_groups[1]["params"]] == [id(learning.criterion.loss.beta)]
    assert {group["lr"] for group in made.param_groups} == {0.02}
    assert name != "sgd" or made.param_groups[0]["momentum"] == 0.9


def test_a_loss_without_parameters_needs_no_group() -> None:
    """A plain function as loss: the network alone is optimised."""
    assert len(_with_loss(lambda embeddings, _labels: embeddings.sum()).optimiser.param_groups) == 1


def test_rates_are_multiples_of_the_settings() -> None:
    """`set_rate` scales from the rate in the settings, not from the last one."""
    learning = small_runs.learning(lr=0.01)
    for factor in (0.5, 0.5, 2.0):
        learning.set_rate(factor)

        assert {group["lr"] for group in learning.optimiser.param_groups} == {0.01 * factor}


def test_precision() -> None:
    """fp32 and bf16 mean what they say on every device; auto decides by the hardware."""
    cpu = torch.device("cpu")

    assert runs_bf16("bf16", cpu)
    assert not runs_bf16("fp32", cpu)
    assert runs_bf16("auto", cpu) == torch.cpu._is_amx_tile_supported()
    assert not runs_bf16("auto", torch.device("mps"))
