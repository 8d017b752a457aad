"""One step: what it changes, what it must not change, and what it does with numbers that are none."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import small_runs
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from reid.model.divide import DivideAndConquer
from reid.model.embedder import Architecture, EmbeddingNetwork
from reid.model.losses import build_loss
from reid.model.subspaces import slice_of
from reid.train.optimising import build_optimiser
from reid.train.step import Batch, Learning, Outcome


def _weights(learning: Learning) -> dict[str, list[float]]:
    state = {**learning.network.state_dict(), **learning.criterion.state_dict()}
    return {name: value.flatten().tolist() for name, value in state.items()}


def _step(learning: Learning, position: tuple[int, int] = (0, 0), learner: int | None = 0, **changed: Tensor) -> float:
    outcome = learning.step([small_runs.batch(position, learner)._replace(**changed)])
    assert outcome.stepped
    return outcome.losses[0]


def _with_loss(loss: Callable[[Tensor, Tensor], Tensor], *, optimiser: str = "sgd", lr: float = 0.1) -> Learning:
    """A learning whose base loss is this function, without weight decay."""
    learning = small_runs.learning(optimiser=optimiser)
    criterion = DivideAndConquer(loss, dimension=16, learners=2)
    made = build_optimiser(optimiser, learning.network, criterion, small_runs.rates_of(lr, 0.0))
    return dataclasses.replace(learning, criterion=criterion, optimiser=made)


def _plain(embeddings: Tensor, labels: Tensor) -> Tensor:
    return (embeddings * labels[:, None]).mean()


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
    made = build_optimiser("sgd", learning.network, learning.criterion, small_runs.rates_of(0.1, 0.0))
    learning = dataclasses.replace(learning, optimiser=made)
    before, beta = learning.network.layer.weight.detach().clone(), learning.criterion.loss.beta.item()
    first = next(learning.network.backbone.parameters()).detach().clone()
    _step(learning, (0, 0), learner)
    changed = (learning.network.layer.weight.detach() != before).any(dim=1).nonzero().squeeze(1).tolist()

    assert changed == (list(range(16)) if learner is None else list(range(16))[slice_of(learner, 2, 16)])
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
    whole = small_runs.batch()

    def value(chosen: Tensor) -> float:
        learning = _with_loss(loss)
        learning.network.eval()  # BatchNorm would see the repeated ones
        return _step(learning, images=whole.images[chosen], labels=whole.labels[chosen], rows=chosen)

    assert value(places) == pytest.approx(value(torch.tensor([0, 1, 3, 4, 5, 8, 9, 10])), rel=1e-4)
    assert [len(embeddings) for embeddings in seen] == [8, 8]
    distances = torch.cdist(seen[0], seen[0]) + torch.eye(8)
    assert distances.min() > 1e-3


def _not_finite(learning: Learning) -> Outcome:
    """The outcome of a step that must change nothing: no weight, no statistics, no state of the optimiser."""
    learning.network.train()
    before = _weights(learning)
    outcome = learning.step([small_runs.batch((3, 7), 1)])

    assert not outcome.stepped
    assert _weights(learning) == before
    assert not learning.optimiser.state
    return outcome


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_loss_that_is_no_number_changes_nothing(value: float, optimiser: str) -> None:
    """E5: BatchNorm's statistics, which the forward pass moves, are put back as well."""
    outcome = _not_finite(_with_loss(lambda embeddings, _labels: embeddings.sum() * value, optimiser=optimiser))

    assert not np.isfinite(outcome.losses[0])


def test_a_gradient_that_is_no_number_changes_nothing() -> None:
    """E5: a finite loss with a NaN gradient, as from a square root at zero."""
    learning = _with_loss(lambda embeddings, _labels: ((embeddings - embeddings.detach()).square().sum()).sqrt())
    outcome = _not_finite(learning)

    assert outcome.losses == [0.0]
    assert np.isnan(outcome.steepness)


