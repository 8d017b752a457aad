"""How the processes of a run find each other, and how a mistake that several of them find is told once."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import torch

from reid.embed import choose_device
from reid.errors import ConfigError, ProcessLost, ReidError
from reid.text import listed, printable
from reid.train.distributed import Processes, claim
from reid.train.group import Group
from reid.train.place import Place

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

TIMEOUT = 120.0
"""Seconds after which a process that does not answer is given up."""


def own_device(name: str, place: Place) -> torch.device:
    """The device of one of several processes: a GPU of its own, or the CPU.

    Args:
        name: "auto" (GPUs if there are any), "cuda" or "cpu"; a single process may name any device.
        place: of the process.

    Raises:
        ConfigError: there is no such device, or fewer GPUs than processes.
        ProcessLost: the same, on all but the first process of a machine; without a message.
    """
    if place.world == 1:
        return choose_device(name)
    gpus = torch.cuda.device_count()
    kind = name if name != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    refusal = ""
    if kind.startswith("cuda:"):
        refusal = f"--device {printable(kind)} is one device for {place.world} processes; leave the number out"
    elif kind == "cuda" and gpus < place.neighbours:
        refusal = (
            f"{place.neighbours} processes were started on a machine with {gpus} GPUs; start one for each GPU, or train "
            "on the CPU with --device cpu"
        )
    if refusal:
        raise ConfigError(refusal) if place.local_rank == 0 else ProcessLost
    if kind != "cuda":
        return choose_device(kind)
    device = choose_device(f"cuda:{place.local_rank}")
    torch.cuda.set_device(device)
    return device


@contextlib.contextmanager
def joined(place: Place, device: str, *, timeout: float = TIMEOUT) -> Iterator[Group]:
    """The block in which this process works with the others of its run; an error in one of them ends all.

    Args:
        place: of this process.
        device: "auto", "cpu" or "cuda"; a single process may name any.
        timeout: seconds after which a process that does not answer is given up.

    Raises:
        ProcessLost: another process is missing, ended or hangs. Also in place of any error while another process reports
            one; it has no message then.
        ConfigError: there is no such device, or the processes compute on different kinds of devices.
    """
    if place.world == 1:
        yield Group(own_device(device, place))
        return
    own = own_device(device, place)
    store = _meet(place, own, timeout)
    group = Processes(
        own,
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
        if str(error) and not claim(store):
            raise ProcessLost from error
        raise
    except Exception:
        claim(store)
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
        raise ProcessLost(_absence(store, place, keys, timeout)) from error
    kinds = [store.get(key).decode() for key in keys]
    if len(set(kinds)) > 1:
        if not claim(store):
            raise ProcessLost
        found = ", ".join(f"{kind} in process {rank}" for rank, kind in enumerate(kinds))
        raise ConfigError(f"all processes must compute on the same kind of device, and it is {found}; set --device cpu")
    return store


def _absence(store: "Store", place: Place, keys: Sequence[str], timeout: float) -> str:
    """Who is missing; only the first of those that are there says it."""
    try:
        there = [store.check([key]) for key in keys]
    except RuntimeError:  # process 0 has said it, and taken the store with it
        return ""
    missing = [str(rank) for rank, came in enumerate(there) if not came]
    return (
        ""
        if there.index(True) != place.rank
        else (
            f"of {place.world} processes {len(missing)} did not start within {timeout:.0f} s: {listed(missing, 8)}; "
            "start all processes, and see what they say"
        )
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
