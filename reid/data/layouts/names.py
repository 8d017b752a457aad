"""File names that say identity, camera and time."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reid.data.layouts.listing import Rows
from reid.errors import ConfigError, DataError
from reid.records import NO_CAMERA
from reid.text import listed, printable

NAMES = r"(?P<identity>-1|[0-9]+)_c(?P<camera>[0-9]{1,9})(?:s[0-9]+)?_f?(?P<time>[0-9]{1,15})(?:_[0-9]+)?"
"""`0002_c1s1_000451_03`, `0002_c1_f0046302`, `0002_c002_00030600_0` and `0781_c11_0015`, all before the ending."""


def compiled(expression: str, groups: Sequence[str] = ()) -> re.Pattern[str]:
    """The regular expression of a card.

    Raises:
        ConfigError: it is none, or lacks one of `groups`.
    """
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise ConfigError(f"the card's names {printable(expression)!r} is no regular expression: {error}") from None
    if missing := [group for group in groups if group not in pattern.groupindex]:
        raise ConfigError(f"the card's names {printable(expression)!r} lacks the group (?P<{missing[0]}>...)")
    return pattern


def parsed(paths: list[str], pattern: re.Pattern[str], folder: Path, identities: list[str] | None = None) -> Rows:
    """What the file names say.

    Args:
        paths: of the images.
        pattern: must match every name without its ending, from its beginning to its end.
        folder: where the images are, for the message.
        identities: of the images; None takes them from the group `identity`.

    Raises:
        DataError: a name does not match, or its camera or time is not a number.
    """
    found, wrong = [], []
    for path in paths:
        match = pattern.fullmatch(os.path.splitext(path.rpartition("/")[2])[0])  # noqa: PTH122  a hundred thousand times
        groups = match.groupdict() if match else {}
        if match and all(groups.get(name) is None or groups[name].isdecimal() for name in ("camera", "time")):
            found.append(groups)
        else:
            wrong.append(path.rpartition("/")[2])
    if wrong:
        like = "0002_c1s1_000451_03.jpg (identity, camera, frame)" if pattern.pattern == NAMES else pattern.pattern
        raise DataError(
            f"{printable(folder)}: {len(wrong)} of {len(paths)} file names are not of the form {like}: "
            f"{listed(wrong)}; rename or remove them"
        )
    known = pattern.groupindex
    return Rows(
        paths,
        [groups["identity"] for groups in found] if identities is None else identities,
        [int(groups["camera"] or NO_CAMERA) for groups in found] if "camera" in known else None,
        [float(groups["time"] or np.nan) for groups in found] if "time" in known else None,
    )
