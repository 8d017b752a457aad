"""What every protocol asks of its arguments."""

from collections.abc import Sequence

import numpy as np

from reid import text
from reid.errors import ConfigError, DataError
from reid.evaluation.metrics import AVERAGE_PRECISIONS
from reid.records import JUNK, Records


def ranks(values: Sequence[int]) -> None:
    """Refuse ranks below 1.

    Raises:
        ConfigError: no ranks, or one below 1.
    """
    if not values or min(values) < 1:
        raise ConfigError(f"ranks must be 1 or more, and at least one of them; got {list(values)}")


def resamples(number: int) -> None:
    """Refuse a negative number of resamples.

    Raises:
        ConfigError: it is negative.
    """
    if number < 0:
        raise ConfigError(f"bootstrap must be a number of resamples, 0 for none; got {number}")


def average_precision(name: str) -> None:
    """Refuse an unknown definition of average precision.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in AVERAGE_PRECISIONS:
        raise ConfigError(
            f"average_precision {text.printable(name)!r} is not known{text.did_you_mean(name, AVERAGE_PRECISIONS)} "
            f"There are: {', '.join(AVERAGE_PRECISIONS)}"
        )


def not_empty(records: Records, name: str) -> None:
    """Refuse a set without an image to score.

    Args:
        records: the set.
        name: what it is called in the message.

    Raises:
        DataError: it is empty, or all is junk.
    """
    junk = int(np.count_nonzero(records.identities == JUNK))
    if junk == len(records):
        found = f"all its {junk} images are junk (identity -1)" if junk else "it holds no images"
        raise DataError(f"the {name} set of {text.printable(records.root)} cannot be scored: {found}")
