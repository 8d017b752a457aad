"""Several processes on this machine compute what one would, and tell each other what they must."""

import time
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ranks
import small_runs
import torch
from numpy.typing import NDArray
from shared_runs import Act, Kind, Ran, ran, untrained, whole_ids
from torch import Tensor, nn

from reid.model.embedder import Architecture, EmbeddingNetwork, freeze_batchnorm
from reid.model.losses import MarginLoss
from reid.records import Records
from reid.train.distributed import Processes
from reid.train.group import Group
from reid.train.validation import hold_out

LABELS = torch.arange(4).repeat_interleave(3)
Gradients = list[Tensor | None]


def _network() -> EmbeddingNetwork:
    torch.manual_seed(0)
    made = EmbeddingNetwork(Architecture("small-cnn", 8, 2)).to(memory_format=torch.channels_last)
    made.train()
    freeze_batchnorm(made.backbone)
    return made


def _images(seed: int = 1) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (12, 16, 16, 3), generator=random, dtype=torch.uint8)


def _loss(embeddings: Tensor) -> Tensor:
    torch.manual_seed(2)
    loss: Tensor = MarginLoss()(nn.functional.normalize(embeddings), LABELS)
    return loss


def _gradients(network: nn.Module) -> Gradients:
    return [parameter.grad for parameter in network.parameters()]


def _same_gradients(found: list[Gradients]) -> None:
    """The first are those of one process, the others of several: the same on all of these, and equal to 2e-6 of size 1."""
    wanted, first, *others = found
    assert max(float(gradient.abs().max()) for gradient in wanted if gradient is not None) > 0.1
    for place, gradient in enumerate(wanted):
        if gradient is None:
            assert {theirs[place] for theirs in (first, *others)} == {None}
        else:
            assert float((first[place] - gradient).abs().max()) <= 2e-6 * max(1.0, float(gradient.abs().max()))
            assert all(torch.equal(first[place], theirs[place]) for theirs in others)


def _one_step(group: Group) -> tuple[float, Gradients]:
    network = _network()
    forward = group.forward(network, network.raw)
    loss = _loss(group.gather(forward(_images()[group.part(12)])))
    loss.backward()
    return loss.item(), _gradients(network)


@pytest.mark.parametrize("world", [2, 3])
def test_a_step_is_that_of_one_process(world: int) -> None:
    """J8: the loss of a batch and every gradient of the network are those of one process to 2e-6."""
    found = [*ranks.run(1, _one_step), *ranks.run(world, _one_step)]

    assert [loss for loss, _ in found] == pytest.approx([found[0][0]] * (1 + world), abs=2e-6)
    _same_gradients([gradients for _, gradients in found])


def _resting_and_adding(group: Group) -> tuple[Gradients, Gradients]:
    """Gradients of two batches, added up; and of a later one of the same network, whose backbone has rested before."""
    network = _network()
    forward = group.forward(network, network.raw)
    with group.unfinished(forward):
        _loss(group.gather(forward(_images(1)[group.part(12)]))).backward()
    _loss(group.gather(forward(_images(2)[group.part(12)]))).backward()
    added = _gradients(network)
    for rests in (True, False):
        network.zero_grad(set_to_none=True)
        network.backbone.requires_grad_(not rests)
        forward = group.forward(network, network.raw)
        _loss(group.gather(forward(_images(3)[group.part(12)]))).backward()
        if rests:
            resting = _gradients(network)
    return added, resting, _gradients(network)


def test_accumulated_and_resting_gradients_are_those_of_one_process() -> None:
    """Gradients added up over two batches, those of a network whose backbone rests, and those after it has rested."""
    found = [*ranks.run(1, _resting_and_adding), *ranks.run(2, _resting_and_adding)]
    for gradients in zip(*found, strict=True):
        _same_gradients(list(gradients))
    assert None in found[0][1]
    assert None not in found[0][2]