def test_half_precision_scales_its_loss_and_tries_again() -> None:
    """fp16: a gradient too large for the scale leaves weights alone and lowers the scale, until it fits; that is no
    divergence, but a loss that is itself NaN is."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**120)
    learning = dataclasses.replace(_with_loss(lambda e, y: 1e6 * _plain(e, y)), scaler=scaler)
    outcomes = [learning.step([small_runs.batch()]) for _ in range(40)]
    stepped = [outcome.stepped for outcome in outcomes]

    assert not stepped[0]
    assert stepped[-1]
    assert all(outcome.rescaled for outcome in outcomes if not outcome.stepped)
    assert stepped == sorted(stepped)
    broken = dataclasses.replace(_with_loss(lambda e, _y: e.sum() * torch.nan), scaler=torch.amp.GradScaler("cpu"))
    assert not broken.step([small_runs.batch()]).rescaled


def test_a_scaled_loss_gives_the_same_step() -> None:
    """Scaling by a power of two and back changes no bit of the weights."""
    plain = _with_loss(_plain)
    scaled = dataclasses.replace(_with_loss(_plain), scaler=torch.amp.GradScaler("cpu"))
    for learning in (plain, scaled):
        _step(learning)

    assert _weights(plain) == _weights(scaled)


def test_bfloat16_multiplies_but_weights_and_loss_stay_float32() -> None:
    """Under autocast the loss sees float32, weights stay float32, and the loss is near the exact one."""
    seen: list[torch.dtype] = []

    def loss(embeddings: Tensor, labels: Tensor) -> Tensor:
        seen.append(embeddings.dtype)
        return (embeddings[:, 0] * labels).sum()

    exact, rough = _with_loss(loss), dataclasses.replace(_with_loss(loss), precision=torch.bfloat16)
    for learning in (exact, rough):
        learning.network.eval()

    assert _step(rough) == pytest.approx(_step(exact), abs=0.5)
    assert set(seen) == {torch.float32}
    assert {parameter.dtype for parameter in rough.network.parameters()} == {torch.float32}


def test_several_batches_make_one_step() -> None:
    """Accumulating: a step of plain gradient descent on two batches is the mean of the steps on each."""

    def change(batches: list[Batch]) -> Tensor:
        learning = _with_loss(_plain)
        learning.network.eval()
        before = learning.network.layer.weight.detach().clone()
        assert len(learning.step(batches).losses) == len(batches)
        return learning.network.layer.weight.detach() - before

    one, other = small_runs.batch((0, 0), 0), small_runs.batch((0, 1), 1, seed=1)

    assert change([one, other]) == pytest.approx((change([one]) + change([other])) / 2, abs=1e-6)


def test_clipping() -> None:
    """A gradient longer than `clip` is scaled down to it as a whole; a shorter one, and what is told, stays."""

    def moved(clip: float | None) -> tuple[float, float]:
        learning = dataclasses.replace(_with_loss(_plain, lr=1.0), clip=clip)
        before = torch.cat([p.detach().flatten().clone() for p in learning.network.parameters()])
        steepness = learning.step([small_runs.batch()]).steepness
        after = torch.cat([p.detach().flatten() for p in learning.network.parameters()])
        return (after - before).norm().item(), steepness

    free, steepness = moved(None)

    assert free == pytest.approx(steepness, rel=1e-4)
    assert moved(steepness / 2) == pytest.approx((steepness / 2, steepness), rel=1e-3)
    assert moved(steepness * 2) == pytest.approx((free, steepness), rel=1e-4)


def test_the_moving_average() -> None:
    """EMA: the first step is taken over, later ones move the average by 1 - decay; statistics are the network's."""
    learning = small_runs.learning()
    average = AveragedModel(learning.network, multi_avg_fn=get_ema_multi_avg_fn(0.75))
    learning = dataclasses.replace(learning, average=average)
    assert learning.deployed is average.module
    weight = []
    for number in range(3):
        _step(learning, (0, number))
        weight.append(learning.network.layer.weight.detach().clone())
    wanted = 0.75 * (0.75 * weight[0] + 0.25 * weight[1]) + 0.25 * weight[2]
    buffers = zip(learning.network.buffers(), learning.deployed.buffers(), strict=True)

    assert torch.allclose(learning.deployed.layer.weight, wanted, atol=1e-7)
    assert all(torch.equal(a, b) for a, b in buffers)


