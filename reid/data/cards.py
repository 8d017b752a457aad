"""Dataset cards: what a dataset is called, how it lies on the disk, how much of it there should be, how it is scored."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from reid import shipped
from reid.data.layouts import LAYOUTS
from reid.errors import ConfigError, MissingInputError
from reid.strict_yaml import load_yaml
from reid.text import did_you_mean, printable

Quantity = Literal["identities", "images", "cameras"]
Protocol = Literal["single-shot", "all-vs-all", "query-gallery"]


@dataclass(frozen=True)
class Drawing:
    """A set that is drawn when it is missing: the arguments of `reid.data.synthetic.draw_dataset`.

    Attributes:
        identities: how many.
        images_per_identity: how many of each.
        cameras: how many.
        seed: of all that is drawn.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  pydantic's way to configure

    identities: int
    images_per_identity: int
    cameras: int
    seed: int


@dataclass(frozen=True)
class Card:
    """What is known about a dataset.

    Attributes:
        name: short name, as given to --dataset; the name of the card's file.
        title: full name.
        kind: what the images show, one word: vehicle, person, clothes, product, bird, car, ...
        layout: key of `reid.data.layouts.LAYOUTS`.
        aliases: further names, in any case.
        roots: names that the dataset's folder may have, besides `name`, tried in order.
        options: the layout's own settings.
        cameras: whether a camera is known for every image.
        counts: expected numbers by split: train, query, gallery or the name of a test set.
        protocols: how each test set is scored.
        split_aliases: further names of test sets.
        recipe: recipe that `reid-train` takes when none is named.
        draw: how to draw the dataset when it is missing; None for real ones.
        licence: what its authors allow, in a sentence.
        source: where to get it, in a sentence or two.
        tree: what its folder must look like, a drawing.
        notes: what one should know before using it.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  pydantic's way to configure

    name: str
    title: str
    kind: str
    layout: str
    licence: str
    source: str
    tree: str
    aliases: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    cameras: bool = False
    counts: Mapping[str, Mapping[Quantity, int]] = field(default_factory=dict)
    protocols: Mapping[str, tuple[Protocol, ...]] = field(default_factory=dict)
    split_aliases: Mapping[str, str] = field(default_factory=dict)
    recipe: str = "dc2019"
    draw: Drawing | None = None
    notes: str = ""

    def settings(self) -> dict[str, Any]:
        """A value for every option of the layout: the card's, else the default."""
        return {**LAYOUTS[self.layout].OPTIONS, **self.options}


def load_card(name: str) -> Card:
    """A card by name or alias, in any case, or by the path of a YAML file.

    Raises:
        ConfigError: no such name, or the card has mistakes, all of which are named.
        MissingInputError: no such file.
    """
    if name.lower().endswith((".yaml", ".yml")):
        return read_card(Path(name))
    if name.lower() in shipped.names("datasets"):
        return read_card(shipped.folder("datasets") / f"{name.lower()}.yaml")
    cards = list_cards()
    known = {alias.lower(): card for card in cards for alias in (card.name, *card.aliases)}
    if name.lower() not in known:
        raise ConfigError(
            f"there is no dataset {printable(name)!r}{did_you_mean(name.lower(), known)} Known: "
            f"{', '.join(card.name for card in cards)}; or give the path of a card of your own (.yaml)"
        )
    return known[name.lower()]


def list_cards() -> list[Card]:
    """All shipped cards, by name."""
    folder = shipped.folder("datasets")
    return [read_card(folder / f"{name}.yaml") for name in shipped.names("datasets")]


def read_card(path: Path) -> Card:
    """The card in a YAML file.

    Raises:
        MissingInputError: there is no such file.
        ConfigError: it is no YAML, or has mistakes, all of which are named.
    """
    from pydantic import TypeAdapter, ValidationError

    if not os.path.isfile(path):  # noqa: PTH113  a name too long must not raise
        raise MissingInputError(f"there is no card {printable(path)}")
    content = load_yaml(path)
    try:
        card = TypeAdapter(Card).validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        mistakes = [_mistake(dict(details)) for details in error.errors()]
    except (TypeError, ValueError) as error:
        mistakes = [printable(error)]
    else:
        mistakes = _contradictions(card)
        if not mistakes:
            return card
    raise ConfigError("\n  ".join([f"the card {printable(path)} has mistakes:", *mistakes]))


def _mistake(details: Mapping[str, Any]) -> str:
    key = printable(".".join(map(str, details["loc"]))) or "the file"
    if details["type"] == "unexpected_keyword_argument":
        return f"{key}: unknown key{did_you_mean(key, Card.__dataclass_fields__)}"
    if details["type"] in {"missing", "missing_argument"}:
        return f"{key}: is missing"
    message = str(details["msg"]).removeprefix("Input should be ")
    return f"{key}: got {_shown(details['input'])}, wanted {message[:1].lower()}{message[1:]}"


def _shown(value: object) -> str:
    return printable(json.dumps(value))[:80]


def _contradictions(card: Card) -> list[str]:
    if card.layout not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        return [f"layout: unknown layout {card.layout!r}{did_you_mean(card.layout, LAYOUTS)} Known: {known}"]
    defaults, mistakes = LAYOUTS[card.layout].OPTIONS, []
    for key, value in card.options.items():
        if key not in defaults:
            mistakes.append(
                f"options.{printable(key)}: unknown key{did_you_mean(key, defaults)} Known: {', '.join(defaults)}"
            )
        elif not _alike(value, defaults[key]):
            mistakes.append(f"options.{key}: got {_shown(value)}, wanted a value like {_shown(defaults[key])}")
    mistakes += [
        f"split_aliases.{printable(alias)}: {printable(split)!r} has no entry in protocols"
        for alias, split in card.split_aliases.items()
        if split not in card.protocols
    ]
    return mistakes


def _alike(value: object, default: object) -> bool:
    """Whether `value` has the type of `default`, items included; a whole number will do for a fraction."""
    if isinstance(default, Mapping):
        return isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())
    if isinstance(default, list):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(default, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is type(default)