def _gathered(group: Processes) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What was gathered, and its gradient, by ours and by the operation of torch."""
    from torch.distributed.nn.functional import all_gather

    made: list[Tensor] = []
    for gather in (group.gather, lambda own: torch.cat(all_gather(own))):
        own = (torch.arange(6.0).reshape(3, 2) + 10 * group.rank).requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # it is to go
            whole = gather(own)
        (whole.sin() * torch.arange(len(whole))[:, None]).sum().backward()
        made += [whole.detach(), own.grad]
    return tuple(made)


def test_gathering_is_that_of_torch() -> None:
    """Rows come in order of the processes, and gradients go back as torch's own operation sends them, to the bit."""
    for ours, gradient, theirs, wanted in ranks.run(2, _gathered):
        assert ours[:, 0].tolist() == [0, 2, 4, 10, 12, 14]
        assert torch.equal(ours, theirs)
        assert torch.equal(gradient, wanted)


def _told(group: Processes) -> dict[str, Any]:
    called: list[int] = []

    def make() -> dict[str, Any]:
        called.append(group.rank)
        return {"score": 0.5, "rows": np.arange(3), "none": None, "state": {"beta": torch.ones(2)}}

    parameter = nn.Parameter(torch.tensor([1.0, group.rank]))
    with torch.no_grad():
        group.align([parameter])
    return {
        "made": group.from_first(make),
        "called": called,
        "agreed": group.agree(False, group.rank == 1, True),
        "aligned": parameter.tolist(),
        "first": group.first,
        "here": group.neighbours,
        "told": group.told("stopped"),
    }


def test_what_the_first_process_knows_all_know() -> None:
    """Values come from the first process, which alone makes them; a wish of any is everyone's."""
    found = ranks.run(3, _told)

    assert [told["called"] for told in found] == [[0], [], []]
    assert [told["first"] for told in found] == [True, False, False]
    assert [told["told"] for told in found] == ["stopped", "", ""]
    for told in found:
        assert (told["made"]["score"], told["made"]["none"]) == (0.5, None)
        assert told["made"]["rows"].tolist() == [0, 1, 2]
        assert told["made"]["state"]["beta"].tolist() == [1.0, 1.0]
        assert told["agreed"] == (False, True, True)
        assert told["aligned"] == [1.0, 0.0]
        assert told["here"] == 3


def _collected(group: Group, cases: list[tuple[int, int]]) -> list[NDArray[np.float32]]:
    made = []
    for count, unit in cases:
        rows = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
        made.append(group.collect(rows[group.stretch(count, unit)], count, unit))
    return made


def test_features_are_collected_in_order() -> None:
    """Every process's rows stand in their places on the first, also where there are fewer batches than processes."""
    cases = [(1, 4), (4, 4), (5, 4), (12, 4), (13, 4), (40, 1)]
    found = ranks.run(3, _collected, cases)

    assert [[len(rows) for rows in theirs] for theirs in found[1:]] == [[0] * len(cases)] * 2
    for (count, _), rows in zip(cases, found[0], strict=True):
        assert rows.tolist() == np.arange(2 * count).reshape(count, 2).tolist()


def _cached(group: Processes, marker: Path) -> bool:
    with group.first_here():
        there = marker.exists()
        time.sleep(0.1)
        marker.touch()
    return there


def test_one_process_of_a_machine_goes_first(tmp_path: Path) -> None:
    """What the first leaves, the others find."""
    assert ranks.run(3, _cached, tmp_path / "marker") == [False, True, True]


def _debugged(group: Processes) -> list[str]:
    messages = []
    for debug in (False, True):
        group._debug = debug
        group.check([torch.ones(2), torch.tensor(1.0)], "equal weights")
        try:
            group.check([torch.tensor(float(group.rank))], "the boundary")
        except RuntimeError as error:
            messages.append(str(error).partition(" must")[0])
    try:
        group.gather(torch.zeros(2 + group.rank, 3))
    except RuntimeError as error:
        messages.append(str(error))
    return messages


