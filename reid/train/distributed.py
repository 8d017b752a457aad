"""Training by several processes, each with its own share of every batch.

A step is one step of one model, whatever the number W of processes. Each computes the raw embeddings of its share of
the images; these are gathered, so that every process computes the same loss of the whole batch, with the same draws,
and knows the gradient of every embedding. It takes that of its own images back through the network. The gradients of
the network's parameters are then added up over the processes; those of what the loss has learned are equal anyway. So
every process makes the same step of the optimiser, and no weights need to be exchanged.

What only one process can do, such as dividing and scoring, the first does while the others wait.
"""

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from reid.errors import ProcessLost
from reid.train.group import Block, Floats, Forward, Group, Made, Network, stretch

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

PATIENCE = 15
"""How many times longer than in a step the processes wait while the first one divides, scores or saves."""
_STORE_SECONDS = 2.0


class Processes(Group):
    """Several processes, as one of them sees them.

    Args:
        device: where this process computes; with GPUs, each process needs its own.
        rank: number of this process, from 0.
        world: W, 2 or larger.
        local_rank: its number on its machine, from 0.
        neighbours: number of processes on its machine.
        store: where they have met.
        timeout: seconds after which a process that does not answer in a step is given up.

    Raises:
        ProcessLost: another process has ended, or does not answer.
    """

    def __init__(
        self,
        device: torch.device,
        *,
        rank: int,
        world: int,
        local_rank: int,
        neighbours: int,
        store: "Store",
        timeout: float,
    ) -> None:
        super().__init__(device)
        self.rank, self.world, self.neighbours = rank, world, neighbours
        self._leads = local_rank == 0
        self._timeout = timeout
        backend = "nccl" if device.type == "cuda" else "gloo"
        with self.watched():
            dist.init_process_group(
                backend, store=store, rank=rank, world_size=world, timeout=timedelta(seconds=timeout)
            )
            self._quick, self._patient = _on_cpus(timeout), _on_cpus(PATIENCE * timeout)
        self._debug = debugging()

    def close(self) -> None:
        """Leave the other processes, without waiting for them."""
        dist.destroy_process_group()

    def forward(self, network: nn.Module, function: Forward) -> Forward:
        """See `Group.forward`; afterwards every process has the first one's weights and buffers."""
        devices = [self.device] if self.device.type == "cuda" else None
        with self.watched():
            return DistributedDataParallel(_Part(network, function), device_ids=devices)

    def unfinished(self, forward: Forward | None) -> Block:
        """See `Group.unfinished`."""
        if not isinstance(forward, DistributedDataParallel):
            return contextlib.nullcontext()
        block: Block = forward.no_sync()
        return block

    def gather(self, own: Tensor) -> Tensor:
        """See `Group.gather`."""
        if self._debug:
            self._same(str(tuple(own.shape)), "the shape of the embeddings")
        with self.watched():
            whole: Tensor = _Gather.apply(own, self)
        return whole

    def collect(self, own: Floats, count: int, unit: int) -> Floats:
        """See `Group.collect`."""
        with self.watched():
            if not self.first:
                if len(own):
                    dist.send(torch.from_numpy(own), dst=0, group=self._patient)
                return own[:0]
            whole = np.empty((count, *own.shape[1:]), dtype=np.float32)
            whole[: len(own)] = own
            for rank in range(1, self.world):
                theirs = whole[stretch(rank, self.world, count, unit)]
                if len(theirs):
                    dist.recv(torch.from_numpy(theirs), src=rank, group=self._patient)
            return whole

    def from_first(self, make: Callable[[], Made]) -> Made:
        """See `Group.from_first`."""
        values: list[Any] = [make() if self.first else None]
        with self.watched():
            dist.broadcast_object_list(values, src=0, group=self._patient)
        made: Made = values[0]
        return made

    def synchronised(self, network: Network) -> Network:
        """See `Group.synchronised`; GPUs only."""
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]  # changes it in place
        return network

    def agree(self, *wishes: bool) -> tuple[bool, ...]:
        """See `Group.agree`."""
        found = torch.tensor(wishes, dtype=torch.int32)
        with self.watched():
            dist.all_reduce(found, op=dist.ReduceOp.MAX, group=self._quick)
        return tuple(bool(value) for value in found.tolist())

    @contextlib.contextmanager
    def first_here(self) -> Iterator[None]:
        """See `Group.first_here`."""
        if not self._leads:
            self.from_first(lambda: None)
        yield
        if self._leads:
            self.from_first(lambda: None)

    def align(self, tensors: Iterable[Tensor]) -> None:
        """See `Group.align`."""
        with self.watched():
            for tensor in tensors:
                dist.broadcast(tensor.detach(), src=0)

    def check(self, tensors: Iterable[Tensor], what: str) -> None:
        """See `Group.check`."""
        if self._debug:
            total = hashlib.sha256()
            for tensor in tensors:
                total.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
            self._same(total.hexdigest(), what)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """See `Group.watched`."""
        try:
            yield
        except RuntimeError as error:
            if not (isinstance(error, dist.DistError) or "gloo" in str(error)):
                raise
            raise ProcessLost(
                f"another process of this training ended, or did not answer for {self._timeout:.0f} s; if it could say "
                "why, it did so above; go on from the last checkpoint with --resume"
            ) from error

    def _same(self, own: str, what: str) -> None:
        theirs: list[Any] = [None] * self.world
        with self.watched():
            dist.all_gather_object(theirs, own, group=self._quick)
        if len(set(theirs)) > 1:
            raise RuntimeError(f"{what} must be the same on all processes, and is {theirs}")


def debugging() -> bool:
    """Whether torch was asked to look after its processes closely, by TORCH_DISTRIBUTED_DEBUG=INFO or DETAIL."""
    from torch.distributed import DebugLevel, get_debug_level  # type: ignore[attr-defined]  # not re-exported by name

    return bool(get_debug_level() != DebugLevel.OFF)


def claim(store: "Store") -> bool:
    """Whether this process is the first to report an error; also true where that cannot be found out."""
    counted: list[int] = []

    def count() -> None:
        with contextlib.suppress(RuntimeError):  # the store went with the process that kept it
            counted.append(int(store.add("errors", 1)))

    thread = threading.Thread(target=count, daemon=True)  # asking for a store that hangs would take for ever
    thread.start()
    thread.join(_STORE_SECONDS)
    return counted in ([], [1])


def _on_cpus(timeout: float) -> dist.ProcessGroup:
    group: dist.ProcessGroup = dist.new_group(backend="gloo", timeout=timedelta(seconds=timeout))  # type: ignore[assignment]  # all are members
    return group


class _Part(nn.Module):
    """A part of a network as a module of its own, with all of the network's parameters."""

    def __init__(self, network: nn.Module, function: Forward) -> None:
        super().__init__()
        self.network = network
        self._function = function

    def forward(self, images: Tensor) -> Tensor:
        return self._function(images)


class _Gather(torch.autograd.Function):
    """Rows of all processes, where every process goes on to compute the same from them.

    The gradient of all rows is then the same on every process, so that each can take that of its own rows without
    asking the others. It is multiplied by W, as a sum over the processes would be, for it will be divided by W when
    gradients of the network are averaged.
    """

    @staticmethod
    def forward(ctx: Any, own: Tensor, group: Processes) -> Tensor:
        ctx.group = group
        whole = own.new_empty((group.world * len(own), *own.shape[1:]))
        dist.all_gather_into_tensor(whole, own.contiguous())
        return whole

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient[ctx.group.part(len(gradient))] * ctx.group.world, None
