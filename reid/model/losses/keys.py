"""The keys that settings can give to a loss or a miner: the keyword arguments of its builder, checked by their types."""

import dataclasses
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reid.config.kinds import STRICT
from reid.config.mistakes import describe
from reid.text import did_you_mean, printable

GIVEN = ("classes", "dimension")
"""Keyword arguments that do not come from settings but are given to every builder that takes them."""
MINER = "miner"
"""The keyword argument that takes a miner: in settings a name, or a mapping as of a loss."""


def own_keys(builder: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The keys of a builder by name; `MINER` is not among them."""
    parameters = inspect.signature(builder).parameters
    return {key: item for key, item in parameters.items() if key not in {*GIVEN, MINER, "generator"}}


def takes_miner(builder: Callable[..., Any]) -> bool:
    """Whether a builder of ours has the key `MINER`."""
    return MINER in inspect.signature(builder).parameters


def takes_given(builder: Callable[..., Any]) -> bool:
    """Whether a builder of ours makes a loss with class vectors."""
    return "classes" in inspect.signature(builder).parameters


def check_keys(
    name: str, builder: Callable[..., Any], values: Mapping[str, Any], where: str
) -> tuple[dict[str, Any], list[str]]:
    """The arguments that settings mean, and what is wrong with them.

    Args:
        name: of the loss or miner, for messages.
        builder: what makes it; all its own keys have a type and a default.
        values: the settings without the name and the miner.
        where: path of the settings, for messages.

    Returns:
        Arguments of the right types, incomplete where there are mistakes; one sentence for each mistake.
    """
    known = own_keys(builder)
    every = [*known, *([MINER] if takes_miner(builder) else [])]
    listed = f" It has: {', '.join(every)}" if every else " It has none."
    mistakes = [
        f"{where}.{printable(key)}: {name} has no such key{did_you_mean(str(key), every)}{listed}"
        for key in values
        if key not in known
    ]
    schema = dataclasses.make_dataclass(
        "Keys",
        [(key, item.annotation, dataclasses.field(default=item.default)) for key, item in known.items()],
        namespace={"__pydantic_config__": STRICT},
    )
    given = {key: value for key, value in values.items() if key in known}
    try:
        checked: Any = TypeAdapter(schema).validate_json(json.dumps(given, default=repr), strict=True)
    except ValidationError as error:
        return {}, mistakes + [f"{where}.{line}" for line in describe(error.errors(), schema, most=len(known))]
    return {key: getattr(checked, key) for key in given}, mistakes