def test_debug_mode_compares_before_it_sends() -> None:
    """J6: weights that drifted apart, and shapes that differ, are an error on every process with what was found."""
    for messages in ranks.run(2, _debugged):
        assert messages == [
            "the boundary",
            "the shape of the embeddings must be the same on all processes, and is ['(2, 3)', '(3, 3)']",
        ]


def _converted(group: Processes) -> tuple[set[str], bool]:
    network = _network()
    keys, parameters = list(network.state_dict()), {id(parameter) for parameter in network.parameters()}
    kinds = {
        type(module).__name__ for module in group.synchronised(network).modules() if "Norm" in type(module).__name__
    }
    kept = list(network.state_dict()) == keys and {id(parameter) for parameter in network.parameters()} == parameters
    return kinds, kept


def test_synchronised_batchnorm_keeps_parameters_and_their_names() -> None:
    """An optimiser made before, and a checkpoint of either kind of network, fit; it runs on GPUs only."""
    assert ranks.run(2, _converted) == [({"SyncBatchNorm"}, True)] * 2


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Records, Records]:
    """Twelve identities to train on, four to validate on."""
    made = small_runs.patches(tmp_path_factory.mktemp("patches"), identities=16)
    train, validation = hold_out(made, 0.25, 0)
    assert validation is not None
    return train, validation


KINDS = {
    "slices": Kind(rest=1, accumulate=2),
    "learned masks, class vectors": Kind(loss="classes", subspaces="learned", doubling=True),
}


def _same_run(found: Ran, wanted: Ran) -> None:
    """Every loss and weight to 1e-5."""
    assert [step[:2] for step in found.losses] == [step[:2] for step in wanted.losses]
    assert [step[2] for step in found.losses] == pytest.approx([step[2] for step in wanted.losses], abs=1e-5)
    np.testing.assert_allclose(found.weights, wanted.weights, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", KINDS)
def test_runs_of_two_processes_are_those_of_one(data: tuple[Records, Records], tmp_path: Path, name: str) -> None:
    """J8: divided, validated and trained over all stages, two processes take the steps of one: the same images, losses
    and weights; and have the same weights to the bit. Only the first has written anything."""
    [wanted] = ranks.run(1, ran, tmp_path / "one", data, KINDS[name])
    found = ranks.run(2, ran, tmp_path / "two", data, KINDS[name])

    assert len(wanted.losses) > 9
    assert np.abs(wanted.weights - ranks.run(1, untrained, data, KINDS[name])[0]).max() > 0.005
    assert whole_ids(found) == whole_ids([wanted])
    for theirs in found:
        _same_run(theirs, wanted)
    assert np.array_equal(found[0].weights, found[1].weights)
    assert [folder.name for folder in sorted((tmp_path / "two").iterdir())] == sorted(
        folder.name for folder in (tmp_path / "one").iterdir()
    )


def test_the_number_of_processes_may_change(data: tuple[Records, Records], tmp_path: Path) -> None:
    """J8: a run of one process, stopped and gone on with by four, then by two, reads what it would have read, in the
    same order, and learns the same; who of them is asked to stop makes no difference."""
    [wanted] = ranks.run(1, ran, tmp_path / "one", data)
    parts = [
        ranks.run(1, ran, tmp_path / "run", data, Kind(), Act("stop", (0, 2))),
        ranks.run(4, partial(ran, resume=True), tmp_path / "run", data, Kind(), Act("stop", (1, 3), rank=2)),
        ranks.run(2, partial(ran, resume=True), tmp_path / "run", data),
    ]

    assert [[one.at for one in part] for part in parts] == [[(0, 3)], [(1, 4)] * 4, [(3, 0)] * 2]
    assert [note for part in parts for note in whole_ids(part)] == whole_ids([wanted])
    losses = [step for part in parts for step in part[0].losses]
    _same_run(replace(parts[-1][0], losses=losses), wanted)
