"""From the `loss` section of a configuration to a loss."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from torch import nn

from reid.config.mistakes import shown
from reid.errors import ConfigError
from reid.model.losses.keys import GIVEN, MINER, check_keys, takes_miner
from reid.model.losses.miners import MINERS
from reid.model.losses.names import LOSSES
from reid.model.losses.own import OwnLoss, call_factory, check_own
from reid.model.losses.weighted import WeightedSum
from reid.text import did_you_mean, printable

Settings = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Builder = Callable[..., Any]
NECK = ("before", "after")
"""On which side of a neck a loss sees the embedding."""


class _Term(NamedTuple):
    """A loss of the settings: its path there, name, weight, side of the neck if it is given, and what builds it."""

    where: str
    name: str
    weight: float
    neck: str | None
    builder: Builder


def check_loss(settings: Settings) -> None:
    """Refuse a `loss` section with any mistake in it; nothing is built, only a loss of one's own is imported.

    Args:
        settings: as for `build_loss`.

    Raises:
        ConfigError: all mistakes at once: names, keys and values, each by its path.
    """
    _builders(settings)


def build_loss(settings: Settings, *, classes: int = 2, dimension: int = 128) -> nn.Module:
    """The loss that the `loss` section of a configuration describes.

    First class vectors are drawn from torch's default generator: seed it before.

    Args:
        settings: {"name": ..., own keys...}, or a list of such, each with an optional "weight". A name is one of `LOSSES`,
            or `package.module:name` of a factory, which is called with the keys, and with `classes` and `dimension` if
            it takes them. The key "neck" says on which side of a neck the loss sees the embedding. Where it is not given,
            that is after the neck, but before it for losses without class vectors beside others that see it after.
        classes: number of training identities; labels are 0..classes-1.
        dimension: d, length of the embedding.

    Raises:
        ConfigError: mistakes as in `check_loss`, or a factory of one's own fails.
    """
    given = {"classes": classes, "dimension": dimension}
    terms, losses = _builders(settings), []
    for term in terms:
        ready = _with_given(term.builder, given)
        losses.append(call_factory(ready, term.name, term.where) if ":" in term.name else ready())
    if isinstance(settings, Mapping) and terms[0].neck != "before":
        return losses[0]
    before = _before_neck([term.neck for term in terms], losses)
    return WeightedSum([(term.weight, loss) for term, loss in zip(terms, losses, strict=True)], before)


def _before_neck(given: Sequence[str | None], losses: Sequence[nn.Module]) -> list[bool]:
    """For each loss whether it sees the embedding before the neck."""
    classifies = [hasattr(loss.loss if isinstance(loss, OwnLoss) else loss, "through") for loss in losses]
    anyone = any(neck == "after" or (neck is None and own) for neck, own in zip(given, classifies, strict=True))
    return [
        anyone and not own if neck is None else neck == "before" for neck, own in zip(given, classifies, strict=True)
    ]


def _builders(settings: Settings) -> list[_Term]:
    """What each loss is made from.

    Raises:
        ConfigError: there is any mistake.
    """
    items = [("loss", settings)] if isinstance(settings, Mapping) else _listed(settings)
    found, mistakes = [], [] if items else ["loss: the list is empty; give at least one loss such as {name: margin}"]
    for where, item in items:
        if not isinstance(item, Mapping):
            mistakes.append(f"{where}: got {shown(item)}, wanted a mapping such as {{name: margin}}")
            continue
        values, weight = dict(item), 1.0
        if settings is not item:
            weight = values.pop("weight", weight)
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0.0 <= weight < math.inf:
            mistakes.append(f"{where}.weight: got {shown(weight)}, wanted a number of 0 or more")
        neck = values.pop("neck", None)
        if neck not in (None, *NECK):
            mistakes.append(f"{where}.neck: got {shown(neck)}, wanted one of {', '.join(NECK)}")
        builder, wrong = _builder(values, where)
        mistakes += wrong
        if builder is not None:
            found.append(_Term(where, str(item["name"]), weight, neck, builder))
    if mistakes:
        title = [] if len(mistakes) == 1 else [f"{len(mistakes)} mistakes in the loss:"]
        raise ConfigError("\n  ".join(title + mistakes))
    return found


def _listed(settings: Sequence[object]) -> list[tuple[str, object]]:
    return [(f"loss.{place}", item) for place, item in enumerate(settings)]


def _builder(settings: Mapping[str, Any], where: str) -> tuple[Builder | None, list[str]]:
    name, values = settings.get("name"), {key: value for key, value in settings.items() if key != "name"}
    if isinstance(name, str) and ":" in name:
        return check_own(name, values, where)
    return _by_name("loss", LOSSES, name, values, where)


def _by_name(
    what: str, table: Mapping[str, Builder], name: object, values: Mapping[str, Any], where: str
) -> tuple[Builder | None, list[str]]:
    if not isinstance(name, str) or name not in table:
        hint = did_you_mean(str(name), table)
        return None, [f"{where}.name: no {what} {printable(name)!r}{hint} Known: {', '.join(table)}"]
    builder, mistakes = table[name], []
    chosen = values.get(MINER) if takes_miner(builder) else None
    plain = {key: value for key, value in values.items() if key != MINER or not takes_miner(builder)}
    own, wrong = check_keys(name, builder, plain, where)
    mistakes += wrong
    if chosen is not None:
        miner, wrong = _miner(chosen, f"{where}.{MINER}")
        mistakes += wrong
        if miner is not None:
            return partial(_with_miner, builder, miner, **own), mistakes
    return partial(builder, **own), mistakes


def _miner(chosen: object, where: str) -> tuple[Builder | None, list[str]]:
    settings = {"name": chosen} if isinstance(chosen, str) else chosen
    if not isinstance(settings, Mapping):
        return None, [
            f"{where}: got {shown(chosen)}, wanted the name of a miner, or a mapping such as {{name: batch-hard}}"
        ]
    values = {key: value for key, value in settings.items() if key != "name"}
    return _by_name("miner", MINERS, settings.get("name"), values, where)


def _with_miner(builder: Builder, miner: Builder, **own: Any) -> nn.Module:
    loss: nn.Module = builder(**own, **{MINER: miner()})
    return loss


def _with_given(builder: Builder, given: Mapping[str, int]) -> Builder:
    try:
        parameters = inspect.signature(builder).parameters
    except (TypeError, ValueError):
        return builder
    return partial(builder, **{key: given[key] for key in GIVEN if key in parameters})
