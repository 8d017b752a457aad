"""Real processes of one training on this machine, split off from the test's own so that torch is imported once."""

import importlib
import multiprocessing
import os
import pickle
import signal
import socket
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import torch

from reid.train.group import Group
from reid.train.joining import joined
from reid.train.place import Place

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        value: what its work returned, or None.
        error: what it raised, or None.
        code: exit code, negative for a signal.
        seconds: until then.
    """

    value: Any
    error: BaseException | None
    code: int | None
    seconds: float


@dataclass(frozen=True)
class Running:
    """Processes at work."""

    processes: list[BaseProcess]
    answers: list[Connection]
    started: float

    def end(self, *, within: float = 60.0) -> list[Ended]:
        """How each of them ended; those still there after `within` seconds are killed, and a test fails."""
        ended = []
        for process, answer in zip(self.processes, self.answers, strict=True):
            left = max(0.0, self.started + within - time.monotonic())
            try:
                there = answer.poll(left)
                value, error = pickle.loads(answer.recv_bytes()) if there else (None, TimeoutError())  # noqa: S301  ours
            except EOFError:
                value, error = None, None
            seconds = time.monotonic() - self.started
            if isinstance(error, TimeoutError):
                os.kill(process.pid, signal.SIGKILL)
            process.join()
            ended.append(Ended(value, error, process.exitcode, seconds))
        return ended

    def send(self, rank: int, number: signal.Signals) -> None:
        """Send a signal to one of them."""
        os.kill(self.processes[rank].pid, number)


def start(
    world: int, work: Callable[..., Any], *arguments: Any, timeout: float = 30.0, missing: tuple[int, ...] = ()
) -> Running:
    """Start `world` processes, but for the missing ones, that call `work(group, *arguments)`."""
    return start_apart(world, partial(_join, timeout, work), *arguments, missing=missing)


def start_apart(world: int, work: Callable[..., Any], *arguments: Any, missing: tuple[int, ...] = ()) -> Running:
    """Start `world` processes, but for the missing ones, that call `work(place, *arguments)` and join by themselves."""
    port = free_port()
    places = [
        Place(rank, world, local_rank=rank, neighbours=world, address="127.0.0.1", port=port)
        for rank in range(world)
        if rank not in missing
    ]
    importlib.import_module("torch._dynamo")  # by the parent, which takes seconds: optimisers need it
    context, processes, answers = multiprocessing.get_context("fork"), [], []
    for place in places:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(theirs, place, work, arguments))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of splitting off from a process with threads
            process.start()
        theirs.close()
        processes.append(process)
        answers.append(ours)
    return Running(processes, answers, time.monotonic())


def run(world: int, work: Callable[..., Any], *arguments: Any, timeout: float = 30.0) -> list[Any]:
    """What `work(group, *arguments)` returned in each of `world` processes; raises what one of them raised."""
    if world == 1:
        return [work(Group(), *arguments)]
    ended = start(world, work, *arguments, timeout=timeout).end()
    for one in ended:
        if one.error is not None and str(one.error):
            raise one.error
    assert [one.code for one in ended] == [0] * world
    return [one.value for one in ended]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        number: int = bound.getsockname()[1]
    return number


def _join(timeout: float, work: Callable[..., Any], place: Place, *arguments: Any) -> Any:
    with joined(place, "cpu", timeout=timeout) as group:
        return work(group, *arguments)


def _child(answer: Connection, place: Place, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    value, error = None, None
    try:
        value = work(place, *arguments)
    except BaseException as raised:  # noqa: BLE001  for the test to judge
        error = raised.with_traceback(None)
        error.__cause__ = error.__context__ = None
    answer.send_bytes(pickle.dumps((value, error)))  # by value: the shared memory of tensors would go with this process
    answer.close()
