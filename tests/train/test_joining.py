"""Processes find each other, or say which of them are missing."""

import socket
from collections.abc import Mapping

import pytest
import ranks
import torch

from reid.errors import ConfigError, ProcessLost
from reid.train.group import Group
from reid.train.joining import Place, _meet, joined, own_device, place_among

TORCHRUN = {
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "4",
    "MASTER_ADDR": "node1",
    "MASTER_PORT": "29500",
    "TORCHELASTIC_USE_AGENT_STORE": "True",
}


def test_a_place_is_read_from_what_torchrun_sets() -> None:
    """All of it; and without a launcher, which need not count the processes of a machine, there is one on each."""
    bare = {key: TORCHRUN[key] for key in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")}

    assert place_among(TORCHRUN) == Place(5, 8, 1, 4, "node1", 29500, kept=True)
    assert place_among(bare) == Place(5, 8, 0, 1, "node1", 29500, kept=False)


@pytest.mark.parametrize("variables", [{}, {"RANK": "3"}, {"WORLD_SIZE": "4"}, TORCHRUN | {"WORLD_SIZE": "1"}])
def test_a_process_alone_needs_nothing(variables: Mapping[str, str]) -> None:
    """Not started by torchrun, or as its only process: an ordinary run."""
    place = place_among(variables)
    with joined(place, ranks.CPU) as group:
        assert (place.world, type(group)) == (1, Group)


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("RANK", "8", "RANK is '8', wanted a number from 0 to 7"),
        ("RANK", "", "RANK is '', wanted a number from 0 to 7"),
        ("WORLD_SIZE", "two", "WORLD_SIZE is 'two'"),
        ("LOCAL_RANK", "4", "LOCAL_RANK is '4', wanted a number from 0 to 3"),
        ("MASTER_PORT", "0", "MASTER_PORT is '0', wanted a number from 1 to 65535"),
        ("MASTER_PORT", None, "MASTER_PORT is not set"),
        ("MASTER_ADDR", None, "MASTER_ADDR is not set"),
    ],
)
def test_wrong_variables_are_named(name: str, value: str | None, found: str) -> None:
    """78, with the variable, what it is, and how it should be set."""
    variables = {key: text for key, text in (TORCHRUN | {name: value}).items() if text is not None}
    with pytest.raises(ConfigError, match=f"{found}.*; start training with torchrun"):
        place_among(variables)


def test_each_process_has_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """J10: without GPUs all compute on the CPU; fewer GPUs than processes, or one GPU for all of them, is refused."""
    several = Place(1, 2, 1, 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert own_device("auto", several) == own_device("cpu", several) == ranks.CPU
    assert own_device("cpu", Place()) == ranks.CPU
    with pytest.raises(ConfigError, match="--device cuda:1 is one device for 2 processes; leave the number out"):
        own_device("cuda:1", several)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for name in ("auto", "cuda"):
        with pytest.raises(ConfigError, match=r"2 processes were started on a machine with 1 GPUs.*--device cpu"):
            own_device(name, several)


def test_missing_processes_are_named() -> None:
    """J5: those that are there wait for as long as they were told, and say who did not come, if only because the first
    has given up, whose store tells them apart."""
    ended = ranks.start(5, lambda _group: None, timeout=0.7, missing=(1, 3)).end(within=10)

    assert all(isinstance(one.error, ProcessLost) and one.seconds < 5 for one in ended)
    assert "of 5 processes 2 did not start within 1 s: 1, 3; start all" in {str(one.error)[:58] for one in ended}


def test_a_missing_first_process_is_named() -> None:
    """J5: process 0 is where the others meet; without it each says where it was looked for."""
    with socket.socket() as bound:  # not listening
        bound.bind(("127.0.0.1", 0))
        place = Place(1, 2, 0, 1, "127.0.0.1", bound.getsockname()[1])
        with (
            pytest.raises(ProcessLost, match=r"process 1 of 2 cannot reach process 0 at 127\.0\.0\.1:\d+ \("),
            joined(place, ranks.CPU, timeout=0.5),
        ):
            pass


def _fail(group: Group, failing: int) -> None:
    if group.rank == failing:
        raise ConfigError("this one is told")
    group.agree(False)


@pytest.mark.parametrize("failing", [0, 1])
def test_the_cause_is_told_once(failing: int) -> None:
    """J3: the process that fails keeps its error; the others end as well, with nothing to say."""
    ended = ranks.start(3, _fail, failing).end(within=20)

    assert isinstance(ended[failing].error, ConfigError)
    for rank in {0, 1, 2} - {failing}:
        assert isinstance(ended[rank].error, ProcessLost)
        assert (str(ended[rank].error), ended[rank].error.exit_code) == ("", 75)


def test_the_same_error_of_all_is_told_once() -> None:
    """A mistake that every process finds, such as missing data, is one message."""
    ended = ranks.start(3, lambda _group: _raise(ConfigError("found by all"))).end(within=20)

    assert sorted(str(one.error) for one in ended) == ["", "", "found by all"]


def _raise(error: Exception) -> None:
    raise error


def _meet_elsewhere(group: Group) -> None:
    """Joins again, process 1 with a GPU that it says it has."""
    device = torch.device("cuda" if group.rank == 1 else "cpu")
    address = group.from_first(ranks.free_port)
    _meet(Place(group.rank, 2, 0, 1, "127.0.0.1", address), device, 5.0)


def test_different_devices_are_refused() -> None:
    """J10: a machine without its GPUs among others that have theirs is named before training starts."""
    ended = ranks.start(2, _meet_elsewhere).end(within=20)
    told = [one.error for one in ended if isinstance(one.error, ConfigError)]

    wanted = (
        "all processes must compute on the same kind of device, and it is cpu in process 0, cuda in process 1; "
        "set --device cpu"
    )
    assert [str(error) for error in told] == [wanted]
    assert [type(one.error) for one in ended if one.error not in told] == [ProcessLost]
