"""The processes of a run, as one of them sees them; and the usual case, in which there is only one.

Everything that training does differently with several processes goes through a `Group`; with one process it is the
identity and costs nothing. `reid.train.distributed` has the group of several.
"""

import contextlib
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float32]
Forward = Callable[[Tensor], Tensor]
Made = TypeVar("Made")
Network = TypeVar("Network", bound=nn.Module)
Block = contextlib.AbstractContextManager[None]


class Group:
    """The only process of a run.

    Attributes:
        device: where this process computes.
        rank: number of this process, from 0.
        world: W, number of processes.
        neighbours: number of them on this machine.
    """

    rank = 0
    world = 1
    neighbours = 1

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = torch.device("cpu") if device is None else device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes, prints, divides and scores."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """This process's share of a batch of `count` images, a multiple of W."""
        each = count // self.world
        return slice(self.rank * each, (self.rank + 1) * each)

    def stretch(self, count: int, unit: int) -> slice:
        """This process's share of `count` images, cut where a single process would begin another batch of `unit`.

        For in a batch of another size the last bits of a feature may differ. The first process has the longest share.
        """
        return stretch(self.rank, self.world, count, unit)

    def forward(self, network: nn.Module, function: Forward) -> Forward:  # noqa: ARG002  several processes need it
        """What to call instead of `function`, a part of `network`, for gradients that belong to the whole batch.

        To be made anew whenever parameters of the network begin or cease to need gradients.
        """
        return function

    def unfinished(self, forward: Forward | None) -> Block:  # noqa: ARG002  several processes need it
        """A block in which each process adds up gradients alone; they are summed when `forward` is next used outside."""
        return contextlib.nullcontext()

    def gather(self, own: Tensor) -> Tensor:
        """(B, d) rows of all processes, in order, from the (B / W, d) of each; gradients go back to them."""
        return own

    def collect(self, own: Floats, count: int, unit: int) -> Floats:  # noqa: ARG002  several processes need them
        """(count, D) rows on the first process, from the `stretch(count, unit)` of each; no rows on the others."""
        return own

    def from_first(self, make: Callable[[], Made]) -> Made:
        """What `make` returns on the first process, where alone it is called: plain values, arrays and tensors."""
        return make()

    def synchronised(self, network: Network) -> Network:
        """The same network, with BatchNorm that takes its statistics over the images of all processes."""
        return network

    def agree(self, *wishes: bool) -> tuple[bool, ...]:
        """For each wish whether any process has it; every process gets the same answer."""
        return wishes

    def first_here(self) -> Block:
        """A block that one process of each machine runs through before the others do, such as one that fills a cache."""
        return contextlib.nullcontext()

    def align(self, tensors: Iterable[Tensor]) -> None:
        """Give every process the first one's values, which rounding may have driven apart."""

    def check(self, tensors: Iterable[Tensor], what: str) -> None:
        """Compare tensors that must be equal on all processes; in debug mode only.

        Raises:
            RuntimeError: they differ.
        """

    def watched(self) -> Block:
        """A block in which messages between processes are exchanged, such as a backward pass.

        Raises:
            ProcessLost: another process has ended, or does not answer.
        """
        return contextlib.nullcontext()

    def told(self, message: str) -> str:
        """The message of an error that all processes raise at the same step: empty on all but the first."""
        return message if self.first else ""


def stretch(rank: int, world: int, count: int, unit: int) -> slice:
    """The share of process `rank`, see `Group.stretch`."""
    batches = -(-count // unit)
    first, after = (min(count, -(-place * batches // world) * unit) for place in (rank, rank + 1))
    return slice(first, after)
