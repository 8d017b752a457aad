"""Keys of losses, and what is wrong with what they are given."""

import math
from collections.abc import Callable
from typing import Annotated, Literal

import pytest
from pydantic import Field

from reid.config.kinds import Positive
from reid.model.losses import LOSSES
from reid.model.losses.keys import check_keys, own_keys, takes_given, takes_miner
from reid.model.losses.miners import MINERS


def example(
    *,
    classes: int,
    dimension: int,
    margin: Positive | Literal["soft"] = 0.2,
    mining: Literal["all", "hard"] = "all",
    swap: bool = False,
    bins: Annotated[int, Field(ge=2)] = 10,
    epsilon: float | None = None,
    miner: object = None,
) -> None:
    """A builder with keys of all kinds."""


def test_a_builder_has_the_keys_it_says():
    """Neither what every builder is given nor the miner is among them."""
    assert list(own_keys(example)) == ["margin", "mining", "swap", "bins", "epsilon"]
    assert takes_miner(example)
    assert takes_given(example)
    assert list(own_keys(LOSSES["margin"])) == ["alpha", "beta", "smallest", "cutoff"]
    assert not takes_given(LOSSES["margin"])


def test_right_values_are_taken_as_they_are():
    """Numbers may be written without a point, null means none, and what is not given is left to the default."""
    values = {"margin": 1, "mining": "hard", "swap": True, "bins": 3, "epsilon": None}

    assert check_keys("example", example, values, "loss") == (values, [])
    assert check_keys("example", example, {"margin": "soft"}, "loss") == ({"margin": "soft"}, [])
    assert check_keys("example", example, {}, "loss") == ({}, [])


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("margin", 0, "loss.margin: got 0, wanted more than 0 or 'soft'"),
        ("margin", "sfot", """loss.margin: got "sfot", wanted 'soft'"""),
        ("mining", "hrad", """loss.mining: got "hrad", wanted 'all' or 'hard'"""),
        ("swap", 1, "loss.swap: got 1, wanted true or false"),
        ("bins", 2.5, "loss.bins: got 2.5, wanted a whole number"),
        ("bins", 1, "loss.bins: got 1, wanted 2 or more"),
        ("epsilon", "0.1", 'loss.epsilon: got "0.1", wanted a number'),
        ("epsilon", math.nan, "loss.epsilon: got NaN, wanted a finite number"),
        ("epsilon", [0.1], "loss.epsilon: got [0.1], wanted a number"),
        (
            "mragin",
            1,
            "loss.mragin: example has no such key; did you mean 'margin'? It has: margin, mining, swap, bins, epsilon, miner",
        ),
        ("classes", 3, "loss.classes: example has no such key. It has: margin, mining, swap, bins, epsilon, miner"),
        ("x\n", 3, "loss.x\\n: example has no such key. It has: margin, mining, swap, bins, epsilon, miner"),
    ],
)
def test_wrong_values_are_named(key: str, value: object, wanted: str):
    """C5, C7: by their path, with what was found, what is wanted, and the nearest key that exists."""
    _, mistakes = check_keys("example", example, {key: value}, "loss")

    assert mistakes == [wanted]


def test_all_mistakes_are_found_at_once():
    """One sentence each."""
    _, mistakes = check_keys("example", example, {"margin": -1, "bins": 0, "nonsense": 1, "swap": True}, "loss.2")

    assert len(mistakes) == 3
    assert all(mistake.startswith("loss.2.") for mistake in mistakes)


@pytest.mark.parametrize("builder", [*LOSSES.values(), *MINERS.values()])
def test_every_key_has_a_type_and_a_right_default(builder: Callable[..., object]):
    """All defaults are values that could be given."""
    defaults = {key: item.default for key, item in own_keys(builder).items()}

    assert check_keys("loss", builder, defaults, "loss") == (defaults, [])
