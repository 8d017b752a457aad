#!/usr/bin/env python3
"""Print docs/settings.md, made from the settings' own classes.

python tools/settings_page.py > docs/settings.md
"""

import dataclasses
import inspect
import json
import re
import sys
from typing import Any

from reid.config import Config, to_settings

HEAD = """# Settings

Every key of a recipe, of `config.yaml` in a run, and of `--set KEY=VALUE`. A recipe is a YAML file that holds what differs
from the defaults; `reid-train --config small` takes a shipped one, `--config mine.yaml` a file. Numbers may be written
`1e-5`; `null` means none. All mistakes are reported at once, with the nearest key that exists.

This page is written by `python tools/settings_page.py`.

| key | default | meaning |
|---|---|---|
| `seed` | `0` | of everything left to chance |
"""

LOSS = """
## loss

`loss.name` chooses the loss, and its own keys follow; a list of such, each with a `weight`, is their weighted sum. All of them
are on [their own page](losses.md).
"""


def page() -> str:
    """The whole page."""
    defaults = to_settings(Config())
    rows = []
    for section in dataclasses.fields(Config):
        if dataclasses.is_dataclass(section.type):
            rows += section_rows(section.name, section.type, defaults[section.name])
    return HEAD + "".join(rows) + LOSS


def section_rows(name: str, section: Any, defaults: dict[str, Any]) -> list[str]:
    """A table row for every key of a section."""
    meanings = attributes(inspect.getdoc(section) or "")
    return [f"| `{name}.{key}` | `{json.dumps(value)}` | {meanings[key]} |\n" for key, value in defaults.items()]


def attributes(doc: str) -> dict[str, str]:
    """Meanings by name, from the Attributes section of a docstring."""
    _, _, listed = doc.partition("Attributes:\n")
    entries = re.split(r"\n(?=    \w+:)", listed.split("\n\n")[0])
    pairs = (entry.strip().partition(": ") for entry in entries)
    return {name: " ".join(meaning.split()).replace("|", "\\|").replace("None", "`null`") for name, _, meaning in pairs}


if __name__ == "__main__":
    sys.stdout.write(page())
