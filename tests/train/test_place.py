"""The place of a process is read from what its launcher says, or refused."""

from collections.abc import Mapping

import pytest

from reid.errors import ConfigError
from reid.train.place import Place, place_among

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
    assert place_among(variables) == Place()


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
