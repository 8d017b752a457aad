"""Where a process stands among those of a run, as torchrun tells each of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from reid.errors import ConfigError
from reid.text import printable


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
