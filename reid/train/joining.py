"""How the processes of a run find each other: from the variables that torchrun sets for each of them."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import torch

from reid.embed import choose_device
from reid.errors import ConfigError, ProcessLost, ReidError
from reid.text import listed, printable
from reid.train.distributed import Processes, claim
from reid.train.group import Group

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

TIMEOUT = 120.0
"""Seconds after which a process that does not answer is given up."""


@dataclass(frozen=True)
class Place:
    """Where a process stands among those of a run.

    Attributes:
        rank: its number, from 0.
        world: how many there are.
        local_rank: its number on its machine, from 0.
        neighbours: how many there are on its machine.
        address: of the machine of process 0.
        port: at which the processes meet there.
        kept: whether the launcher keeps the meeting place, so that process 0 need not.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    neighbours: int = 1
    address: str = "localhost"
    port: int = 0
    kept: bool = False


def place_among(variables: Mapping[str, str]) -> Place:
    """The place that environment variables give this process; the only one if they name none.

    Args:
        variables: RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, with LOCAL_RANK and LOCAL_WORLD_SIZE where several
            processes share a machine.

    Raises:
        ConfigError: one is missing, or no number in its range.
    """
    if "RANK" not in variables or "WORLD_SIZE" not in variables:
        return Place()
    world = _number(variables, "WORLD_SIZE", 1, 2**20)
    if world == 1:
        return Place()
    rank = _number(variables, "RANK", 0, world - 1)
    neighbours = _number(variables, "LOCAL_WORLD_SIZE", 1, world, default=1)
    if not variables.get("MASTER_ADDR"):
        raise ConfigError("MASTER_ADDR is not set, although RANK and WORLD_SIZE are; start training with torchrun")
    return Place(
        rank=rank,
        world=world,
        local_rank=_number(variables, "LOCAL_RANK", 0, neighbours - 1, default=0),
        neighbours=neighbours,
        address=variables["MASTER_ADDR"],
        port=_number(variables, "MASTER_PORT", 1, 65535),
        kept=variables.get("TORCHELASTIC_USE_AGENT_STORE") == str(True),
    )


def own_device(name: str, place: Place) -> torch.device:
    """The device of one of several processes: a GPU of its own, or the CPU.

    Args:
        name: "auto" (GPUs if there are any), "cuda" or "cpu"; a single process may name any device.
        place: of the process.

    Raises:
        ConfigError: there is no such device, or fewer GPUs than processes.
    """
    if place.world == 1:
        return choose_device(name)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda:"):
        raise ConfigError(f"--device {printable(name)} is one device for {place.world} processes; leave the number out")
    if name != "cuda":
        return choose_device(name)
    if torch.cuda.device_count() < place.neighbours:
        raise ConfigError(
            f"{place.neighbours} processes were started on a machine with {torch.cuda.device_count()} GPUs; start one for "
            "each GPU, or train on the CPU with --device cpu"
        )
    device = choose_device(f"cuda:{place.local_rank}")
    torch.cuda.set_device(device)
    return device


@contextlib.contextmanager
def joined(place: Place, device: torch.device, *, timeout: float = TIMEOUT) -> Iterator[Group]:
    """The block in which this process works with the others of its run; an error in one of them ends all.

    Raises:
        ProcessLost: another process is missing, ended or hangs. Also in place of any error in the block that another
            process reports already; it has no message then.
        ConfigError: the processes compute on different kinds of devices.
    """
    if place.world == 1:
        yield Group()
        return
    store = _meet(place, device, timeout)
    group = Processes(
        device,
        rank=place.rank,
        world=place.world,
        local_rank=place.local_rank,
        neighbours=place.neighbours,
        store=store,
        timeout=timeout,
    )
    try:
        yield group
    except ReidError as error:
        if group.speaks(error):
            raise
        raise ProcessLost from error
    except Exception as error:
        group.speaks(error)
        raise
    finally:
        group.close()


def _meet(place: Place, device: torch.device, timeout: float) -> "Store":
    """The store of all processes, once all of them are there."""
    try:
        store = _store(place, timeout)
        store.set(f"device/{place.rank}", device.type)
    except (RuntimeError, ValueError) as error:
        reason = printable(str(error).partition("\n")[0][:200])
        raise ProcessLost(
            f"process {place.rank} of {place.world} cannot reach process 0 at {place.address}:{place.port} ({reason}); "
            "start all processes, with the same address"
        ) from error
    keys = [f"device/{rank}" for rank in range(place.world)]
    try:
        store.wait(keys, timedelta(seconds=timeout))
    except RuntimeError as error:
        raise ProcessLost(_absence(store, keys, timeout) if claim(store) else "") from error
    kinds = [store.get(key).decode() for key in keys]
    if len(set(kinds)) > 1:
        if not claim(store):
            raise ProcessLost
        found = ", ".join(f"{kind} in process {rank}" for rank, kind in enumerate(kinds))
        raise ConfigError(f"all processes must compute on the same kind of device, and it is {found}; set --device cpu")
    return store


def _absence(store: "Store", keys: Sequence[str], timeout: float) -> str:
    advice = "start all processes, and see what they say"
    try:
        missing = [str(rank) for rank, key in enumerate(keys) if not store.check([key])]
    except RuntimeError:
        return f"process 0 of {len(keys)} ended before all others were there; {advice}"
    return (
        f"of {len(keys)} processes {len(missing)} did not start within {timeout:.0f} s: {listed(missing, 8)}; {advice}"
    )


def _store(place: Place, timeout: float) -> "Store":
    from torch.distributed import TCPStore, rendezvous  # type: ignore[attr-defined]  # not re-exported by name

    wait = timedelta(seconds=timeout)
    if place.kept:  # in a way that changes between versions of torch
        found: Store = next(iter(rendezvous("env://", place.rank, place.world, timeout=wait)))[0]
        return found
    return TCPStore(
        place.address, place.port, place.world, is_master=place.rank == 0, timeout=wait, wait_for_workers=False
    )


def _number(variables: Mapping[str, str], name: str, lowest: int, highest: int, *, default: int | None = None) -> int:
    written = variables.get(name)
    if written is None and default is not None:
        return default
    if written is None or not written.isdecimal() or not lowest <= int(written) <= highest:
        found = "not set" if written is None else f"{printable(written)!r}"
        raise ConfigError(
            f"{name} is {found}, wanted a number from {lowest} to {highest}; start training with torchrun"
        )
    return int(written)
