"""Processes find each other, or say which of them are missing."""

import socket

import pytest
import ranks
import torch

from reid.errors import ConfigError, ProcessLost, TrainingInterrupted
from reid.train import joining
from reid.train.group import Group
from reid.train.joining import joined, own_device
from reid.train.place import Place


def test_a_process_alone_needs_nothing() -> None:
    """An ordinary run, on any device."""
    with joined(Place(), "cpu") as group:
        assert (type(group), group.device) == (Group, ranks.CPU)
    with pytest.raises(ConfigError, match="device 'abacus'"), joined(Place(), "abacus"):
        pass


def test_each_process_has_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """J10: without GPUs all compute on the CPU; fewer GPUs than processes, or one GPU for all of them, is refused, with
    one message on each machine."""
    first, second = Place(0, 2, 0, 2), Place(1, 2, 1, 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert own_device("auto", second) == own_device("cpu", second) == ranks.CPU
    assert own_device("cpu", Place()) == ranks.CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    one, few = (
        "--device cuda:1 is one device for 2 processes; leave the number out",
        "machine with 1 GPUs; .*--device cpu",
    )
    for name, refusal in (("cuda:1", one), ("auto", few), ("cuda", few)):
        with pytest.raises(ConfigError, match=refusal):
            own_device(name, first)
        with pytest.raises(ProcessLost, match=r"^$"):
            own_device(name, second)


def test_missing_processes_are_named() -> None:
    """J5: those that are there wait for as long as they were told, and the first of them says who did not come."""
    ended = ranks.start(5, lambda _group: None, timeout=2.0, missing=(1, 3)).end()
    message = "of 5 processes 2 did not start within 2 s: 1, 3; start all processes, and see what they say"

    assert all(isinstance(one.error, ProcessLost) for one in ended)
    assert [str(one.error) for one in ended] == [message, "", ""]


def test_a_missing_first_process_is_named() -> None:
    """J5: process 0 is where the others meet; without it each says where it was looked for."""
    with socket.socket() as bound:  # not listening
        bound.bind(("127.0.0.1", 0))
        place = Place(1, 2, 0, 1, "127.0.0.1", bound.getsockname()[1])
        with (
            pytest.raises(ProcessLost, match=r"process 1 of 2 cannot reach process 0 at 127\.0\.0\.1:\d+ \("),
            joined(place, "cpu", timeout=0.5),
        ):
            pass


def _fail(group: Group, failing: int) -> None:
    if group.rank == failing:
        raise ConfigError("this one is told")
    group.agree(False)


@pytest.mark.parametrize("failing", [0, 1])
def test_the_cause_is_told_once(failing: int) -> None:
    """J3: the process that fails keeps its error; the others end as well, with nothing to say."""
    ended = ranks.start(3, _fail, failing).end()

    assert isinstance(ended[failing].error, ConfigError)
    for rank in {0, 1, 2} - {failing}:
        assert isinstance(ended[rank].error, ProcessLost)
        assert (str(ended[rank].error), ended[rank].error.exit_code) == ("", 75)


def test_the_same_error_of_all_is_told_once() -> None:
    """A mistake that every process finds, such as missing data, is one message."""
    ended = ranks.start(3, lambda _group: _raise(ConfigError("found by all"))).end()

    assert sorted(str(one.error) for one in ended) == ["", "", "found by all"]


def _stop(group: Group) -> None:
    raise TrainingInterrupted(group.told("stopped in epoch 3"))


def test_what_all_do_the_first_tells() -> None:
    """Stopped at the same step, all end with 75, and the first says so."""
    ended = ranks.start(3, _stop).end()

    assert [(type(one.error), str(one.error)) for one in ended] == [
        (TrainingInterrupted, "stopped in epoch 3"),
        (TrainingInterrupted, ""),
        (TrainingInterrupted, ""),
    ]


def _raise(error: Exception) -> None:
    raise error


def _meet_elsewhere(group: Group) -> None:
    """Joins again, process 1 with a GPU that it says it has."""
    joining.own_device = lambda _name, place: torch.device("cuda" if place.rank == 1 else "cpu")
    place = Place(group.rank, 2, 0, 1, "127.0.0.1", group.from_first(ranks.free_port))
    with joined(place, "auto", timeout=20.0):
        pass


def test_different_devices_are_refused() -> None:
    """J10: a machine without its GPUs among others that have theirs is named before training starts."""
    ended = ranks.start(2, _meet_elsewhere).end()
    told = [one.error for one in ended if isinstance(one.error, ConfigError)]

    wanted = (
        "all processes must compute on the same kind of device, and it is cpu in process 0, cuda in process 1; "
        "set --device cpu"
    )
    assert [str(error) for error in told] == [wanted]
    assert [type(one.error) for one in ended if one.error not in told] == [ProcessLost]
