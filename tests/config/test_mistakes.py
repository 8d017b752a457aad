"""What is wrong with settings, in words."""

import dataclasses
import re
import time
from typing import Any

import pytest

from reid.config import Config, check
from reid.config.mistakes import shown
from reid.errors import ConfigError


def keys(section: Any, prefix: str = "") -> list[str]:
    """All keys, also of sections."""
    found = []
    for item in dataclasses.fields(section):
        found.append(prefix + item.name)
        if dataclasses.is_dataclass(item.type):
            found += keys(item.type, f"{prefix}{item.name}.")
    return found


def mistakes(settings: dict[str, Any]) -> list[str]:
    """The lines of the error after its title."""
    with pytest.raises(ConfigError) as caught:
        check(settings, "x")
    title, *lines = str(caught.value).split("\n  ")
    assert re.match(r"\d+ mistakes? in x:$", title)
    return lines


@pytest.mark.parametrize("key", keys(Config))
def test_every_key_with_one_typo_finds_the_nearest(key: str) -> None:
    """C5: a letter doubled, left out, replaced, or swapped with its neighbour: the right key is offered.

    A typo that is a key of another section is taken for that one (`train.schedule`).
    """
    others = {other.rpartition(".")[2] for other in keys(Config)}
    section, _, name = key.rpartition(".")
    middle = len(name) // 2
    typos = {
        name[:middle] + name[middle] + name[middle:],
        name[:middle] + "x" + name[middle + 1 :],
        name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :],
        name[:-1] if len(name) > 3 else name + "s",
    }
    for typo in typos - {name} - others:
        settings: dict[str, Any] = {section: {typo: 1}} if section else {typo: 1}
        wrong = f"{section}.{typo}" if section else typo
        assert mistakes(settings) == [f"{wrong}: unknown key; did you mean {key!r}?"]


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"epochs": 5}, "epochs: unknown key; did you mean 'train.epochs'?"),
        ({"model": {"epochs": 5}}, "model.epochs: unknown key; did you mean 'train.epochs'?"),
        ({"train.epochs": 5}, "train.epochs: unknown key; write 'epochs' indented below 'train:'"),
        ({"zzz": 5}, "zzz: unknown key."),
        ({"trian": None}, "trian: unknown key; did you mean 'train'?"),
        ({"a\n\x1b": 5}, "a\\n\\x1b: unknown key."),
        ({1: 5}, "1: unknown key."),
        ({"train": 5}, "train: got 5, wanted a section with keys of its own"),
        ({"train": [{"epochs": 5}]}, 'train: got [{"epochs": 5}], wanted a section with keys of its own'),
        ({"train": {"optimiser": "lion"}}, "train.optimiser: got \"lion\", wanted 'adam', 'adamw' or 'sgd'"),
        ({"train": {"lr": "1e-4"}}, 'train.lr: got "1e-4", wanted a number'),
        ({"train": {"lr": 0}}, "train.lr: got 0, wanted more than 0"),
        ({"train": {"epochs": 0}}, "train.epochs: got 0, wanted 1 or more"),
        ({"model": {"dropout": 1}}, "model.dropout: got 1, wanted less than 1"),
        ({"data": {"image_size": 4096}}, "data.image_size: got 4096, wanted 2048 or less"),
        ({"data": {"image_size": [224, 4096]}}, "data.image_size.1: got 4096, wanted 2048 or less"),
        ({"data": {"image_size": "big"}}, 'data.image_size: got "big", wanted a whole number or a list'),
        ({"data": {"image_size": [1, 2, 3]}}, "data.image_size: got [1, 2, 3], wanted at most 2 values"),
        ({"data": {"crop_scale": [0.5]}}, "data.crop_scale.1: got [0.5], wanted one more value"),
        (
            {"data": {"root": "x" * 200, "workers": "x" * 200}},
            f'data.workers: got "{"x" * 79}..., wanted a whole number',
        ),
        ({"loss": [1]}, "loss.0: got 1, wanted a section with keys of its own"),
        ({"data": {"flip": "é\n"}}, 'data.flip: got "é\\n", wanted a number'),
    ],
)
def test_line_says_key_value_and_what_is_wanted(settings: dict[str, Any], line: str) -> None:
    """One line a mistake, in words of the settings."""
    assert mistakes(settings) == [line]


def test_all_mistakes_are_reported_at_once() -> None:
    """Nobody mends one mistake to be told of the next."""
    found = mistakes({"train": {"lr": 0, "epoch": 3}, "data": {"flip": 2, "image_size": [1, 2]}, "seed": "x"})

    assert [line.partition(":")[0] for line in found] == [
        "seed",
        "data.image_size.0",
        "data.image_size.1",
        "data.flip",
        "train.lr",
        "train.epoch",
    ]


def test_thousands_of_mistakes_are_counted_quickly() -> None:
    """Twenty are shown; a file of nonsense costs no more than a second."""
    start = time.process_time()
    found = mistakes({f"key{number}": 1 for number in range(5000)})

    assert len(found) == 21
    assert found[-1] == "and 4980 more"
    assert time.process_time() - start < 1


def test_shown_is_short_and_on_one_line() -> None:
    """Whatever was written, the message stays readable."""
    assert shown({"a": [1, None, True]}) == '{"a": [1, null, true]}'
    assert shown("\x1b") == '"\\u001b"'
    assert shown("\udcff\u202e") == '"\\udcff\\u202e"'
    assert len(shown("x" * 1000)) == 83