def test_rates_are_multiples_of_the_settings() -> None:
    """`set_rates` scales from the rate in the settings, not from the last one; a resting backbone has 0 and does not
    move, though its statistics are as in training."""
    learning = small_runs.learning(lr=0.01)
    for factor in (0.5, 0.5, 2.0):
        learning.set_rates(factor)
        assert {group["lr"] for group in learning.optimiser.param_groups} == {0.01 * factor}
    learning.set_rates(1.0, backbone_rests=True)
    before = [p.detach().clone() for p in learning.network.backbone.parameters()]
    layer = learning.network.layer.weight.detach().clone()
    _step(learning, learner=None)

    assert {group["name"]: group["lr"] for group in learning.optimiser.param_groups} == {
        "backbone": 0.0,
        "layer": 0.01,
        "loss": 0.01,
    }
    assert all(torch.equal(a, b) for a, b in zip(before, learning.network.backbone.parameters(), strict=True))
    assert not torch.equal(layer, learning.network.layer.weight)


def test_children_inherit_what_the_optimiser_knows() -> None:
    """On a split the masks of both children, and Adam's moments of them, are the parent's."""
    learning = small_runs.learning(learners=4, subspaces="learned", start=1)
    _step(learning)
    masks = learning.criterion.subspaces.masks
    moments = [learning.optimiser.state[masks][name] for name in ("exp_avg", "exp_avg_sq")]
    parents = [value[0].detach().clone() for value in (masks, *moments)]
    learning.grow(4)

    assert learning.criterion.subspaces.learners == 4
    for value, parent in zip((masks, *moments), parents, strict=True):
        assert all(torch.equal(value[k], parent) for k in range(4))
    assert parents[1].abs().sum() > 0


def test_active_pairs_are_told() -> None:
    """The margin loss counts its terms above zero; a plain function counts nothing."""
    assert small_runs.learning().step([small_runs.batch()]).active[0] is not None
    assert _with_loss(_plain).step([small_runs.batch()]).active == [None]


def test_the_neck_learns_from_images_that_count() -> None:
    """A step moves its scale and statistics and not its shift; a repeated image counts once in both; NaN undoes all."""
    network = EmbeddingNetwork(Architecture("small-cnn", 16, 2, neck="batchnorm"))
    criterion = DivideAndConquer(
        build_loss([{"name": "softmax"}, {"name": "triplet"}], classes=4, dimension=16), dimension=16, learners=2
    )
    optimiser = build_optimiser("adam", network, criterion, small_runs.rates_of(1e-3))
    learning = Learning(network, criterion, optimiser, 0)
    batch = small_runs.batch(learner=None)
    before = {key: value.clone() for key, value in network.neck.state_dict().items()}
    assert learning.step([batch]).stepped
    after = {key: value.clone() for key, value in network.neck.state_dict().items()}

    assert [key for key in before if not torch.equal(before[key], after[key])] == [
        "weight", "running_mean", "running_var", "num_batches_tracked",
    ]  # fmt: skip
    twice = batch._replace(
        images=torch.cat([batch.images, batch.images[:3]]),
        labels=torch.cat([batch.labels, batch.labels[:3]]),
        rows=torch.cat([batch.rows, batch.rows[:3]]),
    )
    network.eval()  # so that the backbone's statistics do not move
    network.neck.train()
    learning.loss(batch)
    once = network.neck.running_mean.clone()
    network.neck.load_state_dict(after)
    learning.loss(twice)
    assert network.neck.running_mean.numpy() == pytest.approx(once.numpy(), abs=1e-6)
    network.neck.load_state_dict(after)
    with torch.no_grad():
        criterion.loss.losses[0].vectors.fill_(torch.nan)
    assert not learning.step([batch]).stepped
    assert all(torch.equal(value, after[key]) for key, value in network.neck.state_dict().items())
